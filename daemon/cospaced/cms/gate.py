"""Who may ask a Call Bridge next: so many requests at once, the urgent ones first.

One gate for each Call Bridge. Nothing waits for ever: a request that has waited `PATIENCE` seconds
gets every fourth turn, however many urgent ones come.
"""

import asyncio
from collections import deque
from enum import IntEnum
from typing import assert_never

from cospaced.domain.writes import (
    CloseSpace,
    CreateCallLegProfile,
    CreateCallProfile,
    CreateParameterSet,
    CreateSpace,
    DialEndpoint,
    DropLeg,
    EndCall,
    OpenSpace,
    ShowMessage,
    StartCall,
    StartSync,
    Write,
)
from cospaced.ports import Clock


PATIENCE = 5.0
"""Seconds after which a waiting request counts as old."""
OLD_TURN = 4
"""Each so-many-th turn goes to the oldest of the less urgent requests, if it is old."""


class Priority(IntEnum):
    """What goes first; people are waiting for a dial, nobody for an audit."""

    DIAL = 0
    CLOSE = 1
    OPEN = 2
    VERIFY = 3
    AUDIT = 4


def priority_of(write: Write) -> Priority:
    """Return when a write's turn is; making the pool waits behind running conferences."""
    match write:
        case DialEndpoint():
            return Priority.DIAL
        case CloseSpace() | EndCall() | DropLeg():
            return Priority.CLOSE
        case OpenSpace() | StartCall() | ShowMessage():
            return Priority.OPEN
        case (
            CreateCallProfile()
            | CreateCallLegProfile()
            | CreateParameterSet()
            | StartSync()
            | CreateSpace()
        ):
            return Priority.VERIFY
        case _:
            assert_never(write)


class Gate:
    """Lets at most `places` requests be under way; each `enter` is followed by one `leave`."""

    def __init__(self, places: int, clock: Clock) -> None:
        self._free = places
        self._clock = clock
        self._turns = 0
        self._waiting: dict[Priority, deque[tuple[float, asyncio.Future[None]]]] = {
            priority: deque() for priority in Priority
        }

    async def enter(self, priority: Priority) -> None:
        """Wait for a place."""
        if self._free > 0:
            # A place is handed on while anybody waits, so a free one is nobody's before us.
            self._free -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting[priority].append((self._clock.monotonic(), turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                # The place came in the same moment as the cancellation: hand it on.
                self.leave()
            raise

    def leave(self) -> None:
        """Give the place to the next in turn."""
        turn = self._next()
        if turn is None:
            self._free += 1
        else:
            turn.set_result(None)

    def _next(self) -> asyncio.Future[None] | None:
        heads = []
        for priority, queue in self._waiting.items():
            while queue and queue[0][1].done():
                queue.popleft()
            if queue:
                heads.append((queue[0][0], priority))
        if not heads:
            return None
        self._turns += 1
        chosen = heads[0]
        if self._turns % OLD_TURN == 0 and len(heads) > 1:
            oldest = min(heads[1:])
            if self._clock.monotonic() - oldest[0] >= PATIENCE:
                chosen = oldest
        return self._waiting[chosen[1]].popleft()[1]
