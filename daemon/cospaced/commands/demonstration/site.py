"""The demo's files: an INI file as an administrator writes it, and one calendar for each room."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Self


ROOM_DOMAIN = "rooms.example.org"
POOL_DOMAIN = "meet.example.org"
POOL_BASE = 82001
POOL_SIZE = 20
USERNAME = "cospaced"
ROOMS = ("Aula", "Boardroom", "Cellar", "Library", "Studio")
EARLY_JOIN = timedelta(seconds=4)
WARNING = timedelta(seconds=3)

_SECTIONS = """\
[daemon]
state_dir = state
poll_interval = 1s
log_format = json

[cms]
address = {url}
username = {username}
password_file = cms.password
ca_file = {ca_file}

[pool]
domain = {pool_domain}
numeric_id_base = {base}
numeric_id_quantity = {size}

[conferences]
early_join = {early}s
end_warnings = {warning}s
dial_interval = 2s

[calendar:outlook]
type = ical
"""
_ROOM = """
[room:{room}]
calendar = outlook
path = {room}.ics
endpoints = {endpoint}
"""


def endpoint_of(room: str) -> str:
    """Return the SIP URI of a room's video system."""
    return f"{room.lower()}@{ROOM_DOMAIN}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """An event as its organizer sends it; times in UTC, whole seconds."""

    uid: str
    title: str
    organizer: str
    start: datetime
    end: datetime
    rooms: tuple[str, ...]
    sequence: int = 0

    def ending(self, end: datetime) -> Self:
        """Return the update that moves the end."""
        return replace(self, end=end, sequence=self.sequence + 1)

    def with_room(self, room: str) -> Self:
        """Return the update that adds a room."""
        return replace(self, rooms=(*self.rooms, room), sequence=self.sequence + 1)

    def event(self) -> str:
        """Write it as a VEVENT."""
        rows = (
            "BEGIN:VEVENT",
            f"UID:{self.uid}",
            f"SEQUENCE:{self.sequence}",
            f"DTSTAMP:{_instant(self.start)}",
            f"DTSTART:{_instant(self.start)}",
            f"DTEND:{_instant(self.end)}",
            f"SUMMARY:{self.title}",
            f"ORGANIZER;CN={self.organizer}:mailto:{self.organizer.lower()}@example.org",
            "END:VEVENT",
        )
        return "".join(f"{row}\r\n" for row in rows)


class Site:
    """The folder of one demo."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "cospaced.ini"
        self._invitations: dict[str, Invitation] = {}

    def write_configuration(self, *, url: str, ca_file: Path, password: str) -> str:
        """Write the INI file and the password beside it; return the file's text."""
        secret = self.folder / "cms.password"
        secret.touch(mode=0o600)
        secret.write_text(f"{password}\n", encoding="utf-8")
        (self.folder / "state").mkdir()
        text = _SECTIONS.format(
            url=url,
            username=USERNAME,
            ca_file=os.path.relpath(ca_file, self.folder),
            pool_domain=POOL_DOMAIN,
            base=POOL_BASE,
            size=POOL_SIZE,
            early=int(EARLY_JOIN.total_seconds()),
            warning=int(WARNING.total_seconds()),
        )
        text += "".join(_ROOM.format(room=room, endpoint=endpoint_of(room)) for room in ROOMS)
        self.file.write_text(text, encoding="utf-8")
        self._write_calendars(ROOMS)
        return text

    def invite(self, invitation: Invitation) -> None:
        """Put an event into its rooms' calendars, in place of the one with its UID."""
        before = self._invitations.get(invitation.uid)
        self._invitations[invitation.uid] = invitation
        concerned = {*invitation.rooms, *(before.rooms if before else ())}
        self._write_calendars(tuple(room for room in ROOMS if room in concerned))

    def file_away(self, name: str, lines: Sequence[str]) -> None:
        """Keep lines for who keeps the folder."""
        (self.folder / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")

    def _write_calendars(self, rooms: tuple[str, ...]) -> None:
        for room in rooms:
            events = [one.event() for one in self._invitations.values() if room in one.rooms]
            head = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//cospaced//demo//EN\r\n"
            text = head + "".join(events) + "END:VCALENDAR\r\n"
            # In place at once: whoever reads meanwhile has the old file whole.
            fresh = self.folder / f"{room}.ics.new"
            fresh.write_text(text, encoding="utf-8", newline="")
            fresh.replace(self.folder / f"{room}.ics")


def _instant(moment: datetime) -> str:
    return f"{moment:%Y%m%dT%H%M%SZ}"
