import pytest

from core.disposable import is_disposable


@pytest.mark.parametrize(
    "given",
    [
        "mailinator.com",
        "ana@mailinator.com",
        "Ana@MAILINATOR.com.",
        "ana@mail.for.mailinator.com",
        "yopmail.com",
    ],
)
def test_throw_away_providers_are_known_with_all_below_them(given: str) -> None:
    assert is_disposable(given)


@pytest.mark.parametrize(
    "given",
    [
        "gmail.com",
        "ana@gmail.com",
        "ana@proton.me",
        "amailinator.example",
        "mailinator.com.example",
        "mailinator.com@example.com",
        "com",
        "",
        "ana@",
        "ex..ample",
    ],
)
def test_everyone_else_is_left_alone(given: str) -> None:
    assert not is_disposable(given)
