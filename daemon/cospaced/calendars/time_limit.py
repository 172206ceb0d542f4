"""The time limit of one poll."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cospaced.errors import CalendarError


@asynccontextmanager
async def time_limit(seconds: float) -> AsyncIterator[None]:
    """End what takes longer with CalendarError(`timeout`)."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        text = f"it was not read within {seconds:g} s (raise timeout if it is that large)"
        raise CalendarError("timeout", text) from error
