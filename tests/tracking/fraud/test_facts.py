from typing import Any

import pytest

from tracking.fraud import DEFAULT_WEIGHTS, Facts, FraudSettings


@pytest.mark.parametrize(
    "field",
    [
        "shared_devices",
        "shared_addresses",
        "shared_payments",
        "shared_postal",
        "participant_conversions_hour",
        "address_conversions_hour",
        "device_conversions_hour",
        "seconds_to_conversion",
        "participant_conversions",
        "participant_refunded",
    ],
)
def test_a_negative_count_is_refused(field: str) -> None:
    known: dict[str, Any] = {field: -1}
    with pytest.raises(ValueError, match=f"^{field} "):
        Facts(referrer="prt_1", referee="cus_2", **known)


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"hold_at": 0}, "hold_at"),
        ({"hold_at": 101}, "hold_at"),
        ({"too_fast_seconds": -1}, "too_fast_seconds"),
        ({"participant_per_hour": 0}, "participant_per_hour"),
        ({"address_per_hour": 0}, "address_per_hour"),
        ({"device_per_hour": 0}, "device_per_hour"),
        ({"refund_rate_percent": 0}, "refund_rate_percent"),
        ({"refund_rate_percent": 101}, "refund_rate_percent"),
        ({"refund_rate_least": 0}, "refund_rate_least"),
        ({"ring_size": 0}, "ring_size"),
        ({"weights": (("astrology", 1),)}, "weights"),
        ({"weights": (("same_ip", 1), ("same_ip", 2))}, "weights"),
        ({"weights": (("same_ip", -1),)}, "weights"),
        ({"weights": (("allow_list", 1),)}, "weights"),
        ({"shadow": ("astrology",)}, "shadow"),
        ({"shadow": ("same_ip", "same_ip")}, "shadow"),
        ({"off": ("astrology",)}, "off"),
        ({"off": ("ring", "ring")}, "off"),
        ({"off": ("ring",), "shadow": ("ring",)}, "off"),
        ({"banned_sources": ("*",)}, "banned_sources"),
        ({"banned_sources": ("Coupons.example",)}, "banned_sources"),
        ({"banned_sources": ("",)}, "banned_sources"),
    ],
)
def test_settings_are_refused_by_name(settings: dict[str, Any], field: str) -> None:
    with pytest.raises(ValueError, match=f"^{field} "):
        FraudSettings(**settings)


def test_weights_are_replaced_one_by_one() -> None:
    settings = FraudSettings(weights=(("same_ip", 35), ("ring", 0), ("allow_list", 0)))

    assert settings.weight("same_ip") == 35
    assert settings.weight("ring") == 0
    assert settings.weight("circular") == DEFAULT_WEIGHTS["circular"] == 60
    assert settings == FraudSettings(weights=(("same_ip", 35), ("ring", 0), ("allow_list", 0)))
    assert hash(settings) != hash(FraudSettings())
