"""Who may log in: a login that nothing has proven is tried by one poll alone.

Accounts are locked after some refused logins, and polls come many at once. So while it is not known
whether a login is good (at first, after a reload that changed it, after a refusal) one poll goes
ahead, and the others wait for how it ends: they go on, or are told the refusal too. One that hangs
says nothing, so after a while the next one tries beside it. After a refusal nothing is tried for a
while, and for longer after each further one.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

from cospaced.errors import CalendarError
from cospaced.ports import Clock
from cospaced.settings import CalendarSettings


FIRST_PAUSE = 300.0
LONGEST_PAUSE = 3600.0
LATER = 90.0
"""By so much longer a room waits that was refused itself: until each other one was due once."""
AT_ONCE = 3
"""So many logins may be under way that nothing has proven: fewer than lock an account."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Pause:
    until: float
    seconds: float
    text: str


class LoginGate:
    """Stands before one login; a CalendarError that is `shared` says that it was refused.

    `patience` is for how many seconds a poll waits for another one. Where `room` is given, a
    refusal may be that room's alone: only a second room that is refused, with none let in between,
    makes it hold for all others.
    """

    def __init__(self, clock: Clock, patience: float) -> None:
        self.proven = asyncio.Event()
        """Set while the login is known to be good; whoever doubts it may clear it."""
        self._clock = clock
        self._patience = patience
        self._alone = asyncio.Lock()
        self._end_turn: Callable[[], None] = lambda: None
        self._trying = 0
        """How many polls try the login, those included that hang and gave up their turn."""
        self._pauses: dict[str, _Pause] = {}
        """By room; that of the login itself under no name."""
        self._refusals = 0

    async def first(self, work: Callable[[], Awaitable[T]], room: str = "") -> T:
        """Do what logs in, by itself while the login is not proven; raises what `attempt` does."""
        if not self.proven.is_set():
            async with self._turn():
                if not self.proven.is_set():
                    with self.attempt(room):
                        return await work()
        with self.attempt(room):
            return await work()

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """Be the one who tries, until the end or until it hangs; raises where others do so."""
        await self._acquired()
        self._trying += 1
        held = True

        def end() -> None:
            nonlocal held
            if held:
                held = False
                self._alone.release()

        def give_up() -> None:
            if self._trying < AT_ONCE:
                end()

        self._end_turn = end
        # A third of it: who waits is to try in time, even behind two rooms that hang.
        timer = asyncio.get_running_loop().call_later(self._patience / AT_ONCE, give_up)
        try:
            yield
        finally:
            timer.cancel()
            self._trying -= 1
            end()

    async def _acquired(self) -> None:
        try:
            async with asyncio.timeout(self._patience):
                await self._alone.acquire()
        except TimeoutError as error:
            text = f"it waited {self._patience:g} s for the login of another room, which hangs"
            raise CalendarError("timeout", text) from error

    @contextmanager
    def attempt(self, room: str = "", *, proves: bool = True) -> Iterator[None]:
        """Enter with what logs in; raises the last refusal while it is not to be tried again.

        `proves`: whoever gets through it was let in. A token that was issued may yet be refused.
        """
        self._check(room)
        before, proven = self._refusals, self.proven.is_set()
        try:
            yield
        except CalendarError as error:
            if error.shared:
                # Polls that were under way together are refused together, which counts once.
                counted = before != self._refusals and "" in self._pauses
                # Others were let in, and it was not: that is told of this room.
                error.shared = not (room and proven)
                if not counted and not (room and (proven or self._is_first(room))):
                    self._pause("", str(error))
                    self._end_turn()
                if room:
                    self._pause(room, str(error), later=LATER)
                self._refusals += 1
                self.proven.clear()
            raise
        # What began before a refusal may stand on a connection that was let in long ago.
        if proves and before == self._refusals:
            self._pauses.pop("", None)
            self._pauses.pop(room, None)
            self.proven.set()
            # Who waits need not wait for one that tries beside this one.
            self._end_turn()

    def _check(self, room: str) -> None:
        for name in ("", room):
            pause = self._pauses.get(name)
            if pause is not None and self._clock.monotonic() < pause.until:
                raise CalendarError("login", pause.text, shared=not name)

    def _is_first(self, room: str) -> bool:
        """Whether no other room is known to have been refused since it was let in last."""
        return all(name in ("", room) for name in self._pauses)

    def _pause(self, name: str, text: str, *, later: float = 0.0) -> None:
        before = self._pauses.get(name)
        seconds = min(2 * before.seconds, LONGEST_PAUSE) if before else FIRST_PAUSE
        self._pauses[name] = _Pause(self._clock.monotonic() + seconds + later, seconds, text)


class ServerGates:
    """The gates of one `[calendar:NAME]` whose rooms stand on web servers: one for each server."""

    def __init__(self, settings: CalendarSettings, clock: Clock) -> None:
        patience = settings.timeout.total_seconds()
        self._needed = bool(settings.username) and settings.password is not None
        self._gates: dict[str, LoginGate] = defaultdict(lambda: LoginGate(clock, patience))

    async def first(self, url: str, work: Callable[[], Awaitable[T]]) -> T:
        """Do what logs in for the room at `url`; see LoginGate."""
        try:
            if not self._needed:
                return await work()
            return await self._gates[urlsplit(url).netloc].first(work, url)
        except CalendarError as error:
            # Other servers of this calendar may let it in: it is told room by room.
            error.shared = False
            raise
