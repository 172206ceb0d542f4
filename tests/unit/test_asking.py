"""One poll of one room, whatever its source does."""

import asyncio
from datetime import timedelta

import pytest

from cospaced.domain.calendar import Reading
from cospaced.domain.timespan import Timespan
from cospaced.engine.asking import ask
from cospaced.errors import CalendarError
from cospaced.settings import RoomSettings
from support.situations import WINDOW
from support.virtual import VirtualClock, run_virtually


class Waiting:
    """A source that waits for what a reload may cancel."""

    def __init__(self) -> None:
        self.inner = asyncio.get_running_loop().create_future()

    async def poll(self, room: RoomSettings, previous: Reading | None, window: Timespan) -> Reading:
        await self.inner
        raise AssertionError(room, previous, window)

    async def close(self) -> None:
        self.inner.cancel()


def asked(source: Waiting) -> asyncio.Task[Reading]:
    room = RoomSettings(name="aula", calendar="hq")
    return asyncio.create_task(ask(source, room, None, WINDOW, timedelta(seconds=30)))


def test_a_poll_that_its_source_breaks_off_does_not_end_as_cancelled():
    async def main(clock: VirtualClock) -> None:
        source = Waiting()
        poll = asked(source)
        await clock.sleep(1)
        await source.close()
        with pytest.raises(CalendarError) as told:
            await poll
        assert told.value.kind == "unreadable"

    run_virtually(main)


def test_a_poll_that_is_cancelled_ends_so():
    async def main(clock: VirtualClock) -> None:
        poll = asked(Waiting())
        await clock.sleep(1)
        poll.cancel()
        with pytest.raises(asyncio.CancelledError):
            await poll

    run_virtually(main)


def test_a_poll_that_does_not_end_is_told_as_one_that_hangs():
    async def main(_: VirtualClock) -> None:
        with pytest.raises(CalendarError) as told:
            await asked(Waiting())
        assert told.value.kind == "hung"

    run_virtually(main)
