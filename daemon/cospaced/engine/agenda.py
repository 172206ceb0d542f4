"""What bookings follow from the calendars as they are now; nothing is stored and CMS not asked."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from cospaced.domain.booking import Booking
from cospaced.domain.calendar import Reading
from cospaced.domain.fold import Skipped, Wanted, fold
from cospaced.domain.identity import booking_id
from cospaced.domain.timespan import Timespan
from cospaced.engine.asking import Server, ask, server_of
from cospaced.engine.copies import Copies
from cospaced.errors import CalendarError
from cospaced.ports import CalendarSource, Clock
from cospaced.settings import RoomSettings, Settings


log = structlog.get_logger()

TIMEOUTS = 8
"""After so many, no other room of a server is asked; a few rooms may be slow by themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agenda:
    """Bookings by start and id; `problems` are rooms or events that could not be read.

    `rooms` are those that were asked, `unread` those whose calendar could not be read.
    """

    bookings: tuple[Booking, ...]
    problems: tuple[tuple[str, str, str], ...]
    """Room, UID (empty where it is no single event), and reason."""
    skipped: tuple[Skipped, ...]
    rooms: tuple[str, ...]
    unread: tuple[str, ...]


async def read(
    settings: Settings,
    sources: Mapping[str, CalendarSource],
    span: Timespan,
    clock: Clock,
    known: Mapping[str, Booking],
) -> Agenda:
    """Read every calendar over the span and return what follows.

    `known` are stored rows by id; they lend number, state and reason.
    """
    readings = await read_rooms(settings, sources, span)
    problems: list[tuple[str, str, str]] = []
    for room, reading in readings.items():
        if isinstance(reading, CalendarError):
            problems.append((room, "", str(reading)))
        else:
            # One fault of many occurrences of a series is one.
            told = dict.fromkeys((problem.uid, problem.text) for problem in reading.problems)
            problems += [(room, uid, text) for uid, text in told]
    bookings, skipped = folded(settings, readings, span, clock.now(), known)
    return Agenda(
        bookings=bookings,
        problems=tuple(problems),
        skipped=skipped,
        rooms=tuple(readings),
        unread=tuple(room for room, one in readings.items() if isinstance(one, CalendarError)),
    )


async def read_rooms(
    settings: Settings, sources: Mapping[str, CalendarSource], span: Timespan
) -> dict[str, Reading | CalendarError]:
    """Read every room's calendar over the span, some of each server at once; by room, in order."""
    servers: dict[Server, _Server] = {
        server_of(room): _Server(settings.calendar(room.calendar).at_once)
        for room in settings.rooms
    }
    async with asyncio.TaskGroup() as tasks:
        reads = {
            room.name: tasks.create_task(
                servers[server_of(room)].read(
                    sources[room.calendar], room, span, settings.calendar(room.calendar).timeout
                )
            )
            for room in settings.rooms
        }
    return {name: read.result() for name, read in reads.items()}


class _Server:
    """Reads the rooms of one server, and asks no more where that only costs time.

    One that hangs costs a person who waits for the answer two timeouts or three, not one for every
    few of its rooms. `at_once` of them are read at once; `limit` is its calendar's timeout.
    """

    def __init__(self, at_once: int) -> None:
        self._gate = asyncio.Semaphore(at_once)
        self._patience = min(TIMEOUTS, 2 * at_once)
        self._timeouts = 0

    async def read(
        self, source: CalendarSource, room: RoomSettings, span: Timespan, limit: timedelta
    ) -> Reading | CalendarError:
        """Return what a room's calendar holds, or why it was not read."""
        async with self._gate:
            if self._timeouts >= self._patience:
                reason = f"not asked: {self._timeouts} others of its server were not read in time"
                return CalendarError("timeout", reason)
            try:
                return await ask(source, room, None, span, limit)
            except CalendarError as error:
                self._timeouts += error.kind in ("timeout", "hung")
                return error
            except Exception as error:
                # The edge of a reading, as in the daemon: it must not cost what others hold.
                log.exception("calendar.fault", room=room.name, calendar=room.calendar)
                return CalendarError("unreadable", repr(error))


def folded(
    settings: Settings,
    readings: Mapping[str, Reading | CalendarError],
    span: Timespan,
    now: datetime,
    known: Mapping[str, Booking],
) -> tuple[tuple[Booking, ...], tuple[Skipped, ...]]:
    """Return the bookings that follow from readings, and the copies that are part of none."""
    copies = Copies()
    for room in settings.rooms:
        reading = readings[room.name]
        if isinstance(reading, Reading):
            copies.update(room.name, room.calendar, reading, now)
    rooms = {room.name: room for room in settings.rooms}
    # The newest row of an event speaks for it, whatever id it goes on under.
    newest = {
        (row.uid, row.recurrence_id): row
        for row in sorted(known.values(), key=lambda row: row.generation)
    }
    found: list[Booking] = []
    skipped: list[Skipped] = []
    for key in copies.keys():  # noqa: SIM118 - a method, no mapping
        folded = fold(copies.of(key), rooms, settings.conferences, copies.read_at)
        skipped += [skip for skip in folded.skipped if span.holds(skip.start)]
        wanted = folded.wanted
        if wanted is not None and span.overlaps(Timespan(wanted.start, wanted.end)):
            found.append(_booking(wanted, now, newest.get(key)))
    found.sort(key=lambda booking: (booking.start, booking.id))
    skipped.sort(key=lambda skip: (skip.start, skip.room, skip.uid))
    return tuple(found), tuple(skipped)


def _booking(wanted: Wanted, now: datetime, row: Booking | None) -> Booking:
    booking = Booking(
        id=booking_id(wanted.uid, wanted.recurrence_id) if row is None else row.id,
        uid=wanted.uid,
        recurrence_id=wanted.recurrence_id,
        organizer=wanted.organizer,
        organizer_name=wanted.organizer_name,
        title=wanted.title,
        private=wanted.private,
        start=wanted.start,
        end=wanted.end,
        rooms=wanted.rooms,
        created_at=now,
    )
    if row is None:
        return booking
    return replace(booking, number=row.number, state=row.state, reason=row.reason)
