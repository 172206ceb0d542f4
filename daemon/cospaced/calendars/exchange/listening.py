"""Keeping a listener at work: it is started, watched, and started again when it breaks off.

Polls go on whatever becomes of it, so that it may take its time.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from cospaced.calendars.exchange.jobs import Heard, Listen
from cospaced.calendars.workers import Worker
from cospaced.errors import CalendarError
from cospaced.ports import Clock
from cospaced.settings import CalendarSettings


MODULE = "cospaced.calendars.exchange.listener"
MOST = 200
"""Mailboxes of one stream; Exchange allows no more subscriptions in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How patient it is, in seconds."""

    silence: float = 100.0
    """A stream says every 45 s that it lives, or somewhat later."""
    first_pause: float = 5.0
    longest_pause: float = 300.0
    """Between two tries; also how long a stream must last to count as a good one."""


log = structlog.get_logger()


class Listening:
    """One stream, of the mailboxes of some rooms.

    `rooms` are names by mailbox in lower case. `proven` is set while the login is known to be good:
    each stream is a login of its own, and none is asked for while it is not.
    """

    def __init__(
        self,
        *,
        settings: CalendarSettings,
        rooms: Mapping[str, Sequence[str]],
        on_change: Callable[[Sequence[str]], None],
        proven: asyncio.Event,
        clock: Clock,
        pace: Pace,
    ) -> None:
        self._settings = settings
        self._rooms = rooms
        self._on_change = on_change
        self._proven = proven
        self._clock = clock
        self._pace = pace
        self._worker: Worker | None = None
        self._pause = pace.first_pause
        self._begun: float | None = None
        """When the stream that is under way began."""
        self._lost: float | None = None
        """Since when there is none, after there was one or one was tried."""
        self._refused: Mapping[str, str] = {}

    async def run(self) -> None:
        """Listen until cancelled."""
        try:
            while True:
                await self._proven.wait()
                asked = self._clock.monotonic()
                error = await self._listened()
                if error is not None:
                    await self._clock.sleep(self._after(error))
                elif self._clock.monotonic() - asked < self._pace.first_pause:
                    # A server that ends every stream at once is not asked without a pause either.
                    await self._clock.sleep(self._pace.first_pause)
        finally:
            await self._end()

    async def _listened(self) -> CalendarError | None:
        """Listen to one stream, and return why it failed; None where it ended in its time."""
        patience = self._pace.silence
        # The listener itself notices a silent server first, whatever it has asked of it.
        silence = patience + self._settings.timeout.total_seconds()
        try:
            if self._worker is None:
                self._worker = await Worker.start(MODULE)
            mailboxes = tuple(self._rooms)
            await self._worker.send(
                Listen(settings=self._settings, mailboxes=mailboxes, patience=patience)
            )
            while True:
                async with asyncio.timeout(silence):
                    heard: Heard = await self._worker.answer()
                if heard.over:
                    return None
                self._hear(heard)
        except CalendarError as error:
            return error
        except TimeoutError:
            await self._end()
            return CalendarError("hung", f"the listener said nothing for {silence:g} s")
        except (asyncio.IncompleteReadError, OSError):
            await self._end()
            return CalendarError("unreadable", "the listener died")

    async def _end(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            await worker.kill()

    def _hear(self, heard: Heard) -> None:
        if heard.streaming:
            self._tell_begun(dict(heard.refused))
        rooms = [room for mailbox in heard.changed for room in self._rooms.get(mailbox, ())]
        if rooms:
            self._on_change(rooms)

    def _tell_begun(self, refused: Mapping[str, str]) -> None:
        """Tell what is new: that there is a stream, and which rooms have no part in it."""
        for mailbox, reason in refused.items():
            if self._refused.get(mailbox) != reason:
                for room in self._rooms[mailbox]:
                    log.warning("calendar.not_streamed", room=room, reason=reason)
        self._refused = refused
        if self._begun is not None:
            return
        now = self._begun = self._clock.monotonic()
        name, count = self._settings.name, len(self._rooms) - len(refused)
        if self._lost is None:
            log.info("calendar.streaming", calendar=name, count=count)
        else:
            seconds = round(now - self._lost)
            log.info("calendar.stream_back", calendar=name, count=count, seconds=seconds)
        self._lost = None

    def _after(self, error: CalendarError) -> float:
        """Take note of a failure; return after how many seconds to try again."""
        now = self._clock.monotonic()
        if self._begun is not None and now - self._begun >= self._pace.longest_pause:
            self._pause = self._pace.first_pause
        if self._lost is None:
            name = self._settings.name
            log.warning("calendar.stream_lost", calendar=name, reason=str(error))
            self._lost = now
        self._begun = None
        if error.shared:
            # A refused login: the next poll that is let in opens the way again.
            self._proven.clear()
            self._pause = self._pace.longest_pause
        pause = self._pause
        if error.after is not None:
            pause = max(pause, error.after.total_seconds())
        self._pause = min(2 * self._pause, self._pace.longest_pause)
        return pause
