"""A small site for an installed cospaced on a `Machine`: one room, one calendar file, one CMS."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from support.machine import Machine, wait_until


PORT = "9443"
CONFIGURATION = "/etc/cospaced/cospaced.ini"
AUTHORITY = "/srv/ca.pem"
CALENDAR = "/srv/calendars/aula.ics"
CMS_SECTIONS = f"""\
[cms]
address = 127.0.0.1:{PORT}
username = admin
password = simulated
ca_file = {AUTHORITY}
[pool]
domain = cms.example
numeric_id_base = 8001
numeric_id_quantity = 3
"""
INI = f"""\
[daemon]
poll_interval = 1s
{CMS_SECTIONS}[conferences]
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


@contextmanager
def simulated_cms(machine: Machine) -> Iterator[None]:
    """Run the installed program's simulator in the machine; its CA's certificate is AUTHORITY."""
    machine.exec("mkdir", "-p", "/srv/calendars")
    machine.exec("rm", "-f", AUTHORITY)
    argv = ("/usr/bin/cospaced", "simulate-cms", "--port", PORT, "--ca-out", AUTHORITY)
    machine.exec("systemd-run", "--collect", "--unit=cms", *argv)
    try:
        wait_until(
            lambda: machine.exec("test", "-s", AUTHORITY, check=False).returncode == 0,
            20,
            "CMS is there",
        )
        machine.exec("chmod", "0644", AUTHORITY)
        yield
    finally:
        machine.exec("systemctl", "stop", "cms")


def book(machine: Machine) -> None:
    """Write the configuration, and a calendar with a conference that starts in six seconds."""
    now = datetime.now(UTC)
    machine.write(CALENDAR, event(now + timedelta(seconds=6), now + timedelta(minutes=30)))
    configure(machine, INI)


def configure(machine: Machine, text: str) -> None:
    """Write the configuration as an administrator does: for the daemon's group alone."""
    machine.write(CONFIGURATION, text, "0640")
    machine.exec("chgrp", "cospaced", CONFIGURATION)


def told(machine: Machine, *matches: str) -> list[dict[str, Any]]:
    """Return the daemon's own records in the journal that match."""
    return machine.journal("_SYSTEMD_UNIT=cospaced.service", *matches)
