"""Links and promo codes over the API: made singly and in bulk, changed, archived, drawn as QR codes."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
import zxingcpp
from django.conf import settings
from django.test import Client
from django.urls import reverse
from PIL import Image, ImageColor

from accounts import services as account_services
from accounts.models import AuditEntry, User, Workspace
from accounts.services import SYSTEM
from core import clock
from core.errors import Invalid
from core.tenancy import tenant
from programs import qr
from programs.models import CodeRoute, Link, Participant, PromoCode
from programs.utm import check_utm, filled_utm
from tests.conftest import AT
from tests.factories import LinkFactory, ParticipantFactory, PromoCodeFactory

pytestmark = pytest.mark.django_db


class Api:
    """Calls the API with a key."""

    def __init__(self, client: Client, token: str) -> None:
        self.client = client
        self.headers = {"Authorization": f"Bearer {token}"}

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(f"/api/v1/{path}", query, headers=self.headers)

    def post(self, path: str, body: Any) -> Any:
        return self.client.post(
            f"/api/v1/{path}", body, content_type="application/json", headers=self.headers
        )

    def patch(self, path: str, body: Any) -> Any:
        return self.client.patch(
            f"/api/v1/{path}", body, content_type="application/json", headers=self.headers
        )


@pytest.fixture
def api(workspace: Workspace, client: Client) -> Api:
    """The API under a key that may read and write."""
    _, token = account_services.create_api_key(
        workspace=workspace, kind="sk", name="test", scopes=["read", "write"], actor=SYSTEM, at=clock.now()
    )
    return Api(client, token)


@pytest.fixture
def ana(workspace: Workspace) -> Participant:
    """Somebody who refers."""
    made: Participant = ParticipantFactory.create(workspace=workspace, display_name="Ana")
    return made


def picture(kind: str = "PNG", size: tuple[int, int] = (200, 120)) -> bytes:
    """Return a colourful picture."""
    file = io.BytesIO()
    image = Image.linear_gradient("L").resize(size).convert("RGB")
    image.paste((200, 30, 60), (0, 0, size[0] // 2, size[1]))
    image.save(file, kind)
    return file.getvalue()


def decoded(png: bytes) -> str:
    """Read a QR code as a phone would."""
    found = zxingcpp.read_barcodes(Image.open(io.BytesIO(png)))
    assert len(found) == 1
    return str(found[0].text)


def fault(answer: Any) -> tuple[int, str, str | None]:
    """Return status, code and field of a refusal."""
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["param"]


def test_a_link_has_a_campaign_a_template_and_an_end(api: Api, ana: Participant) -> None:
    end = clock.now() + timedelta(days=30)
    made = api.post(
        "links",
        {
            "participant": ana.public_id,
            "code": "Spring-Ana",
            "campaign": " Spring ",
            "utm": {"source": "referral", "medium": "{channel}", "campaign": "{campaign}-{code}", "term": ""},
            "expires_at": end.isoformat(),
        },
    )
    assert made.status_code == 201
    link = made.json()
    assert (link["code"], link["campaign"], link["status"]) == ("Spring-Ana", "Spring", "active")
    assert link["utm"] == {"source": "referral", "medium": "{channel}", "campaign": "{campaign}-{code}"}
    assert link["referral_url"] == f"{settings.BASE_URL}/r/Spring-Ana"
    assert api.get(f"links/{link['id']}").json() == link
    assert [each["id"] for each in api.get("links", campaign="Spring").json()["data"]] == [link["id"]]
    assert api.get("links", campaign="Autumn").json()["data"] == []


@pytest.mark.parametrize(
    ("field", "value", "param"),
    [
        ("campaign", "x" * 81, "campaign"),
        ("campaign", "a\nb", "campaign"),
        ("utm", {"sauce": "x"}, "utm.sauce"),
        ("utm", {"source": "x" * 101}, "utm.source"),
        ("utm", {"source": "a&b=c"}, "utm.source"),
        ("utm", {"source": "{email}"}, "utm.source"),
        ("utm", {"source": "{"}, "utm.source"),
        ("utm", {"source": 1}, "utm.source"),
        ("utm", "source", "utm"),
        ("expires_at", "2020-01-01T00:00:00Z", "expires_at"),
        ("expires_at", "tomorrow", "expires_at"),
        ("destination_url", "https://evil.example/", "destination_url"),
        ("destination_url", "javascript:alert(1)", "destination_url"),
        ("code", "no", "code"),
        ("name", "x", "name"),
    ],
)
def test_a_bad_field_is_named_when_a_link_is_made_and_changed(
    api: Api, ana: Participant, field: str, value: Any, param: str
) -> None:
    status, _, named = fault(api.post("links", {"participant": ana.public_id, field: value}))
    assert (status, named) == (400, param)
    link = LinkFactory.create(workspace=ana.workspace, participant=ana)
    status, _, named = fault(api.patch(f"links/{link.public_id}", {field: value}))
    assert (status, named) == (400, param)
    assert Link.objects.for_workspace(ana.workspace).count() == 1


def test_a_link_is_changed_archived_and_brought_back(api: Api, ana: Participant) -> None:
    link = LinkFactory.create(workspace=ana.workspace, participant=ana)
    path = f"links/{link.public_id}"
    changed = api.patch(
        path,
        {"destination_url": "https://shop.example/spring", "campaign": "Spring", "utm": {"source": "r"}},
    ).json()
    assert changed["destination_url"] == "https://shop.example/spring"
    assert api.patch(path, {"status": "archived"}).json()["status"] == "archived"
    assert api.patch(path, {"status": "active"}).json()["status"] == "active"
    assert api.patch(path, {"campaign": "Spring"}).json() == changed
    assert api.patch(path, {"destination_url": "", "utm": {}}).json()["destination_url"] == ""
    assert fault(api.patch(path, {"status": "gone"})) == (400, "invalid", "status")
    assert fault(api.patch(path, {"code": "other"})) == (400, "invalid", "code")
    entries = AuditEntry.objects.for_workspace(ana.workspace).filter(subject=link.public_id).order_by("pk")
    assert [(entry.action, sorted(entry.after or {})) for entry in entries] == [
        ("link.changed", ["campaign", "destination_url", "utm"]),
        ("link.archived", ["status"]),
        ("link.restored", ["status"]),
        ("link.changed", ["destination_url", "utm"]),
    ]
    Participant.objects.for_workspace(ana.workspace).update(status="suspended")
    api.patch(path, {"status": "archived"})
    assert fault(api.patch(path, {"status": "active"}))[1:] == ("participant_suspended", "participant")


def test_links_in_bulk_stand_and_fall_by_themselves(api: Api, ana: Participant) -> None:
    LinkFactory.create(workspace=ana.workspace, code="taken", participant=ana)
    answer = api.post(
        "links/bulk",
        {
            "links": [
                {"participant": ana.public_id, "code": "first", "campaign": "Spring"},
                {"participant": ana.public_id, "code": "TAKEN"},
                {"participant": "prt_nobody", "code": "second"},
                {"participant": ana.public_id, "utm": {"source": "{x}"}},
                {"participant": ana.public_id, "colour": "red"},
                "nonsense",
                {"participant": ana.public_id},
            ]
        },
    )
    assert answer.status_code == 200
    results = answer.json()["results"]
    assert [each["status"] for each in results] == ["created", *["failed"] * 5, "created"]
    assert (results[0]["item"]["code"], results[0]["item"]["campaign"]) == ("first", "Spring")
    assert [(r["error"]["code"], r["error"]["param"]) for r in results[1:5]] == [
        ("code_taken", "code"),
        ("not_found", "participant"),
        ("invalid_characters", "utm.source"),
        ("invalid", "colour"),
    ]
    assert Link.objects.for_workspace(ana.workspace).count() == 3
    assert CodeRoute.objects.for_workspace(ana.workspace).filter(code_key="first").count() == 1
    bodies: list[dict[str, Any]] = [{}, {"links": []}, {"links": {}}, {"links": [{}] * 1001}]
    for body in bodies:
        assert fault(api.post("links/bulk", body))[::2] == (400, "links")


def test_promo_codes_are_made_in_bulk_archived_and_brought_back(api: Api, ana: Participant) -> None:
    answer = api.post(
        "promo-codes/bulk",
        {
            "promo_codes": [
                {"participant": ana.public_id, "code": "ANA10"},
                {"participant": ana.public_id, "code": "ana10"},
                {"participant": ana.public_id},
            ]
        },
    ).json()["results"]
    assert [each["status"] for each in answer] == ["created", "failed", "failed"]
    assert [(each["error"]["code"], each["error"]["param"]) for each in answer[1:]] == [
        ("code_taken", "code"),
        ("invalid", "code"),
    ]
    path = f"promo-codes/{answer[0]['item']['id']}"
    assert api.get(path).json()["code"] == "ANA10"
    assert api.patch(path, {"status": "archived"}).json()["status"] == "archived"
    assert api.patch(path, {"status": "archived"}).json()["status"] == "archived"
    assert api.patch(path, {"status": "active"}).json()["status"] == "active"
    assert fault(api.patch(path, {"status": "x"}))[::2] == (400, "status")
    subject = answer[0]["item"]["id"]
    actions = AuditEntry.objects.for_workspace(ana.workspace).filter(subject=subject).order_by("pk")
    assert [entry.action for entry in actions] == [
        "promo_code.created",
        "promo_code.archived",
        "promo_code.restored",
    ]


def test_a_template_is_filled_for_a_click() -> None:
    checked = check_utm({"source": " referral ", "medium": "{channel}", "term": "{campaign}", "content": ""})
    assert checked == {"source": "referral", "medium": "{channel}", "term": "{campaign}"}
    filled = filled_utm(checked, code="anna", channel="whatsapp", campaign="")
    assert filled == {"utm_source": "referral", "utm_medium": "whatsapp"}


def test_shared_addresses_wear_the_workspaces_own_domain(api: Api, ana: Participant) -> None:
    LinkFactory.create(workspace=ana.workspace, participant=ana, code="anna")
    Workspace.objects.for_workspace(ana.workspace).update(link_host="go.shop.example")
    for path in ("links", "participants"):
        found = api.get(path).json()["data"]
        assert [each["referral_url"] for each in found] == ["https://go.shop.example/anna"]
    link_id = Link.objects.for_workspace(ana.workspace).get().public_id
    assert decoded(api.get(f"links/{link_id}/qr").content) == "https://go.shop.example/anna?ch=qr"


@pytest.mark.parametrize("level", ["L", "M", "Q", "H"])
@pytest.mark.parametrize(("color", "background"), [("#000000", "#ffffff"), ("#1d4e89", "#fff4d6")])
def test_a_drawn_code_can_be_read(
    api: Api, ana: Participant, level: str, color: str, background: str
) -> None:
    link = LinkFactory.create(workspace=ana.workspace, participant=ana, code="anna")
    answer = api.get(
        f"links/{link.public_id}/qr", level=level, color=color, background=background, size="300", margin="2"
    )
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/png")
    assert decoded(answer.content) == f"{settings.BASE_URL}/r/anna?ch=qr"
    image = Image.open(io.BytesIO(answer.content)).convert("RGB")
    assert 200 <= image.width <= 300
    assert image.getpixel((0, 0)) == ImageColor.getrgb(background)
    drawn = api.get(f"links/{link.public_id}/qr", format="svg", color=color, size="300")
    assert drawn["Content-Type"] == "image/svg+xml"
    assert 'width="300" height="300"' in drawn.content.decode()
    assert f'fill="{color}"' in drawn.content.decode()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_code_with_a_logo_can_be_read(api: Api, ana: Participant, kind: str) -> None:
    link = LinkFactory.create(workspace=ana.workspace, participant=ana, code="anna")
    path = f"links/{link.public_id}/qr"
    assert fault(api.get(path, logo="true")) == (400, "no_logo", "logo")
    account_services.set_logo(workspace=ana.workspace, content=picture(kind), actor=SYSTEM, at=AT)
    for size in ("128", "512", "2048"):
        answer = api.get(path, logo="true", size=size, level="L")
        assert decoded(answer.content) == f"{settings.BASE_URL}/r/anna?ch=qr"
    assert b"data:image/png;base64," in api.get(path, logo="true", format="svg").content


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"color": "red"}, "color"),
        ({"background": "#fff"}, "background"),
        ({"color": "#ffffff", "background": "#000000"}, "color"),
        ({"color": "#999999"}, "color"),
        ({"size": "63"}, "size"),
        ({"size": "2049"}, "size"),
        ({"margin": "-1"}, "margin"),
        ({"margin": "21"}, "margin"),
        ({"level": "X"}, "level"),
        ({"format": "gif"}, "format"),
        ({"logo": "maybe"}, "logo"),
        ({"shape": "round"}, "shape"),
    ],
)
def test_what_cannot_be_drawn_is_refused_by_name(
    api: Api, ana: Participant, query: dict[str, str], param: str
) -> None:
    link = LinkFactory.create(workspace=ana.workspace, participant=ana)
    assert fault(api.get(f"links/{link.public_id}/qr", **query))[::2] == (400, param)


def test_an_inverted_code_is_refused() -> None:
    with pytest.raises(Invalid) as caught:
        qr.look_of(color="#eeeeee", background="#111111")
    assert caught.value.code == "inverted"


def test_a_logo_is_uploaded_served_and_removed(workspace: Workspace, owner: User, client: Client) -> None:
    browser = Client()
    browser.force_login(owner)
    address = reverse("settings_logo", args=["acme"])
    page = reverse("settings_brand", args=["acme"])

    def upload(content: bytes, name: str = "logo.png") -> str:
        file = io.BytesIO(content)
        file.name = name
        browser.post(address, {"logo": file})
        return browser.get(page).content.decode()

    assert "is no PNG, JPEG or WebP picture" in upload(b"<svg onload=alert(1)>")
    assert "is no PNG, JPEG or WebP picture" in upload(picture("GIF"), "logo.gif")
    assert "is larger than 256 KB" in upload(b"x" * 300_000)
    assert "must be 16 to 4096 pixels" in upload(picture(size=(5000, 20)))
    assert "The logo is stored." in upload(picture() + b"<script>hidden</script>")
    logo = browser.get(page).context["logo"]
    shown = client.get(reverse("brand_logo", args=[workspace.public_id, logo.digest]))
    assert (shown.status_code, shown["Content-Type"]) == (200, "image/png")
    assert b"hidden" not in shown.content
    assert Image.open(io.BytesIO(shown.content)).size == (200, 120)
    assert client.get(reverse("brand_logo", args=[workspace.public_id, "0" * 16])).status_code == 404
    browser.post(address, {"remove": "1"})
    assert browser.get(page).context["logo"] is None


def test_another_workspaces_codes_are_not_found(
    api: Api, other_workspace: Workspace, workspace: Workspace
) -> None:
    with tenant(other_workspace):
        link = LinkFactory.create(workspace=other_workspace)
        promo = PromoCodeFactory.create(workspace=other_workspace)
    assert api.patch(f"links/{link.public_id}", {"campaign": "x"}).status_code == 404
    assert api.get(f"links/{link.public_id}/qr").status_code == 404
    assert api.patch(f"promo-codes/{promo.public_id}", {"status": "archived"}).status_code == 404
    assert not PromoCode.objects.for_workspace(workspace).exists()
