"""CalDAV sources for tests: a source with its own worker, and a desk that polls one room."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from cospaced.calendars.caldav.source import MODULE, CaldavSource
from cospaced.calendars.workers import WorkerPool
from cospaced.domain.calendar import Reading
from cospaced.domain.timespan import Timespan
from cospaced.errors import CalendarError
from cospaced.host.clock import SystemClock
from cospaced.ports import Clock
from cospaced.settings import CalendarSettings, RoomSettings, Secret, SourceType
from support.caldav_servers import PASSWORD
from support.ical import window


@asynccontextmanager
async def caldav_source(
    url: str,
    *,
    username: str = "aula",
    password: str = PASSWORD,
    timeout: float = 20,
    ca_file: Path | None = None,
    clock: Clock | None = None,
    pool: WorkerPool | None = None,
) -> AsyncIterator[CaldavSource]:
    """Yield a source on a base URL; a `pool` that is given stays open."""
    settings = CalendarSettings(
        name="dav",
        type=SourceType.CALDAV,
        url=url,
        username=username,
        password=Secret(password) if password else None,
        ca_file=ca_file,
        timeout=timedelta(seconds=timeout),
    )
    source = CaldavSource(
        settings,
        time_zone="Europe/Berlin",
        workers=partial(WorkerPool, size=1, module=MODULE) if pool is None else lambda: pool,
        clock=clock or SystemClock(),
    )
    try:
        yield source
    finally:
        if pool is None:
            await source.close()


@dataclass
class Desk:
    """Polls one room, each time with its last reading, as the engine does."""

    source: CaldavSource
    url: str
    address: str = ""
    reading: Reading | None = None
    window: Timespan = field(default_factory=window)

    async def poll(self) -> Reading:
        """Poll the room."""
        room = RoomSettings(name="aula", calendar="dav", url=self.url, address=self.address)
        self.reading = await self.source.poll(room, self.reading, self.window)
        return self.reading

    async def uids(self) -> list[str]:
        """Poll the room and return the UIDs of its occurrences in order."""
        return [occurrence.uid for occurrence in (await self.poll()).occurrences]

    async def error(self) -> CalendarError:
        """Poll the room, which must fail, and return the error."""
        with pytest.raises(CalendarError) as caught:
            await self.poll()
        return caught.value
