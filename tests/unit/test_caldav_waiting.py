"""How long a CalDAV poll may take that waited for the login of another room, in virtual time."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cospaced.calendars.caldav.jobs import CaldavStamp, Fetch, Fetched, Look
from cospaced.calendars.caldav.source import CaldavSource
from cospaced.calendars.workers import WorkerPool
from cospaced.errors import CalendarError
from cospaced.settings import CalendarSettings, RoomSettings, Secret, SourceType
from support import waiting
from support.virtual import VirtualClock, run_virtually


BASE = "https://dav.example.org/"
ROOMS = [RoomSettings(name=f"r{n}", calendar="dav", url=f"{BASE}r{n}/") for n in range(4)]


class Workers(WorkerPool):
    """Workers that take so many seconds for each job, and for the first `hanging` all they have."""

    def __init__(self, clock: VirtualClock, seconds: float, hanging: int = 0) -> None:
        super().__init__()
        self._clock = clock
        self._seconds = seconds
        self._hanging = hanging

    async def do(self, job: object, seconds: float) -> Any:
        assert isinstance(job, Look | Fetch)
        self._hanging, hangs = self._hanging - 1, self._hanging > 0
        takes = 1000.0 if hangs else self._seconds
        # As a worker does, it ends its requests by the job's own deadline.
        left = min(seconds, job.deadline - self._clock.monotonic())
        try:
            async with asyncio.timeout(left):
                await asyncio.sleep(takes)
        except TimeoutError as error:
            # The end of a process takes its time on a busy machine.
            await asyncio.sleep(0.5)
            raise CalendarError("hung", "the server did not answer") from error
        stamp = CaldavStamp(
            meant="", full=datetime(2026, 1, 1, tzinfo=UTC).isoformat(), collection=BASE
        )
        return Fetched(body=b"", stamp=stamp, requests=3)


async def polled(clock: VirtualClock, timeout: float, workers: Workers) -> Counter[str]:
    """Poll all rooms at once with a new source."""
    settings = CalendarSettings(
        name="dav",
        type=SourceType.CALDAV,
        url=BASE,
        username="svc",
        password=Secret("x"),
        timeout=timedelta(seconds=timeout),
    )
    source = CaldavSource(settings, time_zone="UTC", workers=lambda: workers, clock=clock)
    return await waiting.polled(source, ROOMS, timeout)


@pytest.mark.parametrize(
    ("timeout", "seconds"), [(2, 1.5), (10, 7), (30, 1), (30, 12), (30, 17), (300, 150)]
)
def test_a_slow_server_is_read_by_those_that_waited_as_well(timeout: float, seconds: float) -> None:
    async def main(clock: VirtualClock) -> None:
        assert await polled(clock, timeout, Workers(clock, seconds)) == {"read": 4}

    run_virtually(main)


@pytest.mark.parametrize("timeout", [30, 300])
@pytest.mark.parametrize("hanging", [1, 2])
def test_rooms_that_hang_keep_no_other_room_unread(timeout: float, hanging: int) -> None:
    async def main(clock: VirtualClock) -> None:
        found = await polled(clock, timeout, Workers(clock, 2, hanging))
        assert found == {"hung": hanging, "read": 4 - hanging}

    run_virtually(main)


def test_nothing_is_begun_for_which_hardly_any_time_is_left() -> None:
    async def main(clock: VirtualClock) -> None:
        # The first takes 27 of 30 seconds. Two try beside it, as if it hung, and have less than
        # that; the last one waits until it is done, and has 8 left.
        found = await polled(clock, 30, Workers(clock, 27))
        assert found == {"read": 1, "hung": 2, "timeout": 1}

    run_virtually(main)
