"""Looks that several checks share: each is taken once, whoever asks first."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar


T = TypeVar("T")


class Shared:
    """One for an examination, whose tasks it joins."""

    def __init__(self, tasks: asyncio.TaskGroup) -> None:
        self._tasks = tasks
        self._begun: dict[str, asyncio.Future[Any]] = {}
        self._under_way: list[asyncio.Task[None]] = []

    async def look(self, name: str, work: Callable[[], Awaitable[T]]) -> T:
        """Return what `work` returns, and raise what it raises, to all who ask by this name.

        Who gives up waiting takes nothing from the others.
        """
        future = self._begun.get(name)
        if future is None:
            future = self._begun[name] = asyncio.get_running_loop().create_future()
            self._under_way.append(self._tasks.create_task(_fill(future, work), name=name))
        result: T = await asyncio.shield(future)
        return result

    def end(self) -> None:
        """Give up what is still under way."""
        for task in self._under_way:
            task.cancel()


async def _fill(future: asyncio.Future[Any], work: Callable[[], Awaitable[Any]]) -> None:
    try:
        result = await work()
    except Exception as error:  # noqa: BLE001 - handed on to whoever asked, not kept
        future.set_exception(error)
    else:
        future.set_result(result)
