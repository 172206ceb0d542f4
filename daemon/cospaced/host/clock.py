"""The machine's clock; the only place in the daemon that asks it or sleeps by it."""

import asyncio
from datetime import UTC, datetime


class SystemClock:
    """Clock of a running machine."""

    def now(self) -> datetime:
        """Return the wall clock's time in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return the loop's time, which never steps."""
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        """Sleep on the loop."""
        await asyncio.sleep(max(0.0, seconds))
