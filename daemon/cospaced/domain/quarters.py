"""Which numbers are certainly taken in which quarter of an hour: the quick first look of `slots`.

One bit for each number in one integer for each quarter. So that a full pool of thousands of
numbers costs microseconds to look through, and not a search in each number's bookings.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from cospaced.domain.timespan import Timespan


_QUARTER = 15 * 60
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)


class Quarters:
    """Marks of numbers in quarters of an hour; a number is marked where it is held at all."""

    def __init__(self) -> None:
        self._taken: dict[int, int] = {}
        self._base: int | None = None

    def mark(self, number: int, span: Timespan) -> None:
        """Note that a number is held over the span."""
        bit = 1 << self._offset(number)
        for quarter in _touched(span):
            self._taken[quarter] = self._taken.get(quarter, 0) | bit

    def unmark(self, number: int, span: Timespan, free: Callable[[Timespan], bool]) -> None:
        """Note that a hold is gone; `free` says whether no other keeps the number in a quarter."""
        bit = 1 << self._offset(number)
        for quarter in _touched(span):
            if not free(_span_of(quarter)):
                continue
            left = self._taken[quarter] & ~bit
            if left:
                self._taken[quarter] = left
            else:
                del self._taken[quarter]

    def open_numbers(self, numbers: Sequence[int], span: Timespan) -> str:
        """Return `0` for each number from the first of `numbers` that may be free over the span.

        Character i is about the number `numbers[0] + i`, up to the last of `numbers` (ascending,
        not empty). `1`: held in a quarter that lies inside the span, so certainly not free.
        """
        first = -(-_ceiled(span.start) // _QUARTER)
        taken = 0
        for quarter in range(first, _seconds(span.end) // _QUARTER):
            taken |= self._taken.get(quarter, 0)
        shift = numbers[0] - (numbers[0] if self._base is None else self._base)
        taken = taken >> shift if shift >= 0 else taken << -shift
        width = numbers[-1] - numbers[0] + 1
        return f"{taken & ((1 << width) - 1):0{width}b}"[::-1]

    def _offset(self, number: int) -> int:
        if self._base is None:
            self._base = number
        if number < self._base:
            by = self._base - number
            self._taken = {quarter: taken << by for quarter, taken in self._taken.items()}
            self._base = number
        return number - self._base


def _seconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _SECOND


def _touched(span: Timespan) -> range:
    """Return the quarters that share a moment with the span; a part of a second counts."""
    return range(_seconds(span.start) // _QUARTER, -(-_ceiled(span.end) // _QUARTER))


def _ceiled(moment: datetime) -> int:
    return -((_EPOCH - moment) // _SECOND)


def _span_of(quarter: int) -> Timespan:
    start = _EPOCH + timedelta(seconds=quarter * _QUARTER)
    return Timespan(start, start + timedelta(seconds=_QUARTER))
