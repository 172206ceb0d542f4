"""Files read beside one another, so that one that hangs costs its own room alone.

Opening a file on a network file system that is gone takes for ever and cannot be ended: it holds
its thread. So each file has one at most, however often its room is polled meanwhile, and each
calendar has threads of its own.
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


class Files:
    """Reads the files of one `[calendar:NAME]`; `offload` works in at least AT_ONCE threads."""

    def __init__(self, offload: Offload) -> None:
        self._offload = offload
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._under_way: dict[Path, asyncio.Task[FileContent]] = {}
        self._closed = False

    async def read(
        self, path: Path, stamp: str, *, now: datetime, limit: int, seconds: float
    ) -> FileContent:
        """Read a file; see `file.read`.

        Raises `timeout`, too, after so many seconds, and `unreadable` once it is closed.
        """
        work = functools.partial(file.read, path, stamp, now=now, limit=limit)
        try:
            async with asyncio.timeout(seconds):
                while path in self._under_way:
                    await asyncio.wait({self._under_way[path]})
                task = self._begun(path, work)
                # Whoever waits for it may give up; it does not end by that.
                await asyncio.wait({task})
                return self._content(task)
        except TimeoutError as error:
            text = f"{path} was not read within {seconds:.0f} s (is it on a share that is gone?)"
            raise CalendarError("timeout", text) from error

    async def close(self) -> None:
        """Wait for no file any more, and read none."""
        self._closed = True
        tasks = tuple(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begun(self, path: Path, work: functools.partial[FileContent]) -> asyncio.Task[FileContent]:
        self._check_open()
        # No TaskGroup: it outlives the poll that gives it up, and ends with `close` at the latest.
        task = asyncio.create_task(self._read(work), name=f"read {path}")  # noqa: TID251
        self._under_way[path] = task
        task.add_done_callback(functools.partial(self._ended, path))
        return task

    def _content(self, task: asyncio.Task[FileContent]) -> FileContent:
        if task.cancelled():
            # By `close`. A poll that ended as cancelled would be its room's last.
            self._check_open()
        return task.result()

    def _check_open(self) -> None:
        if self._closed:
            raise CalendarError("unreadable", "its calendar was closed while it was read")

    async def _read(self, work: functools.partial[FileContent]) -> FileContent:
        async with self._turns:
            return await self._offload.run(work)

    def _ended(self, path: Path, task: asyncio.Task[FileContent]) -> None:
        del self._under_way[path]
        if not task.cancelled():
            # Lest Python tells of an error that nobody waits for any more.
            task.exception()
