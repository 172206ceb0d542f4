"""The state file: a store in SQLite, its one connection in the thread of its Offload."""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

import structlog

from cospaced.domain.booking import Booking, StoryEntry
from cospaced.domain.calendar import Reading
from cospaced.errors import StoreUnusable
from cospaced.ports import Clock, Offload
from cospaced.store import rows
from cospaced.store.commits import GroupCommit
from cospaced.store.opening import open_file, open_for_reading, unusable


log = structlog.get_logger()

T = TypeVar("T")

_CLOSING = 1.0  # seconds


class SqliteStore:
    """A Store in one file. Make one with `open`, or `open_read_only`.

    Every method may be called by many tasks at once; writes that come together are committed
    together. What `save` returned for survives a kill of the process.
    """

    def __init__(
        self,
        path: str | Path,
        connection: sqlite3.Connection,
        offload: Offload,
        *,
        read_only: bool = False,
    ) -> None:
        self._path = path
        self._connection = connection
        self._offload = offload
        self._read_only = read_only
        self._closed = False
        self._group = GroupCommit(connection, offload)

    @classmethod
    async def open(cls, path: str | Path, *, offload: Offload, clock: Clock) -> "SqliteStore":
        """Open or make the state file at `path` (`:memory:`: none), mode 0600.

        `offload` must run everything in one thread, and is not closed by the store. A damaged
        file is moved aside and made anew, which is logged as `store.rebuilt`. Raises
        StoreUnusable where the file is newer than this release or cannot be reached.
        """
        opened = await offload.run(partial(open_file, path, clock.now()))
        if opened.moved_to:
            reason = f"{opened.reason}; the damaged file is kept as {opened.moved_to}"
            log.error("store.rebuilt", reason=reason)
        return cls(path, opened.connection, offload)

    @classmethod
    async def open_read_only(cls, path: str | Path, *, offload: Offload) -> "SqliteStore":
        """Open a state file to look into, beside a running daemon or without one.

        Writing to it raises StoreUnusable. Raises StoreUnusable where there is no file, or one
        of another format.
        """
        connection = await offload.run(partial(open_for_reading, path))
        return cls(path, connection, offload, read_only=True)

    async def bookings(self) -> tuple[Booking, ...]:
        """Return every row by id; one that cannot be read is set aside and told."""
        found, bad = await self._read(rows.bookings)
        for row in bad:
            log.error("store.row_unreadable", booking=row.key, reason=row.reason)
        await self._set_aside(bad)
        return tuple(found)

    async def save(self, booking: Booking, story: Sequence[StoryEntry] = ()) -> Booking:
        """Store a row and lines of its story; see the port."""
        return await self._write(partial(rows.save, booking=booking, story=story))

    async def tell(self, story: Sequence[StoryEntry]) -> None:
        """Append lines to stories."""
        await self._write(partial(rows.tell, story=story))

    async def story(self, booking: str) -> tuple[StoryEntry, ...]:
        """Return a booking's story in the order in which it was told."""
        return await self._read(partial(rows.story, booking=booking))

    async def readings(self) -> dict[str, Reading]:
        """Return each room's snapshot; one that cannot be read is set aside and told."""
        found, bad = await self._read(rows.readings)
        for row in bad:
            log.error("store.row_unreadable", room=row.key, reason=row.reason)
        await self._set_aside(bad)
        return found

    async def save_reading(self, room: str, reading: Reading | None) -> None:
        """Replace or remove a room's snapshot."""
        await self._write(partial(rows.save_reading, room=room, reading=reading))

    async def fact(self, key: str) -> str:
        """Return a fact, or empty."""
        return await self._read(partial(rows.fact, key=key))

    async def save_fact(self, key: str, value: str) -> None:
        """Store a fact."""
        await self._write(partial(rows.save_fact, key=key, value=value))

    async def forget(self, before: datetime) -> int:
        """Remove what ended before; see the port."""
        return await self._write(partial(rows.forget, before=before))

    async def close(self) -> None:
        """Close the file within a second; a thread that hangs on the disk is left behind."""
        if self._closed:
            return
        self._closed = True
        try:
            async with asyncio.timeout(_CLOSING):
                await self._offload.run(self._connection.close)
        except TimeoutError:
            log.warning("store.close_hangs", seconds=_CLOSING)

    async def _set_aside(self, bad: Sequence[rows.Unreadable]) -> None:
        if bad and not self._read_only:
            await self._write(partial(rows.set_aside, bad=bad))

    async def _write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        if self._read_only:
            raise StoreUnusable(f"{self._path} was opened to be read only")
        self._must_be_open()
        try:
            return await self._group.write(work)
        except sqlite3.Error as error:
            raise self._failure(error) from error

    async def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        self._must_be_open()
        try:
            return await self._offload.run(partial(work, self._connection))
        except sqlite3.Error as error:
            raise self._failure(error) from error

    def _failure(self, error: sqlite3.Error) -> StoreUnusable:
        if self._closed:
            return StoreUnusable(f"{self._path} is closed")
        return unusable(self._path, error)

    def _must_be_open(self) -> None:
        if self._closed:
            raise StoreUnusable(f"{self._path} is closed")
