"""From the daemon's log to the board: sentences that a newcomer can read, and bookings' states."""

import re
from collections.abc import Mapping
from datetime import datetime

from cospaced.commands.demonstration.board import Board, Conference, Line, Voice
from cospaced.commands.demonstration.service import Record
from cospaced.commands.demonstration.site import ROOM_DOMAIN


_ID = re.compile(r"\b([0-9a-f]{8})-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
_IN_ROOM = re.compile(rf"\S+@{re.escape(ROOM_DOMAIN)} in room (\w+)")
_SPAN = re.compile(r"now \d{4}-\d\d-\d\dT\d\d:\d\dZ to \d{4}-\d\d-\d\dT\d\d:\d\dZ")
_OF_FIRST = re.compile(r" at attempt 0|, \d+ ms late")
"""Nobody dialled who dialled in; and a second call is not late, it waited."""
_STATES = {
    "booking.planned": "planned",
    "booking.refused": "refused",
    "booking.opened": "open",
    "booking.closing": "closing",
    "booking.closed": "closed",
    "booking.missed": "missed",
}


class DaemonLog:
    """Takes the daemon's records and keeps them all.

    `names` says what is shown in place of addresses and paths.
    """

    def __init__(self, board: Board, names: Mapping[str, str]) -> None:
        self._board = board
        self._names = names
        self.records: list[Record] = []
        self.noise: list[str] = []

    def take(self, record: Record) -> None:
        """Take one record."""
        self.records.append(record)
        conference = self._board.conference(str(record.get("booking", "")))
        if conference is not None:
            _follow(conference, record)
        level = str(record.get("level", "info"))
        at = datetime.fromisoformat(str(record["timestamp"]))
        text = self._readable(str(record.get("message", record["event"])), conference)
        if record.get("attempt", 1) != 1:
            text = _OF_FIRST.sub("", text)
        self._board.say(Line(at=at, voice=Voice.DAEMON, text=text, level=level))

    def take_noise(self, at: datetime, line: str) -> None:
        """Take a line that is no record: nobody should ever see one."""
        self.noise.append(line)
        self._board.say(Line(at=at, voice=Voice.DAEMON, text=line, level="error"))

    def happened(self, event: str) -> list[Record]:
        """Return the records of one event."""
        return [record for record in self.records if record["event"] == event]

    def _readable(self, text: str, conference: Conference | None) -> str:
        if conference is not None:
            text = text.replace(conference.booking, f"'{conference.invitation.title}'")
            local = conference.invitation.end.astimezone()
            text = _SPAN.sub(f"it ends at {local:%H:%M:%S}", text)
        for address, name in self._names.items():
            text = text.replace(address, name)
        return _ID.sub(r"\1…", _IN_ROOM.sub(r"\1", text))


def _follow(conference: Conference, record: Record) -> None:
    event = str(record["event"])
    conference.state = _STATES.get(event, conference.state)
    if event == "booking.planned":
        conference.number = int(record["number"])
    if event in ("booking.planned", "booking.changed"):
        conference.invitation = conference.sent
