"""The demo's files: an INI file as an administrator writes it; and what stands in its calendars."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol, Self


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

{calendar}"""
_ROOM = """
[room:{room}]
{calendar}
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

    @property
    def address(self) -> str:
        """Return the organizer's mail address."""
        return f"{self.organizer.lower()}@example.org"

    def ending(self, end: datetime) -> Self:
        """Return the update that moves the end."""
        return replace(self, end=end, sequence=self.sequence + 1)

    def with_room(self, room: str) -> Self:
        """Return the update that adds a room."""
        return replace(self, rooms=(*self.rooms, room), sequence=self.sequence + 1)


class Calendars(Protocol):
    """Where people's invitations end up, and how the daemon is told to read them."""

    @property
    def section(self) -> str:
        """Return the INI file's section of the calendars."""

    def keys_of(self, room: str) -> str:
        """Return the keys of a room's section that say which calendar is its own."""

    def invite(self, invitation: Invitation) -> str:
        """Put an event into its rooms' calendars, in place of the one with its UID.

        Returns what a room made of it, if that is worth telling.
        """


class Site:
    """The folder of one demo."""

    def __init__(self, folder: Path, calendars: Calendars) -> None:
        self.folder = folder
        self.file = folder / "cospaced.ini"
        self.calendars = calendars

    def write_configuration(self, *, url: str, ca_file: Path, password: str) -> str:
        """Write the INI file and the password beside it; return the file's text."""
        write_secret(self.folder / "cms.password", password)
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
            calendar=self.calendars.section,
        )
        for room in ROOMS:
            keys = self.calendars.keys_of(room)
            text += _ROOM.format(room=room, calendar=keys, endpoint=endpoint_of(room))
        self.file.write_text(text, encoding="utf-8")
        return text

    def file_away(self, name: str, lines: Sequence[str]) -> None:
        """Keep lines for who keeps the folder."""
        (self.folder / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def write_secret(file: Path, secret: str) -> None:
    """Write a password that nobody else may read."""
    file.touch(mode=0o600)
    file.write_text(f"{secret}\n", encoding="utf-8")
