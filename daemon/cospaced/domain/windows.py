"""The index of who holds which number when: what slots are chosen by.

A window is start - early_join … end + close_after: while it lasts, nobody else uses the number.
"""

from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cospaced.domain.quarters import Quarters
from cospaced.domain.timespan import Timespan


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A booking's hold on a number; `start` is the booking's own, after any early join."""

    number: int
    booking: str
    uid: str
    window: Timespan
    start: datetime


Neighbours = tuple[Held | None, Held | None]
"""Who is before and who is behind a free span; None: nobody."""

_NOBODY: Neighbours = (None, None)


class _Lane:
    """The holds on one number by the start of their windows.

    They should not overlap, but the index must not lose count if they do (a close that takes
    longer than it should): `latest[i]` is the hold that ends last of the first i + 1.
    """

    __slots__ = ("holds", "latest", "starts")

    def __init__(self, holds: list[Held]) -> None:
        self.holds = holds
        self.starts = [hold.window.start for hold in holds]
        self.latest: list[Held] = []
        for hold in holds:
            before = self.latest[-1] if self.latest else hold
            self.latest.append(hold if hold.window.end >= before.window.end else before)


class Windows:
    """Who holds which number when. Mutable; what it answers depends on its content alone."""

    def __init__(self) -> None:
        self._lanes: dict[int, _Lane] = {}
        self._by_booking: dict[str, Held] = {}
        self._by_uid: dict[str, dict[int, int]] = {}
        self._quarters = Quarters()

    def add(
        self,
        number: int,
        window: Timespan,
        booking: str,
        *,
        uid: str = "",
        early: timedelta = timedelta(0),
    ) -> None:
        """Note that a booking holds a number, in place of any hold that it had before.

        `uid` lets a series find its number again and spares it the rest after itself; `early` is
        how much of the window is early join, which `trim` may take away.
        """
        self._drop(booking)
        hold = Held(
            number=number, booking=booking, uid=uid, window=window, start=window.start + early
        )
        lane = self._lanes.get(number)
        holds = lane.holds if lane else []
        insort(holds, hold, key=_order)
        self._lanes[number] = _Lane(holds)
        self._by_booking[booking] = hold
        numbers = self._by_uid.setdefault(uid, {})
        numbers[number] = numbers.get(number, 0) + 1
        self._quarters.mark(number, window)

    def remove(self, number: int, booking: str) -> None:
        """Forget a booking's hold on a number; nothing happens where it has none."""
        hold = self._by_booking.get(booking)
        if hold is not None and hold.number == number:
            self._drop(booking)

    def hold_of(self, booking: str) -> Held | None:
        """Return a booking's hold, or None."""
        return self._by_booking.get(booking)

    def holds(self, number: int) -> tuple[Held, ...]:
        """Return the holds on a number by the start of their windows."""
        lane = self._lanes.get(number)
        return tuple(lane.holds) if lane else ()

    def numbers_of(self, uid: str) -> list[int]:
        """Return the numbers that bookings of a series hold, lowest first."""
        return sorted(self._by_uid.get(uid, ())) if uid else []

    def free(self, number: int, span: Timespan) -> bool:
        """Whether nobody holds the number at any moment of the span."""
        return self.around(number, span) is not None

    def around(self, number: int, span: Timespan) -> Neighbours | None:
        """Return who is before and behind a free span; None where it is not free."""
        lane = self._lanes.get(number)
        if lane is None:
            return _NOBODY
        index = bisect_left(lane.starts, span.end)
        before = lane.latest[index - 1] if index else None
        if before is not None and before.window.end > span.start:
            return None
        return before, lane.holds[index] if index < len(lane.holds) else None

    def open_numbers(self, numbers: Sequence[int], span: Timespan) -> str:
        """Return `1` for each number that is certainly not free, see `Quarters.open_numbers`."""
        return self._quarters.open_numbers(numbers, span)

    def next_after(self, number: int, moment: datetime) -> datetime | None:
        """Return when the first window begins that does so at the moment or later."""
        lane = self._lanes.get(number)
        if lane is None:
            return None
        index = bisect_left(lane.starts, moment)
        return lane.starts[index] if index < len(lane.starts) else None

    def __len__(self) -> int:
        return len(self._by_booking)

    def _drop(self, booking: str) -> None:
        hold = self._by_booking.pop(booking, None)
        if hold is None:
            return
        number, numbers = hold.number, self._by_uid[hold.uid]
        holds = [other for other in self._lanes[number].holds if other.booking != booking]
        if holds:
            self._lanes[number] = _Lane(holds)
        else:
            del self._lanes[number]
        self._quarters.unmark(number, hold.window, lambda quarter: self.free(number, quarter))
        numbers[number] -= 1
        if not numbers[number]:
            del numbers[number]
        if not numbers:
            del self._by_uid[hold.uid]


def _order(hold: Held) -> tuple[datetime, datetime, str]:
    return (hold.window.start, hold.window.end, hold.booking)
