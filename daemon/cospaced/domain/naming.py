"""Which booking a person means by an id, the beginning of one, a number, or a room and a time."""

from collections.abc import Iterable, Sequence
from datetime import datetime, time, timedelta, tzinfo

from cospaced.domain.booking import Booking, State
from cospaced.domain.lifecycle import FINISHED
from cospaced.domain.timespan import Timespan


SOON = timedelta(minutes=10)
"""A booking that begins so soon is the one that is meant by *now*."""


def named(
    rows: Iterable[Booking], text: str, *, now: datetime, zone: tzinfo
) -> tuple[Booking, ...]:
    """Return the bookings that `text` may mean, by start; one: it is that.

    `text` is an id, the beginning of an id, a number of the pool (the booking now or next on it),
    a room (likewise), or `ROOM@TIME` with TIME as `09:00` (today) or ISO 8601; times without an
    offset are in `zone`.
    """
    rows = list(rows)
    wanted = text.strip()
    exact = tuple(row for row in rows if row.id == wanted.lower())
    if exact or not wanted:
        return exact
    if wanted.isdecimal() and (on := _sorted(r for r in rows if str(r.number) == wanted)):
        return _now_or_next(on, now)[:1]
    if within := _in_room(rows, wanted):
        return _now_or_next(within, now)
    room, _, when = wanted.rpartition("@")
    if (within := _in_room(rows, room)) and (moment := _moment(when, now, zone)):
        return _at(within, moment)
    return tuple(_sorted(row for row in rows if row.id.startswith(wanted.lower())))


def _sorted(rows: Iterable[Booking]) -> list[Booking]:
    return sorted(rows, key=lambda row: (row.start, row.id))


def _in_room(rows: Sequence[Booking], room: str) -> list[Booking]:
    wanted = room.casefold()
    return _sorted(row for row in rows if wanted in (name.casefold() for name in row.rooms))


def _now_or_next(rows: Sequence[Booking], now: datetime) -> tuple[Booking, ...]:
    """Return what is on now (several, where they overlap), else what is next, else what was last.

    What was refused or missed counts as on: a room that stays dark is asked about most. What was
    closed before its time (it was moved, or ended by people) does so where nothing else is.
    """
    live = [row for row in rows if row.state is not State.CANCELLED] or list(rows)
    current = [row for row in live if row.start - SOON <= now < row.ends_at]
    current = (
        [row for row in current if row.state is State.OPEN]
        or [row for row in current if row.state is not State.CLOSED]
        or current
    )
    if current or (current := [row for row in live if row.state is State.OPEN]):
        return tuple(current)
    coming = [row for row in live if row.start > now and row.state not in FINISHED]
    return tuple(coming[:1] or live[-1:])


def _at(rows: Sequence[Booking], moment: datetime) -> tuple[Booking, ...]:
    minute = Timespan(moment, moment + timedelta(minutes=1))
    found = tuple(row for row in rows if Timespan(row.start, row.ends_at).overlaps(minute))
    return tuple(row for row in found if row.state is not State.CANCELLED) or found


def _moment(text: str, now: datetime, zone: tzinfo) -> datetime | None:
    if text[1:2] == ":":
        text = f"0{text}"  # people write 9:00
    try:
        return datetime.combine(now.astimezone(zone).date(), time.fromisoformat(text), zone)
    except ValueError:
        pass
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.replace(tzinfo=zone) if found.tzinfo is None else found
