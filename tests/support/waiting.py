"""How the polls of several rooms end that a new source is asked for all at once."""

import asyncio
from collections import Counter
from collections.abc import Iterable

from cospaced.engine.asking import HUNG
from cospaced.errors import CalendarError
from cospaced.ports import CalendarSource
from cospaced.settings import RoomSettings
from support.situations import WINDOW


async def polled(
    source: CalendarSource, rooms: Iterable[RoomSettings], timeout: float
) -> Counter[str]:
    """Count `read` and the kinds of errors; each poll must end before the engine ends it."""

    async def one(room: RoomSettings) -> str:
        try:
            async with asyncio.timeout(timeout + HUNG.total_seconds()):
                await source.poll(room, None, WINDOW)
        except CalendarError as error:
            return error.kind
        return "read"

    return Counter(await asyncio.gather(*map(one, rooms)))
