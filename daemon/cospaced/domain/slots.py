"""Which slot a booking gets, and how far it may be extended in it.

`choose` and `trim` only read the index of windows; the caller notes what it decides. What `choose`
prefers with `numeric_id_choice = stable`, from best to last:

1. a number that other bookings of the series hold, or that it had last: a series keeps its
   number. Its people need no protection from each other, so this goes before rest and reserve;
2. a rested number with nobody behind for as long as a slot rests, so that the next one rests too;
3. a rested number, with the reserve;
4. a rested number without the reserve. A stranger who dials yesterday's number and lands in
   somebody's conference is worse than an extension that is trimmed: rest goes before reserve;
5. any number, with the reserve;
6. any number that is free over the whole window;
7. all of this again where the window is free but for the early join, which is then given up.

Rest is measured from the use before to the start of the window, planned uses included. Within one
rank the first number from `home` upwards (wrapping) is taken. With `lowest` it is the lowest
number with the reserve, else the lowest free one, else the lowest that is free without early join.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

from cospaced.domain.timespan import Timespan
from cospaced.domain.windows import Held, Windows
from cospaced.settings import NumberChoice


__all__ = [
    "RESERVE",
    "REST",
    "Held",
    "LastUsed",
    "Slot",
    "Trimmed",
    "Windows",
    "choose",
    "index_of",
    "trim",
]

LastUsed = Mapping[int, tuple[datetime, str]]
"""When each number was last in use and by which UID, for uses that the windows hold no more."""

REST = timedelta(hours=24)
"""How long a slot rests after a use by another series while a rested one is free."""

RESERVE = timedelta(hours=1)
"""What is kept free behind the end where the pool allows, for extensions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """What was chosen; `early`: the early join was kept, `reserved`: an hour behind is free."""

    number: int
    early: bool
    reserved: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Trimmed:
    """How far a booking may run, and the bookings (ids) whose early join must go for that."""

    end: datetime
    late_openers: tuple[str, ...]


class _Rank(IntEnum):
    """How good a free number is; the module's docstring gives the reasons."""

    QUIET = 0
    RESTED_RESERVED = 1
    RESTED = 2
    RESERVED = 3
    FREE = 4


_Ranking = Callable[[int], _Rank | None]
"""Says how good a number is; None where it is not free."""


def choose(  # noqa: PLR0913 - what a slot is chosen by is just this much, and the call names it
    windows: Windows,
    numbers: Sequence[int],
    span: Timespan,
    *,
    early_join: timedelta,
    close_after: timedelta,
    choice: NumberChoice,
    first: int,
    uid: str,
    last_used: LastUsed,
    now: datetime,
) -> Slot | None:
    """Choose a slot among the usable `numbers` (ascending); None where none is free.

    `span` is the booking's own, start to end. `first` is the index into `numbers` where the
    series looks first (`index_of` its home number). `now` counts instead of the start where that
    has passed. Remove the booking's own hold from `windows` before asking for another.
    """
    if not numbers:
        return None
    own = _own(windows, numbers, uid, last_used, first)
    for early in (early_join, timedelta(0)) if early_join else (early_join,):
        window = span.widened(early, close_after)
        if choice is NumberChoice.LOWEST:
            found = _best(windows, numbers, 0, _plainly(windows, window), _by_reserve(window))
        else:
            rested_since = max(window.start, now) - REST
            rank_of = _by_rest(windows, uid, last_used, window, rested_since)
            found = _of_series(own, _plainly(windows, window)) or _best(
                windows, numbers, first, rank_of, _by_rest_too(window, rested_since)
            )
        if found is not None:
            rank, number = found
            reserved = rank not in (_Rank.RESTED, _Rank.FREE)
            return Slot(number=number, early=early == early_join, reserved=reserved)
    return None


def index_of(numbers: Sequence[int], home: int) -> int:
    """Return the index of a home number, or of the next usable one above (wrapping).

    So a number that turns out unusable moves the series at home there, and no other.
    """
    return bisect_left(numbers, home) % len(numbers) if numbers else 0


def trim(
    windows: Windows, number: int, booking: str, wanted_end: datetime, close_after: timedelta
) -> Trimmed:
    """Return the latest end up to `wanted_end` that the next bookings of the slot allow.

    Their early join is given up first, their own start never. What `booking` (an id; the index
    must know its hold) has already is not taken away: the end is earlier than what it holds only
    where `wanted_end` is. Raises KeyError for a booking that holds nothing.
    """
    own = windows.hold_of(booking)
    if own is None:
        raise KeyError(booking)
    behind = [
        hold for hold in windows.holds(number) if hold.booking != booking and hold.start > own.start
    ]
    limit = min((hold.start - close_after for hold in behind), default=wanted_end)
    end = min(wanted_end, max(limit, own.window.end - close_after))
    late = tuple(hold.booking for hold in behind if hold.window.start < end + close_after)
    return Trimmed(end=end, late_openers=late)


_Level = tuple[_Rank, Timespan]
"""A rank, and the span over which a number of that rank is held by nobody else."""


def _by_reserve(window: Timespan) -> tuple[_Level, ...]:
    none = timedelta(0)
    return ((_Rank.RESERVED, window.widened(none, RESERVE)), (_Rank.FREE, window))


def _by_rest_too(window: Timespan, rested_since: datetime) -> tuple[_Level, ...]:
    start = min(rested_since, window.start)
    return (
        (_Rank.QUIET, Timespan(start, window.end + REST)),
        (_Rank.RESTED_RESERVED, Timespan(start, window.end + RESERVE)),
        (_Rank.RESTED, Timespan(start, window.end)),
        *_by_reserve(window),
    )


def _best(
    windows: Windows,
    numbers: Sequence[int],
    first: int,
    rank_of: _Ranking,
    levels: tuple[_Level, ...],
) -> tuple[_Rank, int] | None:
    """Return the first number of the best level that any number reaches."""
    for wanted, clear in levels:
        for number in _candidates(windows, numbers, first, clear):
            rank = rank_of(number)
            if rank is not None and rank <= wanted:
                return rank, number
    return None


def _candidates(
    windows: Windows, numbers: Sequence[int], first: int, clear: Timespan
) -> Iterator[int]:
    """Yield the numbers that may be clear over a span, from the first index up (wrapping)."""
    marks = windows.open_numbers(numbers, clear)
    lowest = numbers[0]
    begin = numbers[first % len(numbers)] - lowest
    for low, high in ((begin, len(marks)), (0, begin)):
        place = marks.find("0", low, high)
        while place >= 0:
            if _holds(numbers, lowest + place):
                yield lowest + place
            place = marks.find("0", place + 1, high)


def _of_series(own: Iterable[int], rank_of: _Ranking) -> tuple[_Rank, int] | None:
    """Return the first of the series' own numbers that is free at all."""
    ranked = ((rank_of(number), number) for number in own)
    return next(((rank, number) for rank, number in ranked if rank is not None), None)


def _plainly(windows: Windows, window: Timespan) -> _Ranking:
    """Rank numbers by the reserve alone."""
    reserved_to = window.end + RESERVE

    def rank_of(number: int) -> _Rank | None:
        neighbours = windows.around(number, window)
        if neighbours is None:
            return None
        behind = neighbours[1]
        reserved = behind is None or behind.window.start >= reserved_to
        return _Rank.RESERVED if reserved else _Rank.FREE

    return rank_of


def _by_rest(
    windows: Windows, uid: str, last_used: LastUsed, window: Timespan, rested_since: datetime
) -> _Ranking:
    """Rank numbers by rest, then by the reserve."""
    reserved_to = window.end + RESERVE
    quiet_to = window.end + REST

    def rank_of(number: int) -> _Rank | None:
        neighbours = windows.around(number, window)
        if neighbours is None:
            return None
        before, behind = neighbours
        clear_to = quiet_to if behind is None else behind.window.start
        if before is not None and before.window.end > rested_since and before.uid != uid:
            rested = False
        else:
            used = last_used.get(number)
            rested = used is None or used[0] <= rested_since or used[1] == uid
        if not rested:
            return _Rank.RESERVED if clear_to >= reserved_to else _Rank.FREE
        if clear_to >= quiet_to:
            return _Rank.QUIET
        return _Rank.RESTED_RESERVED if clear_to >= reserved_to else _Rank.RESTED

    return rank_of


def _own(
    windows: Windows, numbers: Sequence[int], uid: str, last_used: LastUsed, first: int
) -> list[int]:
    """Return the usable numbers that a series has or had last, in the order they are tried."""
    if not uid:
        return []
    had = [number for number, (_, user) in last_used.items() if user == uid]
    own = [n for n in sorted({*had, *windows.numbers_of(uid)}) if _holds(numbers, n)]
    index = index_of(own, numbers[first % len(numbers)])
    return own[index:] + own[:index]


def _holds(numbers: Sequence[int], number: int) -> bool:
    index = bisect_left(numbers, number)
    return index < len(numbers) and numbers[index] == number
