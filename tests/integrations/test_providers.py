"""The errors every provider speaks."""

from __future__ import annotations

from datetime import timedelta

from integrations.providers import Gone, ProviderError, Reauthorise, Refused, Retry


def test_each_error_says_what_decides_the_next_step() -> None:
    assert Retry().after is None
    assert Retry(timedelta(seconds=7)).after == timedelta(seconds=7)
    assert str(Retry(timedelta(seconds=7))) == "retry after 0:00:07"
    assert Refused("code taken").reason == str(Refused("code taken")) == "code taken"
    assert all(issubclass(kind, ProviderError) for kind in (Retry, Reauthorise, Refused, Gone))
