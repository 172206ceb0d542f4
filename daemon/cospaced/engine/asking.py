"""One poll of one room's calendar, and which rooms' polls hang together."""

import asyncio
from datetime import timedelta
from urllib.parse import urlsplit

from cospaced.domain.calendar import Reading, check, cleaned
from cospaced.domain.timespan import Timespan
from cospaced.errors import CalendarError
from cospaced.ports import CalendarSource
from cospaced.settings import CalendarSettings, RoomSettings


HUNG = timedelta(seconds=10)
"""By so much a source may miss its calendar's timeout, which it is to keep by itself."""

Server = tuple[str, str]


def server_of(room: RoomSettings) -> Server:
    """Return what hangs together: one server that hangs must not keep rooms of others waiting."""
    return room.calendar, urlsplit(room.url).netloc


class Gates:
    """How many rooms of each server are read at once: no more than its calendar allows."""

    def __init__(self) -> None:
        self._gates: dict[tuple[Server, int], asyncio.Semaphore] = {}

    def of(self, room: RoomSettings, calendar: CalendarSettings) -> asyncio.Semaphore:
        """Return what a room's poll is to hold; another one where a reload changed the number."""
        key = server_of(room), calendar.at_once
        return self._gates.setdefault(key, asyncio.Semaphore(calendar.at_once))


async def ask(
    source: CalendarSource,
    room: RoomSettings,
    previous: Reading | None,
    window: Timespan,
    limit: timedelta,
) -> Reading:
    """Poll a room; `limit` is its calendar's timeout. Texts of the reading are fit to go on.

    Raises CalendarError, `hung` where the source does not keep its time, and anything else where
    it met a fault of the program. Ends as cancelled only where the caller is: what a closed source
    waited for may have been, and a poll that ended so would be its room's last.
    """
    try:
        async with asyncio.timeout((limit + HUNG).total_seconds()):
            reading = await source.poll(room, previous, window)
    except TimeoutError as error:
        raise CalendarError("hung", "its poll did not end (please report it)") from error
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise CalendarError("unreadable", "its poll was broken off by its source") from error
    check(reading)
    same = previous is not None and reading.occurrences is previous.occurrences
    return reading if same else cleaned(reading)
