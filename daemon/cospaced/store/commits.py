"""Group commit: writes that come while one is on its way go together in the next transaction.

Each write has a savepoint of its own, so that a conflict of one leaves the others alone. No task
runs behind this: of the callers whose writes go together, the first carries them all. If it is
cancelled, the others see that theirs is not settled and try again.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, TypeVar

from cospaced.errors import StoreConflict
from cospaced.ports import Offload


T = TypeVar("T")


class _Write(Generic[T]):
    """One caller's write and what became of it; settled off the loop, read on it after."""

    __slots__ = ("_error", "_result", "settled", "withdrawn", "work")

    def __init__(self, work: Callable[[sqlite3.Connection], T]) -> None:
        self.work = work
        self.settled = False
        self.withdrawn = False
        self._result: T | None = None
        self._error: Exception | None = None

    def carry_out(self, connection: sqlite3.Connection) -> None:
        """Run within an open transaction; an error of the database goes on to who opened it."""
        self._error = None
        connection.execute("SAVEPOINT one")
        try:
            self._result = self.work(connection)
        except (StoreConflict, ValueError, TypeError) as error:
            # A row that cannot be written as it is concerns nobody but who gave it.
            connection.execute("ROLLBACK TO one")
            self._error = error
        connection.execute("RELEASE one")

    def settle(self, error: Exception | None = None) -> None:
        """Say that it is committed, or that it failed."""
        self._error = error or self._error
        self.settled = True

    def outcome(self) -> T:
        """Return what `work` returned, or raise what stood in the way."""
        if self._error is not None:
            raise self._error
        return self._result  # type: ignore[return-value] # settled without error: it is a T


@dataclass(slots=True)
class _Group:
    writes: list[_Write[Any]] = field(default_factory=list)
    done: asyncio.Event = field(default_factory=asyncio.Event)


class GroupCommit:
    """Commits the writes of many callers in few transactions, in the order of the calls."""

    def __init__(self, connection: sqlite3.Connection, offload: Offload) -> None:
        self._connection = connection
        self._offload = offload
        self._gathering: _Group | None = None
        self._turn = asyncio.Lock()
        self.commits = 0
        """How many transactions were committed."""

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` in a transaction and return its result once that is committed.

        `work` runs off the loop. Raises StoreConflict as `work` does, and sqlite3.Error where the
        database fails; the other writes of the transaction are then tried one by one.
        """
        write = _Write(work)
        try:
            while not write.settled:
                await self._go_together(write)
        except asyncio.CancelledError:
            write.withdrawn = True
            raise
        return write.outcome()

    async def _go_together(self, write: _Write[Any]) -> None:
        if self._gathering is not None:
            group = self._gathering
            group.writes.append(write)
            await group.done.wait()
            return
        group = self._gathering = _Group([write])
        try:
            async with self._turn:
                self._gathering = None
                await self._offload.run(partial(self._commit, group.writes))
        finally:
            if self._gathering is group:
                self._gathering = None
            group.done.set()

    def _commit(self, writes: Sequence[_Write[Any]]) -> None:
        # A carrier that was cancelled may have left a commit on its way: then it is done by now.
        due = [write for write in writes if not (write.settled or write.withdrawn)]
        if self._failure_of(due) is None:
            for write in due:
                write.settle()
            return
        for write in due:
            write.settle(self._failure_of([write]))

    def _failure_of(self, writes: Sequence[_Write[Any]]) -> sqlite3.Error | None:
        """Commit writes in one transaction; return the database's error if none was written."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for write in writes:
                write.carry_out(self._connection)
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            return error
        finally:
            # The database ends a transaction by itself when the disk is full.
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        self.commits += 1
        return None
