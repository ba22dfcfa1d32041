"""The country of a request, by header and by file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from tracking.places import country_of


def write(path: Path, records: dict[str, Any], ip_version: int = 6) -> str:
    """Write a file of networks and what is known of each; returns its path."""
    writer = MMDBWriter(ip_version, ipv4_compatible=ip_version == 6, database_type="Test-Country")
    for network, record in records.items():
        writer.insert_network(IPSet([network]), record)
    writer.to_db_file(str(path))
    return str(path)


@pytest.fixture
def countries(tmp_path: Path, settings: Any) -> None:
    """A file that knows some documentation networks, in the words of three publishers."""
    settings.TRUSTED_COUNTRY_HEADER = ""
    settings.GEOIP_FILE = write(
        tmp_path / "countries.mmdb",
        {
            "192.0.2.0/25": {"country": {"iso_code": "DE"}, "registered_country": {"iso_code": "NL"}},
            "192.0.2.128/25": {"registered_country": {"iso_code": "AT"}},
            "198.51.100.0/24": {"country": "CH", "country_name": "Switzerland"},
            "203.0.113.0/24": {"country_code": "PL", "country": "Poland"},
            "2001:db8::/32": {"country": {"iso_code": "FR"}},
            "10.0.0.0/8": {"traits": {"is_anycast": True}},
        },
    )


@pytest.mark.parametrize(
    ("address", "country"),
    [
        ("192.0.2.1", "DE"),
        ("192.0.2.200", "AT"),
        ("198.51.100.9", "CH"),
        ("203.0.113.9", "PL"),
        ("2001:db8::1", "FR"),
        ("::ffff:192.0.2.1", "DE"),
        ("10.1.2.3", ""),
        ("8.8.8.8", ""),
        ("", ""),
        ("unknown", ""),
        ("192.0.2.1, 198.51.100.9", ""),
        ("192.0.2.1\x00", ""),
    ],
)
@pytest.mark.usefixtures("countries")
def test_the_file_knows_an_addresss_country(address: str, country: str) -> None:
    assert country_of({}, address) == country


def test_a_file_of_the_old_addresses_knows_none_of_the_new(tmp_path: Path, settings: Any) -> None:
    settings.GEOIP_FILE = write(tmp_path / "old.mmdb", {"192.0.2.0/24": {"country": {"iso_code": "DE"}}}, 4)
    assert country_of({}, "192.0.2.1") == "DE"
    assert country_of({}, "2001:db8::1") == ""


@pytest.mark.parametrize(
    ("headers", "country"),
    [
        ({"CF-IPCountry": "DE"}, "DE"),
        ({"cf-ipcountry": "de"}, "DE"),
        ({"HTTP_CF_IPCOUNTRY": "DE"}, "DE"),
        ({"CF-IPCountry": "XX"}, ""),
        ({"CF-IPCountry": "T1"}, ""),
        ({"CF-IPCountry": "DEU"}, ""),
        ({"CF-IPCountry": "D\n"}, ""),
        ({"CF-IPCountry": "ÄÖ"}, ""),
        ({"CloudFront-Viewer-Country": "FR", "X-Country-Code": "FR"}, ""),
        ({}, ""),
    ],
)
def test_only_the_trusted_header_is_believed(settings: Any, headers: dict[str, str], country: str) -> None:
    settings.TRUSTED_COUNTRY_HEADER = "CF-IPCountry"
    settings.GEOIP_FILE = ""
    assert country_of(headers, "192.0.2.1") == country


@pytest.mark.parametrize("name", ["CloudFront-Viewer-Country", "X-Vercel-IP-Country", "X-Country-Code"])
def test_another_header_can_be_trusted(settings: Any, name: str) -> None:
    settings.TRUSTED_COUNTRY_HEADER = name
    assert country_of({name: "FR", "CF-IPCountry": "DE"}, "") == "FR"


@pytest.mark.usefixtures("countries")
def test_the_header_comes_first_and_the_file_where_it_is_silent(settings: Any) -> None:
    settings.TRUSTED_COUNTRY_HEADER = "CF-IPCountry"
    assert country_of({"CF-IPCountry": "US"}, "192.0.2.1") == "US"
    assert country_of({"CF-IPCountry": "XX"}, "192.0.2.1") == "DE"


def test_a_file_that_cannot_be_used_stops_the_start(tmp_path: Path, settings: Any) -> None:
    broken = tmp_path / "broken.mmdb"
    broken.write_bytes(b"no database" * 100)
    asn = write(tmp_path / "asn.mmdb", {"192.0.2.0/24": {"autonomous_system_number": 64496}})
    for path, said in (
        (str(tmp_path / "missing.mmdb"), "cannot be read: No such file"),
        (str(tmp_path), ""),
        (str(broken), "is no MaxMind database"),
        (asn, "names no countries"),
    ):
        settings.GEOIP_FILE = path
        with pytest.raises(ImproperlyConfigured, match=f"GEOIP_FILE: .*{said}"):
            apps.get_app_config("tracking").ready()
    settings.GEOIP_FILE = ""
    apps.get_app_config("tracking").ready()
