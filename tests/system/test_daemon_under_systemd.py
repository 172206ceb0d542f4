"""The installed wheel, run by its own unit under a real systemd, beside a simulated CMS."""

import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from support.machine import Machine, wait_until


pytestmark = [pytest.mark.real_systemd, pytest.mark.timeout(120)]

PORT = "9443"
CONFIGURATION = "/etc/cospaced/cospaced.ini"
CALENDAR = "/srv/calendars/aula.ics"
INI = f"""\
[daemon]
poll_interval = 1s
[cms]
address = 127.0.0.1:{PORT}
username = admin
password = simulated
ca_file = /srv/ca.pem
[pool]
domain = cms.example
numeric_id_base = 8001
numeric_id_quantity = 3
[conferences]
early_join = 2s
min_rooms = 1
[calendar:files]
type = ical
[room:aula]
calendar = files
path = {CALENDAR}
endpoints = aula@r.example
"""


def event(start: datetime, end: datetime) -> str:
    """Return the room's calendar with one event."""
    return "\r\n".join(
        (
            "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//tests//EN", "BEGIN:VEVENT",
            "UID:unit@example.org", "DTSTAMP:20261101T000000Z",
            f"DTSTART:{start:%Y%m%dT%H%M%SZ}", f"DTEND:{end:%Y%m%dT%H%M%SZ}",
            "SUMMARY:Planning", "END:VEVENT", "END:VCALENDAR", "",
        )
    )  # fmt: skip


@pytest.fixture(scope="module")
def cms(rig: Machine, wheel: Path) -> Iterator[Machine]:
    """Install the wheel and start a simulated CMS inside the machine."""
    rig.install_wheel(wheel)
    rig.exec("mkdir", "-p", "/srv/calendars")
    argv = ("cospaced", "simulate-cms", "--port", PORT, "--ca-out", "/srv/ca.pem")
    program = rig.spawn(*argv, stdout=subprocess.DEVNULL)
    wait_until(
        lambda: rig.exec("test", "-s", "/srv/ca.pem", check=False).returncode == 0, 20, "CMS"
    )
    rig.exec("chmod", "0644", "/srv/ca.pem")
    try:
        yield rig
    finally:
        program.kill()
        program.wait()


def told(rig: Machine, *matches: str) -> list[dict[str, object]]:
    return rig.journal("_SYSTEMD_UNIT=cospaced.service", *matches)


def test_a_conference_is_held_and_survives_kill_9_under_the_hardened_unit(cms: Machine) -> None:
    now = datetime.now(UTC)
    cms.write(CALENDAR, event(now + timedelta(seconds=6), now + timedelta(minutes=30)))
    cms.write(CONFIGURATION, INI, "0640")
    cms.exec("chgrp", "cospaced", CONFIGURATION)
    cms.exec("systemctl", "start", "cospaced", seconds=40)
    assert cms.unit()["SubState"] == "running"
    wait_until(lambda: told(cms, "EVENT=leg.connected", "ROOM=aula"), 30, "the room is connected")
    opened = told(cms, "EVENT=booking.opened")[0]
    assert opened["NUMBER"] in {"8001", "8002", "8003"}
    assert int(str(opened["LATE_MS"])) >= 0
    assert opened["PRIORITY"] == "6"
    wait_until(lambda: cms.unit()["StatusText"].startswith("1 open"), 10, "STATUS tells of it")
    shown = cms.exec("cospaced", "status").stdout
    assert "aula connected" in shown

    before = cms.unit()["MainPID"]
    cms.exec("kill", "-9", before)
    wait_until(
        lambda: cms.unit()["SubState"] == "running" and cms.unit()["MainPID"] not in ("0", before),
        20,
        "systemd starts it again",
    )
    wait_until(lambda: len(told(cms, "EVENT=pool.found")) == 1, 20, "it finds its pool again")

    cms.exec("systemctl", "reload", "cospaced")
    wait_until(lambda: told(cms, "EVENT=config.reloaded"), 10, "the file is read again")
    cms.exec("systemctl", "stop", "cospaced", seconds=20)
    unit = cms.unit()
    assert (unit["Result"], unit["ExecMainStatus"]) == ("success", "0")
    assert len(told(cms, "EVENT=leg.dialled")) == 1
    assert told(cms, "EVENT=booking.closed") == []


def test_a_bad_file_stops_the_unit_with_status_2_and_no_second_try(cms: Machine) -> None:
    cms.write(CONFIGURATION, INI.replace("[pool]", "[pol]"), "0640")
    cms.exec("chgrp", "cospaced", CONFIGURATION)
    cms.exec("systemctl", "start", "cospaced", check=False)
    unit = cms.unit()
    assert (unit["ActiveState"], unit["ExecMainStatus"]) == ("failed", "2")
    lines = [
        str(line["MESSAGE"]) for line in told(cms, f"_SYSTEMD_INVOCATION_ID={unit['InvocationID']}")
    ]
    assert any(line.startswith(f"{CONFIGURATION}:") and "[pol]" in line for line in lines), lines
