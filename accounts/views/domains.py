"""The workspace's own domains: added, proved, chosen for sharing, removed; and the proxy's question."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import proofs, queries, services
from accounts.access import ConsoleRequest, console_view
from accounts.forms import DomainForm
from accounts.models import Domain
from accounts.permissions import allows
from core import clock
from core.errors import DomainError
from core.forms import add_domain_error


@require_http_methods(["GET", "HEAD", "POST"])
@console_view("view", post="manage_settings")
def settings_domains(request: ConsoleRequest) -> HttpResponse:
    """List the domains with the records they wait for, and add one."""
    workspace = request.workspace
    locked = not allows(request.member.role, "manage_settings")
    form = DomainForm(request.POST or None, locked=locked)
    if request.method == "POST" and form.is_valid():
        try:
            services.add_domain(workspace=workspace, **form.cleaned_data, actor=request.actor, at=clock.now())
        except DomainError as error:
            add_domain_error(form, error)
        else:
            messages.success(request, "Added. Publish the two records below, then verify.")
            return redirect("settings_domains", workspace.slug)
    context = {
        "form": form,
        "locked": locked,
        "part": "domains",
        "domains": [
            {
                "row": domain,
                "record": proofs.record_name(domain.host),
                "value": proofs.record_value(domain.token),
            }
            for domain in queries.domains(workspace)
        ],
        "our_host": urlsplit(settings.BASE_URL).hostname,
    }
    return render(request, "accounts/settings_domains.html", context, status=400 if form.errors else 200)


@require_POST
@console_view("manage_settings")
def domain_verify(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Look the record up now."""
    domain = _domain(request, public_id)
    proof = proofs.look_up(domain.host, domain.token)
    services.record_check(domain=domain, proof=proof, actor=request.actor, at=clock.now())
    if domain.verified_at is None:
        messages.error(request, domain.problem)
    elif proof.state == "found":
        messages.success(request, f"{domain.host} is verified.")
    else:
        messages.warning(request, domain.problem)
    return redirect("settings_domains", request.workspace.slug)


@require_POST
@console_view("manage_settings")
def domain_primary(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Share links with a domain from now on."""
    domain = services.set_primary_domain(domain=_domain(request, public_id), actor=request.actor)
    messages.success(request, f"Links are shared with {domain.host} from now on.")
    return redirect("settings_domains", request.workspace.slug)


@require_POST
@console_view("manage_settings")
def domain_platform(request: ConsoleRequest) -> HttpResponse:
    """Share links with the platform's own address from now on."""
    services.share_platform_domain(workspace=request.workspace, actor=request.actor)
    messages.success(request, "Links are shared with our address from now on.")
    return redirect("settings_domains", request.workspace.slug)


@require_POST
@console_view("manage_settings")
def domain_remove(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Give a domain up."""
    domain = _domain(request, public_id)
    services.remove_domain(domain=domain, actor=request.actor)
    messages.success(request, f"{domain.host} is removed.")
    return redirect("settings_domains", request.workspace.slug)


def _domain(request: ConsoleRequest, public_id: str) -> Domain:
    found: Domain = get_object_or_404(queries.domains(request.workspace), public_id=public_id)
    return found


@require_safe
def domain_ask(request: HttpRequest) -> HttpResponse:
    """Tell the proxy whether to get a certificate for `?domain=`: 200 for a verified domain, else 404."""
    known = queries.host_owner(request.GET.get("domain", "")) is not None
    return HttpResponse("yes" if known else "no", content_type="text/plain", status=200 if known else 404)
