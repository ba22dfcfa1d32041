import pytest

from core.mailbox import normalise_mailbox


@pytest.mark.parametrize(
    ("email", "mailbox"),
    [
        (" Ana.Maria+shop@GMail.com ", "anamaria@gmail.com"),
        ("a.n.a.maria@googlemail.com", "anamaria@gmail.com"),
        ("ana.maria+x@outlook.com", "ana.maria@outlook.com"),
        ("ana+x@me.com", "ana@icloud.com"),
        ("ana@pm.me", "ana@proton.me"),
        ("ana-shop@yahoo.com", "ana@yahoo.com"),
        ("ana+shop@yahoo.com", "ana+shop@yahoo.com"),
        ("ana+shop@example.com", "ana+shop@example.com"),
        ("ANA@Example.COM.", "ana@example.com"),
        ("ana@bücher.example", "ana@xn--bcher-kva.example"),
        ("ana@BU\u0308CHER.example", "ana@xn--bcher-kva.example"),
        ("ana@XN--BCHER-KVA.example", "ana@xn--bcher-kva.example"),
        ("ａｎａ＠example.com", "ana@example.com"),
        ("+shop@gmail.com", "+shop@gmail.com"),
        ('"a@b"@example.com', '"a@b"@example.com'),
    ],
)
def test_a_mailbox_has_one_spelling(email: str, mailbox: str) -> None:
    assert normalise_mailbox(email) == mailbox
    assert normalise_mailbox(mailbox) == mailbox


@pytest.mark.parametrize(
    "email",
    [
        "",
        "ana",
        "@example.com",
        "ana@",
        "ana@.",
        "ana@ex..ample.com",
        "a na@example.com",
        "a" * 310 + "@example.com",
    ],
)
def test_what_is_no_address_is_refused_without_repeating_it(email: str) -> None:
    with pytest.raises(ValueError, match=r"^email ") as refused:
        normalise_mailbox(email)
    assert not email or email not in str(refused.value)
