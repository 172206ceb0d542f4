"""What the calendars say, told in the rows' stories and, where people wait in vain, in the journal.

Each copy is told when it is new, and each reason to leave it out once.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

import structlog

from cospaced.domain.booking import Booking, StoryEntry
from cospaced.domain.fold import Folded, Skipped
from cospaced.domain.story import copy_text
from cospaced.engine.copies import Copies, Key
from cospaced.engine.ledger import Ledger, entries


log = structlog.get_logger()


class Storyteller:
    """Tells of copies; remembers which reasons were told."""

    def __init__(self, *, ledger: Ledger, copies: Copies) -> None:
        self._ledger = ledger
        self._copies = copies
        self._told: dict[tuple[str, Key], str] = {}

    def first_lines(self, row: Booking, folded: Folded, now: datetime) -> list[StoryEntry]:
        """Return how a story begins: each room's copy, when it was seen, and what follows."""
        key = (row.uid, row.recurrence_id)
        reasons = {skip.room: skip.reason for skip in folded.skipped}
        seen = [
            StoryEntry(
                booking=row.id,
                at=copy.seen_at,
                event="seen",
                text=copy_text(copy, reasons.get(copy.room, "")),
            )
            for copy in self._copies.of(key)
        ]
        if row.number is None:
            text = f"refused: {row.reason}"
        else:
            text = f"planned on number {row.number}, with {', '.join(row.rooms)}"
        seen.sort(key=lambda line: line.at)
        return [*seen, *entries(row.id, now, [("decided", text)])]

    def tell_news(
        self, row: Booking, key: Key, folded: Folded, newly_skipped: Collection[str]
    ) -> None:
        """Tell in a row's story what its rooms' calendars say now, where that has changed."""
        reasons = {skip.room: skip.reason for skip in folded.skipped}
        news = dict(self._copies.news(key))
        lines = [
            ("seen", f"{room}: gone from the calendar")
            if copy is None
            else ("seen", copy_text(copy, reasons.get(room, "")))
            for room, copy in news.items()
        ]
        lines += [
            ("seen", copy_text(copy, reasons[copy.room]))
            for copy in self._copies.of(key)
            if copy.room in newly_skipped and copy.room not in news
        ]
        self._ledger.add(row.id, lines)

    def tell_skipped(self, key: Key, skipped: Sequence[Skipped]) -> list[str]:
        """Tell of copies that are left out, each once; return the rooms of those told now."""
        told = []
        for skip in skipped:
            spot = (skip.room, key)
            if not skip.worth_telling:
                self._told.pop(spot, None)
            elif self._told.get(spot) != skip.reason:
                self._told[spot] = skip.reason
                told.append(skip.room)
                log.warning("event.skipped", room=skip.room, uid=skip.uid, reason=skip.reason)
        return told

    def forget_gone(self) -> None:
        """Drop what was told of events that are gone."""
        alive = set(self._copies.keys())
        self._told = {spot: why for spot, why in self._told.items() if spot[1] in alive}
