"""From changed calendars to changed rows: who is a booking, and on which number."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

import structlog

from cospaced.domain import slots
from cospaced.domain.booking import Booking, State
from cospaced.domain.fold import Folded, Skipped, Wanted, fold
from cospaced.domain.follow import follow
from cospaced.domain.identity import booking_id, home_number, passcode, secret
from cospaced.domain.lifecycle import Step, step
from cospaced.engine.copies import Copies, Key
from cospaced.engine.ledger import Ledger, entries, window
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
        self.numbers: Sequence[int] = settings.pool.numbers
        """The numbers that may be given out."""
        self.settings = settings

    def changed(self, keys: Iterable[Key]) -> list[str]:
        """Follow these occurrences; return the ids of the rows that changed."""
        touched: list[str] = []
        for key in keys:
            touched += self._follow(key)
        if touched:
            touched += self.retry_refused()
        return touched

    def wanted(self, key: Key) -> Folded:
        """Return what the calendars say of an occurrence."""
        settings = self.settings
        rooms = {room.name: room for room in settings.rooms}
        return fold(self._copies.of(key), rooms, settings.conferences, self._copies.read_at)

    def _follow(self, key: Key) -> list[str]:
        folded = self.wanted(key)
        self._tell_skipped(key, folded.skipped)
        now = self._clock.now()
        row = self._ledger.latest(*key)
        if row is None:
            return self._begin(folded.wanted, now, generation=0)
        wanted, unknown = self._with_unread(row, folded.wanted)
        if unknown:
            return []
        followed = follow(
            row,
            wanted,
            now=now,
            terms=self.settings.conferences,
            rooms={room.name: room for room in self.settings.rooms},
            series_goes_on=self._copies.series_goes_on(key),
        )
        touched = self._put(row, followed.booking, followed.told)
        if followed.again:
            touched += self._begin(wanted, now, generation=row.generation + 1)
        return touched

    def _with_unread(self, row: Booking, wanted: Wanted | None) -> tuple[Wanted | None, bool]:
        """Keep a row's rooms that were not read yet; True where nothing can be said at all."""
        unread = [room for room in row.rooms if room in self.unread]
        if not unread:
            return wanted, False
        if wanted is None:
            return None, True
        return replace(wanted, rooms=tuple(sorted({*wanted.rooms, *unread}))), False

    def _begin(self, wanted: Wanted | None, now: datetime, *, generation: int) -> list[str]:
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
        rooms = ", ".join(row.rooms)
        placed = self._place(row)
        self._store(placed, f"seen in {rooms}; number {placed.number or 'none free'}")
        log.info(
            "booking.planned" if placed.number is not None else "booking.refused",
            booking=placed.id,
            number=placed.number,
            count=len(placed.rooms),
            reason=placed.reason,
        )
        return [placed.id]

    def _put(self, before: Booking, after: Booking, told: str) -> list[str]:
        if after == before:
            return []
        if after.state is State.OPEN:
            after = self._trimmed(before, after)
        elif after.state in (State.PLANNED, State.REFUSED):
            after = self._kept_or_placed(before, after)
        self._store(after, told or "changed")
        if told:
            log.info("booking.changed", booking=after.id, reason=told)
        return [after.id]

    def _store(self, row: Booking, text: str) -> None:
        self._ledger.put(row, entries(row.id, self._clock.now(), [("seen", text)]))

    def _kept_or_placed(self, before: Booking, after: Booking) -> Booking:
        """Keep the number where it is free over the new window; else find another."""
        if after.number is None:
            return self._place(after)
        windows = self._ledger.windows
        if before.state is after.state and window(before) == window(after):
            return after
        windows.remove(after.number, before.id)
        free = windows.free(after.number, window(after))
        return after if free else self._place(replace(after, number=None))

    def _place(self, row: Booking) -> Booking:
        """Give the row a number; REFUSED where none is free."""
        pool, terms = self.settings.pool, self.settings.conferences
        if row.number is not None:
            self._ledger.windows.remove(row.number, row.id)
        found = slots.choose(
            self._ledger.windows,
            self.numbers,
            row.span,
            early_join=terms.early_join,
            close_after=terms.close_after,
            choice=pool.numeric_id_choice,
            first=slots.index_of(self.numbers, home_number(self._site_key, row.uid, pool)),
            uid=row.uid,
            last_used=self._ledger.last_used,
            now=self._clock.now(),
        )
        if found is None:
            reason = f"no number of the pool's {len(self.numbers)} is free in its time"
            return row if row.state is State.REFUSED else step(row, Step.REFUSE, reason)
        if row.state is State.REFUSED:
            row = step(row, Step.PLACE)
        return replace(row, number=found.number, early=found.early)

    def replace_unusable(self) -> list[str]:
        """Give another number to planned rows whose number turned out unusable."""
        usable = set(self.numbers)
        touched = []
        for row in self._ledger.all():
            if row.state is State.PLANNED and row.number not in usable:
                placed = self._place(replace(row, number=None))
                self._store(placed, "its number cannot be used")
                touched.append(row.id)
        return touched + self.retry_refused()

    def retry_refused(self) -> list[str]:
        """Look for numbers again for what was refused and is not over."""
        now = self._clock.now()
        touched = []
        for row in self._ledger.all():
            if row.state is not State.REFUSED or row.end <= now:
                continue
            placed = self._place(row)
            if placed.number is not None:
                self._store(placed, f"number {placed.number} has become free")
                log.info("booking.planned", booking=row.id, number=placed.number)
                touched.append(row.id)
        return touched

    def _trimmed(self, before: Booking, after: Booking) -> Booking:
        """Trim a later end of an open booking to the next one of its slot."""
        if after.number is None or after.end <= before.ends_at:
            return after
        end = self.make_way(before, after.end)
        if end == after.end:
            return after
        log.warning(
            "booking.trimmed", booking=after.id, number=after.number, reason="its slot is needed"
        )
        return replace(after, end=max(end, before.ends_at))

    def latest_end(self, row: Booking, wanted: datetime) -> datetime:
        """Return the latest end that the next booking of the slot allows."""
        if row.number is None:
            return wanted
        return slots.trim(
            self._ledger.windows, row.number, row.id, wanted, row.terms.close_after
        ).end

    def make_way(self, row: Booking, wanted: datetime) -> datetime:
        """Make the next bookings of the slot give up their early join; return the end possible."""
        if row.number is None:
            return wanted
        trimmed = slots.trim(
            self._ledger.windows, row.number, row.id, wanted, row.terms.close_after
        )
        for other in trimmed.late_openers:
            late = self._ledger.get(other)
            if late is not None and late.early:
                self._store(replace(late, early=False), "early join given up for the one before")
        return trimmed.end

    def _tell_skipped(self, key: Key, skipped: Sequence[Skipped]) -> None:
        for skip in skipped:
            spot = (skip.room, key)
            if not skip.worth_telling:
                self._told.pop(spot, None)
            elif self._told.get(spot) != skip.reason:
                self._told[spot] = skip.reason
                log.warning("event.skipped", room=skip.room, uid=skip.uid, reason=skip.reason)

    def forget_told(self) -> None:
        """Drop what was told of events that are gone."""
        alive = set(self._copies.keys())
        self._told = {spot: why for spot, why in self._told.items() if spot[1] in alive}
