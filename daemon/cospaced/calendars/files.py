"""Files read beside one another, so that one that hangs costs its own room alone.

Opening a file on a network file system that is gone takes for ever and cannot be ended: it holds
its thread. So each file has one at most, however often its room is polled meanwhile, and each
calendar a share of them.
"""

import asyncio
import functools
from datetime import datetime
from pathlib import Path

from cospaced.calendars import file
from cospaced.calendars.file import FileContent
from cospaced.errors import CalendarError
from cospaced.ports import Offload


AT_ONCE = 16
"""Files of one calendar that are read at once, those that hang included."""
THREADS = 4 * AT_ONCE


class Files:
    """Reads the files of one `[calendar:NAME]`; `offload` works in at least AT_ONCE threads."""

    def __init__(self, offload: Offload) -> None:
        self._offload = offload
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._under_way: dict[Path, asyncio.Task[FileContent]] = {}

    async def read(
        self, path: Path, stamp: str, *, now: datetime, limit: int, seconds: float
    ) -> FileContent:
        """Read a file; see `file.read`. Raises `timeout`, too, after so many seconds."""
        work = functools.partial(file.read, path, stamp, now=now, limit=limit)
        try:
            async with asyncio.timeout(seconds):
                while path in self._under_way:
                    await asyncio.wait({self._under_way[path]})
                # Whoever waits for it may give up; it does not end by that.
                return await asyncio.shield(self._begun(path, work))
        except TimeoutError as error:
            text = f"{path} was not read within {seconds:.0f} s (is it on a share that is gone?)"
            raise CalendarError("timeout", text) from error

    async def close(self) -> None:
        """Wait for no file any more."""
        tasks = tuple(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begun(self, path: Path, work: functools.partial[FileContent]) -> asyncio.Task[FileContent]:
        # No TaskGroup: it outlives the poll that gives it up, and ends with `close` at the latest.
        task = asyncio.create_task(self._read(work), name=f"read {path}")  # noqa: TID251
        self._under_way[path] = task
        task.add_done_callback(functools.partial(self._ended, path))
        return task

    async def _read(self, work: functools.partial[FileContent]) -> FileContent:
        async with self._turns:
            return await self._offload.run(work)

    def _ended(self, path: Path, task: asyncio.Task[FileContent]) -> None:
        del self._under_way[path]
        if not task.cancelled():
            # Lest Python tells of an error that nobody waits for any more.
            task.exception()
