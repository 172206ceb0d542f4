"""Virtual time: an event loop that jumps to its next timer, with clock, chance and offload to fit.

Nothing waits: when no callback is ready, the loop's time leaps to the next timer. Sockets, pipes
and executors are refused, so that whatever runs here is deterministic: one seed, one history.
`asyncio.timeout` and libraries that sleep on the loop follow by themselves.
"""

import asyncio
import random
import selectors
import uuid
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar


T = TypeVar("T")

START = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


class _LeapingSelector(selectors.BaseSelector):
    """A selector that watches nothing; asked to wait, it moves the loop's time instead."""

    def __init__(self) -> None:
        self.time = 0.0
        self.horizon = float("inf")

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return selectors.SelectorKey(fileobj, 0, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return selectors.SelectorKey(fileobj, 0, 0, None)

    def get_map(self) -> Any:
        return {}

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise RuntimeError("virtual time stands still: nothing is due and nothing is ready")
        if timeout > 0:
            # Timers are compared with a clock resolution; the nudge keeps them from firing early.
            self.time += timeout + 1e-9
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop in virtual time; `steps` counts the callbacks' rounds it has run."""

    def __init__(self) -> None:
        self._leaping = _LeapingSelector()
        super().__init__(self._leaping)
        self.steps = 0

    def time(self) -> float:
        return self._leaping.time

    def run_in_executor(self, *_: Any) -> Any:
        raise RuntimeError("no executors in virtual time: use the Offload port")

    async def create_connection(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError("no sockets in virtual time")

    async def create_server(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError("no sockets in virtual time")


class VirtualClock:
    """Wall clock = base + loop time; `step` moves the base only, as a clock that is set does."""

    def __init__(self, loop: asyncio.AbstractEventLoop, base: datetime = START) -> None:
        self._loop = loop
        self._base = base

    def now(self) -> datetime:
        # Rounded to the microsecond below, as datetimes are.
        return self._base + timedelta(microseconds=int(self._loop.time() * 1e6))

    def monotonic(self) -> float:
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))

    def step(self, by: timedelta) -> None:
        self._base += by


class SeededEntropy:
    """Chance from a seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def uuid(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def uniform(self, low: float, high: float) -> float:
        return self._random.uniform(low, high)

    def token(self, length: int) -> bytes:
        return self._random.randbytes(length)


class InlineOffload:
    """Runs work on the loop after a drawn delay; keeps the order of the calls."""

    def __init__(self, entropy: SeededEntropy, most: float = 0.005) -> None:
        self._entropy = entropy
        self._most = most
        self._turn = asyncio.Lock()

    async def run(self, work: Callable[[], T]) -> T:
        async with self._turn:
            await asyncio.sleep(self._entropy.uniform(0, self._most))
            return work()


def run_virtually(
    main: Callable[[VirtualClock], Coroutine[Any, Any, T]], *, start: datetime = START
) -> T:
    """Run a coroutine to its end in a new virtual loop and return what it returns.

    A task that is left behind when `main` returns fails the run.
    """
    loop = VirtualLoop()
    try:
        asyncio.set_event_loop(loop)
        result = loop.run_until_complete(main(VirtualClock(loop, start)))
        left = [task.get_name() for task in asyncio.all_tasks(loop)]
        assert not left, f"tasks left behind: {left}"
        return result
    finally:
        asyncio.set_event_loop(None)
        loop.close()
