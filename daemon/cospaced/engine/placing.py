"""Which number a booking gets, keeps, or makes way on for another."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

import structlog

from cospaced.domain import slots
from cospaced.domain.booking import Booking, State
from cospaced.domain.document import moment
from cospaced.domain.identity import home_number
from cospaced.domain.lifecycle import Step, step
from cospaced.domain.timespan import Timespan
from cospaced.engine.edges import Edges
from cospaced.engine.ledger import Ledger, window
from cospaced.ports import Clock
from cospaced.settings import Settings


log = structlog.get_logger()


class Placing:
    """Gives out the numbers of the pool; synchronous, and without a word to CMS."""

    def __init__(
        self, *, ledger: Ledger, clock: Clock, settings: Settings, site_key: bytes
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._site_key = site_key
        self._edges = Edges()
        self.settings = settings
        self.freed = False
        """Something has become free since refused bookings were last tried again."""
        self.numbers: Sequence[int] = settings.pool.numbers
        """The numbers that may be given out."""

    def kept_or_placed(self, before: Booking, after: Booking) -> Booking:
        """Keep the number where it is free over the new window; else find another."""
        if after.number is None:
            return self.place(after)
        windows = self._ledger.windows
        if before.state is after.state and window(before) == window(after):
            return after
        windows.remove(after.number, before.id)
        free = windows.free(after.number, window(after))
        return after if free else self.place(replace(after, number=None))

    def place(self, row: Booking, among: Sequence[int] | None = None) -> Booking:
        """Give the row a number (`among` some, or any); REFUSED where none is free."""
        numbers = self.numbers if among is None else among
        pool, terms = self.settings.pool, self.settings.conferences
        if row.number is not None:
            self._ledger.windows.remove(row.number, row.id)
        found = slots.choose(
            self._ledger.windows,
            numbers,
            row.span,
            early_join=terms.early_join,
            close_after=terms.close_after,
            choice=pool.numeric_id_choice,
            first=slots.index_of(numbers, home_number(self._site_key, row.uid, pool)),
            uid=row.uid,
            last_used=self._ledger.last_used,
            now=self._clock.now(),
        )
        if found is None:
            yielding = self._yielding(row, numbers)
            if yielding is not None:
                return self._given_way(row, yielding)
            reason = f"no number of the pool's {len(self.numbers)} is free in its time"
            return row if row.state is State.REFUSED else step(row, Step.REFUSE, reason)
        if row.state is State.REFUSED:
            row = step(row, Step.PLACE)
        return replace(row, number=found.number, early=found.early)

    def _yielding(self, row: Booking, numbers: Sequence[int]) -> int | None:
        """Return a number that is free but for the early join of conferences behind."""
        need = Timespan(row.start, row.end + self.settings.conferences.close_after)
        windows = self._ledger.windows
        for number in numbers:
            inside = [h for h in windows.holds(number) if h.window.overlaps(need)]
            if all(h.start >= need.end and self._yields(h.booking) for h in inside):
                return number
        return None

    def _yields(self, booking: str) -> bool:
        row = self._ledger.get(booking)
        return row is not None and row.state is State.PLANNED

    def _given_way(self, row: Booking, number: int) -> Booking:
        if row.state is State.REFUSED:
            row = step(row, Step.PLACE)
        placed = replace(row, number=number, early=False)
        need = window(placed)
        for hold in self._ledger.windows.holds(number):
            late = self._ledger.get(hold.booking)
            if late is not None and late.id != row.id and hold.window.overlaps(need):
                self._give_up_early(late)
        return placed

    def _give_up_early(self, row: Booking) -> None:
        self._ledger.tell(replace(row, early=False), "early join given up for the one before")

    def replace_unusable(self) -> list[str]:
        """Give another number to planned rows whose number turned out unusable."""
        usable = set(self.numbers)
        rows = [r for r in self._ledger.in_state(State.PLANNED) if r.number not in usable]
        return self._all_moved(rows, "its number cannot be used") + self.retry_refused()

    def displaced(self, holder: Booking) -> list[str]:
        """Give another number to planned rows that a row found open is in the way of."""
        if holder.number is None:
            return []
        span = window(holder)
        rows = [
            row
            for hold in self._ledger.windows.holds(holder.number)
            if hold.booking != holder.id and hold.window.overlaps(span)
            if (row := self._ledger.get(hold.booking)) and row.state is State.PLANNED
        ]
        return self._all_moved(rows, "its number is in use by another")

    def moved_away(self, row: Booking) -> Booking:
        """Give a row a number that nobody holds; the row as it is where there is none."""
        free = [number for number in self.numbers if not self._ledger.holder(number)]
        placed = self.place(replace(row, number=None), free)
        if placed.number is None:
            return row
        reason = "the conference before cannot be seen to have ended"
        self._ledger.tell(placed, f"number {placed.number} in place of {row.number}: {reason}")
        log.warning("booking.renumbered", booking=row.id, number=placed.number, reason=reason)
        return placed

    def _all_moved(self, rows: Iterable[Booking], reason: str) -> list[str]:
        touched = []
        for row in rows:
            with self._edges.of("booking.fault", booking=row.id):
                touched.append(self._moved(row, reason).id)
        return touched

    def _moved(self, row: Booking, reason: str) -> Booking:
        placed = self.place(replace(row, number=None))
        self._ledger.tell(placed, f"{reason}; number {placed.number or 'none free'}")
        if placed.state is State.REFUSED:
            self.tell_refused(placed)
        return placed

    def tell_refused(self, row: Booking) -> None:
        """Tell that a booking got no number: whoever booked it waits for a conference."""
        start = moment(row.start)
        log.warning("booking.refused", booking=row.id, start=start, reason=row.reason)

    def retry_refused(self) -> list[str]:
        """Look for numbers again for what was refused and is not over."""
        self.freed = False
        now = self._clock.now()
        touched = []
        for row in self._ledger.in_state(State.REFUSED):
            if row.end <= now:
                continue
            with self._edges.of("booking.fault", booking=row.id):
                placed = self.place(row)
                if placed.number is not None:
                    self._ledger.tell(placed, f"number {placed.number} has become free")
                    log.info("booking.planned", booking=row.id, number=placed.number)
                    touched.append(row.id)
        return touched

    def trimmed(self, before: Booking, after: Booking) -> Booking:
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
                self._give_up_early(late)
        return trimmed.end
