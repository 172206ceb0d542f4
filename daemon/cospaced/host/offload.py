"""Work that would block the loop, done in one thread, in order, or in several."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar


T = TypeVar("T")


class ThreadOffload:
    """Named threads, each started when it is needed; work begins in the order of the calls.

    With one, as usual, it also ends in that order; several are for work that may hang.
    """

    def __init__(self, name: str, threads: int = 1) -> None:
        self._pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix=name)

    async def run(self, work: Callable[[], T]) -> T:
        """Run `work` in the thread and return what it returns; RuntimeError once it is closed."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            # `close` came first: that must not end whoever waits as if it had been cancelled.
            raise RuntimeError("the threads have been stopped") from error

    def close(self) -> None:
        """Take no more work; a thread that is blocked is not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)
