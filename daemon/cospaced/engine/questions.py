"""What `why` and `invite` ask about one booking, of a running daemon or of its state file."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from heapq import nsmallest
from typing import Any
from zoneinfo import ZoneInfo

from cospaced.domain.booking import Booking, DialState, StoryEntry
from cospaced.domain.document import document, moment
from cospaced.domain.invitation import invitation
from cospaced.domain.lifecycle import FINISHED
from cospaced.domain.naming import named
from cospaced.domain.story import dial_text
from cospaced.domain.trouble import undialled
from cospaced.errors import CospacedError
from cospaced.settings import Settings


OFFERED = 50
"""How many bookings are offered to complete a name."""
CANDIDATES = 20
"""How many are listed where a name means several."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Questions:
    """Answers about the bookings there are; `story` returns the lines of one by its id."""

    rows: Callable[[], Iterable[Booking]]
    story: Callable[[str], Awaitable[tuple[StoryEntry, ...]]]
    settings: Callable[[], Settings]
    now: Callable[[], datetime]
    observing: bool = False
    """Whether nothing is written to CMS."""

    def beginning(self, begun: str) -> dict[str, Any]:
        """Return `{"bookings": [B…]}` whose id or number begins so, the next ones, not many.

        A shell asks at each press of its Tab key: that must cost the daemon next to nothing.
        """
        found = (
            row
            for row in self.rows()
            if row.state not in FINISHED
            and (row.id.startswith(begun) or str(row.number or "").startswith(begun))
        )
        soonest = nsmallest(OFFERED, found, key=lambda row: (row.start, row.id))
        settings = self.settings()
        return {"bookings": [document(row, settings) for row in soonest]}

    async def answer(self, command: str, text: str) -> dict[str, Any]:
        """Answer `why` or `invite` about the booking that `text` names.

        Where it names several, the answer is `{"candidates": [B…], "more": N}`. Raises
        CospacedError where it names none.
        """
        settings = self.settings()
        found = named(self.rows(), text, now=self.now(), zone=ZoneInfo(settings.daemon.time_zone))
        if not found:
            raise CospacedError(
                f"no booking is known by {text!r}: give an id or its beginning, a number of the "
                "pool, a room, or ROOM@TIME (cospaced status lists bookings; cospaced agenda --all "
                "tells why an event is none)"
            )
        if len(found) > 1:
            first = found[:CANDIDATES]
            return {
                "candidates": [document(row, settings) for row in first],
                "more": len(found) - len(first),
            }
        if command == "invite":
            return invitation(found[0], settings, self.now(), observing=self.observing)
        return {
            "observing": self.observing,
            "booking": document(found[0], settings),
            "dials": dials(found[0], self.now(), dropped=True),
            "story": [
                {"at": moment(line.at), "event": line.event, "text": line.text}
                for line in await self.story(found[0].id)
            ],
        }


def dials(booking: Booking, now: datetime, *, dropped: bool = False) -> list[dict[str, Any]]:
    """Return the endpoints of a booking and where their dialling is; `dropped`: left ones too."""
    over = booking.state in FINISHED or bool(booking.closing)
    obstacle = undialled(booking, now)
    return [
        {
            "room": dial.target.room,
            "endpoint": dial.target.endpoint,
            "state": dial.state.value,
            "attempt": dial.attempt,
            "reason": dial.reason,
            "text": dial_text(dial, now, over=over, obstacle=obstacle),
        }
        for dial in booking.dials
        if dropped or dial.state is not DialState.DROPPED
    ]
