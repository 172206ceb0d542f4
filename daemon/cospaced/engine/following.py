"""From changed calendars to changed rows: who is a booking, and what of it changed."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

import structlog

from cospaced.domain.booking import Booking, State, StoryEntry
from cospaced.domain.fold import Folded, Skipped, Wanted, fold
from cospaced.domain.follow import follow
from cospaced.domain.identity import booking_id, passcode, secret
from cospaced.domain.lifecycle import FINISHED
from cospaced.domain.story import copy_text
from cospaced.engine.copies import Copies, Key
from cospaced.engine.leavers import Leavers
from cospaced.engine.ledger import Ledger, entries
from cospaced.engine.placing import Placing
from cospaced.ports import Clock
from cospaced.settings import Settings


log = structlog.get_logger()


class Following:
    """Lets rows follow their events; synchronous, and without a word to CMS."""

    def __init__(
        self, *, ledger: Ledger, copies: Copies, clock: Clock, settings: Settings, site_key: bytes
    ) -> None:
        self._ledger = ledger
        self._copies = copies
        self._clock = clock
        self._site_key = site_key
        self._told: dict[tuple[str, Key], str] = {}
        self.unread: Collection[str] = ()
        """Rooms whose calendar was never read: what they hold is unknown."""
        self.leavers = Leavers()
        self.placing = Placing(ledger=ledger, clock=clock, settings=settings, site_key=site_key)
        self.settings = settings

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self._settings

    @settings.setter
    def settings(self, settings: Settings) -> None:
        self._settings = self.placing.settings = settings
        self._rooms = {room.name: room for room in settings.rooms}

    def changed(self, keys: Iterable[Key]) -> list[str]:
        """Follow these occurrences; return the ids of the rows that changed."""
        touched: list[str] = []
        for key in keys:
            try:
                touched += self._follow(key)
            except Exception:
                # The edge of one occurrence: a fault in it must not stop the others.
                log.exception("event.fault", uid=key[0])
        if self.placing.freed:
            touched += self.placing.retry_refused()
        return touched

    def wanted(self, key: Key, row: Booking | None = None) -> Folded:
        """Return what the calendars say of an occurrence, to its row if it has one.

        What opened stays a booking, whatever became of the rules by which it did: it keeps its
        terms, and ends neither for a room that leaves nor for one key in the file.
        """
        terms = self.settings.conferences
        if row is not None and row.state is State.OPEN and not row.detached:
            terms = replace(row.terms, min_rooms=0)
        return fold(self._copies.of(key), self._rooms, terms, self._copies.read_at)

    def _follow(self, key: Key) -> list[str]:
        now = self._clock.now()
        row = self._ledger.latest(*key)
        folded = self.wanted(key, row)
        newly_skipped = self._tell_skipped(key, folded.skipped)
        if row is None:
            return self._begin(folded, now, generation=0)
        self._tell_news(row, key, folded, newly_skipped)
        wanted, unknown = self._with_unread(row, folded.wanted)
        if unknown:
            return []
        followed = follow(
            row,
            wanted,
            now=now,
            terms=self.settings.conferences,
            rooms=self._rooms,
            series_goes_on=self._series_goes_on(row),
        )
        touched = self._put(row, followed.booking, followed.told)
        if followed.again:
            touched += self._begin(self.wanted(key), now, generation=row.generation + 1)
        return touched

    def _series_goes_on(self, row: Booking) -> bool:
        """Whether later occurrences that were known when this one opened are there still.

        So it is where this one alone was cancelled. Where the series was edited or split, its later
        occurrences are others than before.
        """
        known_by = row.opened_at or row.created_at
        return any(
            other.start > row.start
            and other.created_at <= known_by
            and self._copies.of((other.uid, other.recurrence_id))
            for other in self._ledger.of_series(row.uid)
        )

    def _with_unread(self, row: Booking, wanted: Wanted | None) -> tuple[Wanted | None, bool]:
        """Keep a row's rooms that were not read yet; True where nothing can be said at all."""
        kept = [room for room in row.rooms if room in self.unread]
        if row.state is State.OPEN:
            # Nobody is hung up on because the file does not name the room any more.
            kept += [room for room in row.rooms if room not in self._rooms]
        if wanted is None:
            return None, bool(kept)
        if row.state is State.OPEN:
            missed = [r for r in row.rooms if r not in wanted.rooms and r not in kept]
            key, read_at = (row.uid, row.recurrence_id), self._copies.read_at
            kept += self.leavers.held(key, missed, wanted.rooms, read_at, self._clock.now())
        if not kept:
            return wanted, False
        return replace(wanted, rooms=tuple(sorted({*wanted.rooms, *kept}))), False

    def _tell_news(
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

    def _begin(self, folded: Folded, now: datetime, *, generation: int) -> list[str]:
        wanted = folded.wanted
        if wanted is None or wanted.end <= now:
            return []
        terms = self.settings.conferences
        new_id = booking_id(wanted.uid, wanted.recurrence_id, generation)
        row = Booking(
            id=new_id,
            uid=wanted.uid,
            recurrence_id=wanted.recurrence_id,
            generation=generation,
            organizer=wanted.organizer,
            organizer_name=wanted.organizer_name,
            title=wanted.title,
            private=wanted.private,
            start=wanted.start,
            end=wanted.end,
            rooms=wanted.rooms,
            passcode=passcode(self._site_key, new_id, terms),
            secret=secret(self._site_key, new_id),
            terms=terms,
            created_at=now,
        )
        placed = self.placing.place(row)
        self._ledger.put(placed, self._first_lines(placed, folded, now))
        log.info(
            "booking.planned" if placed.number is not None else "booking.refused",
            booking=placed.id,
            number=placed.number,
            count=len(placed.rooms),
            reason=placed.reason,
        )
        return [placed.id]

    def _first_lines(self, row: Booking, folded: Folded, now: datetime) -> list[StoryEntry]:
        """Return how a story begins: each room's copy, when it was seen, and what follows."""
        key = (row.uid, row.recurrence_id)
        self._copies.news(key)
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

    def _put(self, before: Booking, after: Booking, told: str) -> list[str]:
        if after == before:
            return []
        if before.number is not None and before.span != after.span:
            self.placing.freed = True
        if after.state in FINISHED:
            self.placing.freed = True
        if after.state is State.OPEN:
            after = self.placing.trimmed(before, after)
        elif after.state in (State.PLANNED, State.REFUSED):
            after = self.placing.kept_or_placed(before, after)
        self._ledger.tell(after, told or "changed")
        if told:
            log.info("booking.changed", booking=after.id, reason=told)
        return [after.id]

    def _tell_skipped(self, key: Key, skipped: Sequence[Skipped]) -> list[str]:
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

    def forget_told(self) -> None:
        """Drop what was told of events that are gone."""
        alive = set(self._copies.keys())
        self._told = {spot: why for spot, why in self._told.items() if spot[1] in alive}
