"""How long a job may take that waited for the login of another room, in virtual time."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from cospaced.calendars.exchange.jobs import Told
from cospaced.calendars.exchange.source import ExchangeSource
from cospaced.calendars.workers import WorkerPool
from cospaced.errors import CalendarError
from cospaced.settings import CalendarSettings, RoomSettings, Secret, SourceType
from support import waiting
from support.virtual import VirtualClock, run_virtually


ROOMS = [RoomSettings(name=f"room{n}", calendar="hq", mailbox=f"room{n}@hq") for n in range(8)]


class Workers(WorkerPool):
    """Workers that take so many seconds for each job, and for the first `hanging` all they have."""

    def __init__(self, seconds: float, hanging: int = 0) -> None:
        super().__init__()
        self._seconds = seconds
        self._hanging = hanging

    async def do(self, job: object, seconds: float) -> Any:
        self._hanging, hangs = self._hanging - 1, self._hanging > 0
        try:
            async with asyncio.timeout(seconds):
                await asyncio.sleep(1000 if hangs else self._seconds)
        except TimeoutError as error:
            raise CalendarError("hung", "the worker was ended") from error
        return Told(state="one", requests=1)


async def polled(clock: VirtualClock, timeout: float, workers: Workers) -> Counter[str]:
    """Poll all rooms at once with a new source."""
    settings = CalendarSettings(
        name="hq",
        type=SourceType.EXCHANGE,
        server="https://mail.example.org/EWS/Exchange.asmx",
        username="svc",
        password=Secret("x"),
        timeout=timedelta(seconds=timeout),
    )
    source = ExchangeSource(settings, time_zone="UTC", pool=workers, clock=clock)
    return await waiting.polled(source, ROOMS, timeout)


@pytest.mark.parametrize(
    ("timeout", "seconds"), [(2, 1.9), (10, 7), (30, 1), (30, 12), (30, 17), (300, 150)]
)
def test_a_slow_exchange_is_read_by_those_that_waited_as_well(
    timeout: float, seconds: float
) -> None:
    async def main(clock: VirtualClock) -> None:
        assert await polled(clock, timeout, Workers(seconds)) == {"read": 8}

    run_virtually(main)


@pytest.mark.parametrize("timeout", [30, 300])
@pytest.mark.parametrize("hanging", [1, 2])
def test_rooms_that_hang_keep_no_other_room_unread(timeout: float, hanging: int) -> None:
    async def main(clock: VirtualClock) -> None:
        found = await polled(clock, timeout, Workers(2, hanging))
        assert found == {"hung": hanging, "read": 8 - hanging}

    run_virtually(main)


def test_no_worker_is_begun_that_would_be_ended_for_being_slow() -> None:
    async def main(clock: VirtualClock) -> None:
        # The first took 19 of 30 seconds, and those that waited for it have 16 left.
        found = await polled(clock, 30, Workers(19))
        assert found == {"read": 2, "timeout": 6}

    run_virtually(main)
