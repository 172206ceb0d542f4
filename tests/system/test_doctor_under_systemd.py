"""The doctor of the installed wheel on a machine with a real systemd, user and unit."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from support.installed_site import CMS_SECTIONS
from support.machine import Machine, wait_until


pytestmark = [pytest.mark.real_systemd, pytest.mark.timeout(120)]

CONFIGURATION = "/etc/cospaced/cospaced.ini"
INI = f"""\
{CMS_SECTIONS}[conferences]
min_rooms = 1
[calendar:files]
type = ical
[room:aula]
calendar = files
path = /srv/calendars/aula.ics
endpoints = aula@r.example
"""
CALENDAR = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//tests//EN\r\nEND:VCALENDAR\r\n"


def doctor(rig: Machine) -> dict[str, list[dict[str, Any]]]:
    """Return the findings by check."""
    done = rig.exec("cospaced", "doctor", "--json", check=False, seconds=60)
    assert done.stdout, done.stderr
    found: dict[str, list[dict[str, Any]]] = {}
    for one in json.loads(done.stdout)["findings"]:
        found.setdefault(one["check"], []).append(one)
    return found


def severities(findings: list[dict[str, Any]]) -> list[str]:
    return [one["severity"] for one in findings]


def configure(rig: Machine, text: str) -> None:
    rig.write("/srv/calendars/aula.ics", CALENDAR)
    rig.write(CONFIGURATION, text, "0640")
    rig.exec("chgrp", "cospaced", CONFIGURATION)


def start(rig: Machine) -> None:
    """Run the daemon until its pool is there."""
    rig.exec("systemctl", "enable", "--now", "cospaced", seconds=40)
    slots = '"usable": 3'
    wait_until(lambda: slots in rig.exec("cospaced", "status", "--json").stdout, 30, "the pool")


def test_root_sees_what_holds_for_the_daemons_user_and_unit(cms: Machine) -> None:
    configure(cms, INI)
    cms.exec("systemctl", "disable", "--now", "cospaced", seconds=20)
    before = doctor(cms)
    assert severities(before["unit"]) == ["error", "warning"]
    assert "systemctl start cospaced" in before["unit"][0]["remedy"]
    assert "systemctl enable cospaced" in before["unit"][1]["remedy"]
    assert before["control"][0]["seen"].startswith("no daemon runs")

    start(cms)
    found = doctor(cms)
    assert found["unit"][0]["seen"] == "runs as cospaced and starts with the machine"
    for check in ("unit", "rights", "state_dir", "site_key", "state_file", "control", "pool"):
        assert severities(found[check]) == ["ok"], found[check]
    assert found["rights"][0]["seen"].startswith("user cospaced can read")
    assert found["state_dir"][0]["seen"].startswith("belongs to cospaced")


def test_root_is_told_what_the_daemons_user_cannot_read_and_its_unit_not_see(cms: Machine) -> None:
    home = "/home/calendars/aula.ics"
    cms.write(home, CALENDAR)
    configure(cms, INI.replace("/srv/calendars/aula.ics", home))
    cms.exec("chmod", "0600", CONFIGURATION)
    rights = doctor(cms)["rights"]
    assert {(one["severity"], one["subject"]) for one in rights} == {
        ("error", f"file {CONFIGURATION}"),
        ("error", f"file {home}"),
    }
    assert any("ProtectHome" in one["seen"] for one in rights)


def test_a_secret_that_is_a_credential_of_the_unit_is_found_while_it_runs(cms: Machine) -> None:
    secret = "/etc/cospaced/secrets/cms.password"
    cms.write(secret, "simulated", "0600")
    configure(cms, INI.replace("password = simulated\n", ""))
    cms.exec("systemctl", "stop", "cospaced", seconds=20)
    cms.drop_in("credential", f"[Service]\nLoadCredential=cms.password:{secret}\n")
    try:
        (missing, _) = doctor(cms)["configuration"]
        assert "password: is missing" in missing["seen"]
        start(cms)
        found = doctor(cms)
        assert severities(found["configuration"] + found["call_bridges"]) in (
            ["ok", "ok"],
            ["ok", "note"],
        )
    finally:
        # A unit that runs keeps its credential, and a password besides it is an error.
        cms.exec("systemctl", "stop", "cospaced", seconds=20)
        cms.exec("rm", "/etc/systemd/system/cospaced.service.d/credential.conf")
        cms.exec("systemctl", "daemon-reload")


def test_a_changed_file_and_a_changed_unit_want_to_be_taken_up(cms: Machine) -> None:
    configure(cms, INI)
    start(cms)
    began = datetime.now(UTC)
    cms.exec("sleep", "1.1")
    configure(cms, INI)
    cms.exec("sed", "-i", "$ a # changed", "/usr/lib/systemd/system/cospaced.service")
    found = doctor(cms)
    assert found["unit"][0]["remedy"].startswith("systemctl daemon-reload")
    assert found["control"][0]["remedy"] == "systemctl reload cospaced"
    cms.exec("systemctl", "daemon-reload")
    cms.exec("systemctl", "reload", "cospaced")
    since = f"{began:%Y-%m-%d %H:%M:%S} UTC"
    told = ("EVENT=config.reloaded", f"--since={since}")
    wait_until(lambda: cms.journal(*told), 10, "the file is read again")
    found = doctor(cms)
    assert severities(found["unit"] + found["control"]) == ["ok", "ok"]
