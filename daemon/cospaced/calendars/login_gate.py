"""Who may log in: a login that nothing has proven is tried by one poll alone.

Accounts are locked after some refused logins, and polls come many at once. So while it is not known
whether a login is good (at first, after a reload that changed it, after a refusal) one poll goes
ahead, and the others wait for how it ends: they go on, or are told the refusal too. After a refusal
nothing is tried for a while, and for longer after each further one.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

from cospaced.calendars.time_limit import time_limit
from cospaced.errors import CalendarError
from cospaced.ports import Clock
from cospaced.settings import CalendarSettings


FIRST_PAUSE = 300.0
LONGEST_PAUSE = 3600.0
LATER = 90.0
"""By so much longer a room waits that was refused itself: until each other one was due once."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Pause:
    until: float
    seconds: float
    text: str


class LoginGate:
    """Stands before one login; a CalendarError that is `shared` says that it was refused.

    `patience` is for how many seconds a poll waits for another one. Where `room` is given, a
    refusal may be that room's alone: it holds for all others only if they are not let in either.
    """

    def __init__(self, clock: Clock, patience: float) -> None:
        self.proven = asyncio.Event()
        """Set while the login is known to be good; whoever doubts it may clear it."""
        self._clock = clock
        self._patience = patience
        self._alone = asyncio.Lock()
        self._pauses: dict[str, _Pause] = {}
        """By room; that of the login itself under no name."""
        self._refusals = 0

    async def first(self, work: Callable[[], Awaitable[T]], room: str = "") -> T:
        """Do what logs in, by itself while the login is not proven; raises what `attempt` does."""
        if not self.proven.is_set():
            async with time_limit(self._patience):
                await self._alone.acquire()
            try:
                if not self.proven.is_set():
                    with self.attempt(room):
                        return await work()
            finally:
                self._alone.release()
        with self.attempt(room):
            return await work()

    @contextmanager
    def attempt(self, room: str = "") -> Iterator[None]:
        """Enter with what logs in; raises the last refusal while it is not to be tried again."""
        self._check(room)
        before, proven = self._refusals, self.proven.is_set()
        try:
            yield
        except CalendarError as error:
            if error.shared:
                # Polls that were under way together are refused together, which counts once.
                if before == self._refusals and not (room and proven):
                    self._pause("", str(error))
                if room:
                    self._pause(room, str(error), later=LATER)
                self._refusals += 1
                self.proven.clear()
            raise
        # What began before a refusal may stand on a connection that was let in long ago.
        if before == self._refusals:
            self._pauses.pop("", None)
            self._pauses.pop(room, None)
            self.proven.set()

    def _check(self, room: str) -> None:
        for name in ("", room):
            pause = self._pauses.get(name)
            if pause is not None and self._clock.monotonic() < pause.until:
                raise CalendarError("login", pause.text, shared=True)

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
