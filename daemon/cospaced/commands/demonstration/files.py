"""The demo's calendars as .ics files, one for each room, as a person's program writes them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

from cospaced.commands.demonstration.site import ROOMS, Invitation
from cospaced.ports import Clock, Entropy


class Files:
    """Calendars in a folder."""

    section = "[calendar:outlook]\ntype = ical\n"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._invitations: dict[str, Invitation] = {}
        self._write(ROOMS)

    def keys_of(self, room: str) -> str:
        """Return the keys of a room's section."""
        return f"calendar = outlook\npath = {room}.ics"

    def invite(self, invitation: Invitation) -> str:
        """Write an event into its rooms' files; see Calendars."""
        before = self._invitations.get(invitation.uid)
        self._invitations[invitation.uid] = invitation
        concerned = {*invitation.rooms, *(before.rooms if before else ())}
        self._write(tuple(room for room in ROOMS if room in concerned))
        return ""

    def _write(self, rooms: tuple[str, ...]) -> None:
        for room in rooms:
            events = [_event(one) for one in self._invitations.values() if room in one.rooms]
            head = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//cospaced//demo//EN\r\n"
            text = head + "".join(events) + "END:VCALENDAR\r\n"
            # In place at once: whoever reads meanwhile has the old file whole.
            fresh = self._folder / f"{room}.ics.new"
            fresh.write_text(text, encoding="utf-8", newline="")
            fresh.replace(self._folder / f"{room}.ics")


@asynccontextmanager
async def files(folder: Path, _: Clock, __: Entropy) -> AsyncIterator[Files]:
    """Keep the calendars in the demo's folder."""
    yield Files(folder)


def _event(invitation: Invitation) -> str:
    """Write an invitation as a VEVENT."""
    rows = (
        "BEGIN:VEVENT",
        f"UID:{invitation.uid}",
        f"SEQUENCE:{invitation.sequence}",
        f"DTSTAMP:{_instant(invitation.start)}",
        f"DTSTART:{_instant(invitation.start)}",
        f"DTEND:{_instant(invitation.end)}",
        f"SUMMARY:{invitation.title}",
        f"ORGANIZER;CN={invitation.organizer}:mailto:{invitation.address}",
        "END:VEVENT",
    )
    return "".join(f"{row}\r\n" for row in rows)


def _instant(moment: datetime) -> str:
    return f"{moment:%Y%m%dT%H%M%SZ}"
