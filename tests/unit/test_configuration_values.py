import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cospaced.configuration import addresses, values
from cospaced.configuration.durations import duration, written
from cospaced.configuration.zones import machine_zone, zone
from cospaced.settings import NumberChoice, PasscodeMode


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("5m", 300), ("2h", 7200), ("7d", 604800), ("0s", 0)]
)
def test_durations_are_a_number_and_a_unit(text: str, seconds: int) -> None:
    assert duration()(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("30", "(write 30s, or m, h, d for the unit)"),
        ("5 minutes", "(write 5m)"),
        ("2H", "(write 2h)"),
        ("", "(write a number and a unit such as 30s, 5m, 2h or 7d)"),
        ("-5m", "(write a number and a unit such as 30s, 5m, 2h or 7d)"),
        ("٣s", "(write a number and a unit such as 30s, 5m, 2h or 7d)"),
        ("999999999d", "(write 3650d or less)"),
        ("3s", "(write 5s or more)"),
    ],
)
def test_a_wrong_duration_is_told_with_the_one_to_write(text: str, remedy: str) -> None:
    with pytest.raises(ValueError, match=re.escape(remedy)):
        duration(timedelta(seconds=5))(text)


@pytest.mark.parametrize("text", ["90s", "5m", "36h", "7d", "0s"])
def test_a_duration_is_written_as_it_was_read(text: str) -> None:
    assert written(duration()(text)) == text


@pytest.mark.parametrize("text", ["yes", "TRUE", "on", "1"])
def test_four_words_switch_on(text: str) -> None:
    assert values.switch(text) is True


@pytest.mark.parametrize("text", ["no", "False", "off", "0"])
def test_four_words_switch_off(text: str) -> None:
    assert values.switch(text) is False


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("cms.example.org", "https://cms.example.org"),
        ("CMS.example.org:445", "https://cms.example.org:445"),
        ("https://cms.example.org:445/", "https://cms.example.org:445"),
        ("10.0.0.1:0443", "https://10.0.0.1:443"),
        ("[2001:DB8::1]:445", "https://[2001:db8::1]:445"),
        ("[::1]", "https://[::1]"),
    ],
)
def test_addresses_of_call_bridges_become_base_urls(text: str, address: str) -> None:
    assert addresses.base_address(text) == address


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("http://cms.example.org", "unencrypted"),
        ("ftp://cms.example.org", "not https"),
        ("https://cms.example.org/api/v1", "holds a path"),
        ("https://admin:hunter2@cms.example.org", "holds a user name"),
        ("::1", "in brackets"),
        ("[::x]", "no IPv6 address"),
        ("300.1.1.1", "no IP address"),
        ("cms.example.org:0", "no port"),
        ("cms.example.org:70000", "no port"),
        ("cms example", "no host name"),
        ("bücher.example", "xn--"),
        ("", "no address"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        addresses.base_address(text)
    assert "hunter2" not in str(caught.value)


def test_call_bridges_are_auto_or_none_or_a_list() -> None:
    assert addresses.bridge_addresses("auto") is None
    assert addresses.bridge_addresses("NONE") == ()
    assert addresses.bridge_addresses("a:445,\nb") == ("https://a:445", "https://b")


@pytest.mark.parametrize("text", ["", "a, A"])
def test_an_empty_or_repeating_list_of_call_bridges_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\(write "):
        addresses.bridge_addresses(text)


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (addresses.web_url, "webcal://x.example.org/a.ics"),
        (addresses.web_url, "file:///etc/passwd"),
        (addresses.web_url, "https://u:hunter2@x.example.org/a"),
        (addresses.web_url, "https://x.example.org/hunter2 b"),
        (addresses.web_url, "https://["),
        (addresses.web_url, "https:///hunter2"),
        (addresses.base_url, "https://x.example.org/?hunter2"),
        (addresses.exchange_server, "u:hunter2@mail.example.org"),
        (addresses.sip_domain, "sip:example.org"),
        (addresses.sip_uri, "aula"),
        (addresses.sip_uri, "h323:aula@example.org"),
        (addresses.sip_uri, "a@b@c"),
        (addresses.sip_uri, "a@b.org; c@b.org"),
        (addresses.sip_uri, "a@b.org;c@b.org"),
        (addresses.sip_uri, "a@b.org c@b.org"),
        (addresses.sip_uri, "a@b.org; transport=tls"),
        (addresses.sip_uri, "@example.org"),
        (addresses.sip_uri, "aula@"),
        (addresses.mail_address, "aula"),
        (addresses.mail_address, "Aula <aula@example.org>"),
        (values.numeric_id, "0"),
        (values.numeric_id, "082000"),
        (values.numeric_id, "8_000"),
        (values.numeric_id, "9" * 16),
        (values.whole(1, 64), "65"),
        (values.whole(1, 64), "+8"),
        (values.rate, "nan"),
        (values.rate, "1.2.3"),
        (values.rate, "0"),
        (values.guid, "my profile"),
        (values.passcode, "hunter2"),
        (values.passcode, "random"),
        (values.passcode, "random:3"),
        (values.passcode, "random:13"),
        (values.tones, "hunter2"),
        (values.warnings, "5m, 0s"),
        (values.identifier, "a b"),
        (values.filled, ""),
        (zone, "Mars/Olympus"),
    ],
)
def test_every_refusal_says_what_to_write_and_shows_no_secret(
    read: Callable[[str], Any], text: str
) -> None:
    with pytest.raises(ValueError, match=r"\((write|take) ") as caught:
        read(text)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["aula@example.org", "sip:aula@10.0.0.1:5061;transport=tls", "sips:a.b+c@[::1]"]
)
def test_sip_uris_stay_as_they_are_written(text: str) -> None:
    assert addresses.sip_uri(text) == text


def test_passcodes_have_three_forms() -> None:
    assert values.passcode("none").mode is PasscodeMode.NONE
    drawn = values.passcode("random:8")
    assert (drawn.mode, drawn.length) == (PasscodeMode.RANDOM, 8)
    fixed = values.passcode("0123")
    assert (fixed.mode, fixed.digits) == (PasscodeMode.FIXED, "0123")


def test_warnings_come_longest_first_and_once() -> None:
    found = values.warnings("1m, 5m,\n300s")
    assert found == (timedelta(minutes=5), timedelta(minutes=1))
    assert values.warnings("") == ()


def test_a_misspelt_word_is_told_with_the_one_that_was_meant() -> None:
    with pytest.raises(ValueError, match=r"'lowset' is none of stable, lowest \(write lowest\)"):
        values.member(NumberChoice)("lowset")


def test_a_strange_word_is_told_with_all_that_there_are() -> None:
    with pytest.raises(ValueError, match=r"\(write one of stable, lowest\)"):
        values.member(NumberChoice)("x" * 100)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("europe/berlin", "Europe/Berlin"),
        ("Europe/Berln", "Europe/Berlin"),
        ("Romance Standard Time", "Europe/Paris"),
    ],
)
def test_a_time_zone_that_is_nearly_right_gets_a_suggestion(text: str, meant: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"(write {meant})")):
        zone(text)


def test_the_machines_zone_is_told_by_tz_then_timezone_then_localtime(tmp_path: Path) -> None:
    assert machine_zone({}, tmp_path) is None
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/localtime").symlink_to("../usr/share/zoneinfo/Asia/Tokyo")
    assert machine_zone({}, tmp_path) == "Asia/Tokyo"
    (tmp_path / "etc/timezone").write_text("America/New_York\n")
    assert machine_zone({}, tmp_path) == "America/New_York"
    assert machine_zone({"TZ": ":Europe/Paris"}, tmp_path) == "Europe/Paris"
    assert machine_zone({"TZ": "CEST-2"}, tmp_path) == "America/New_York"
