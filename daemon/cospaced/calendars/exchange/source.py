"""The `exchange` source: room mailboxes of an Exchange Server, read by worker processes.

A SyncState says whether a mailbox changed, at one request where it did not. One login serves all
rooms: what is not known to be let in is tried with one of them.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any

from cospaced.calendars import organizer_copies, rolling, stamps
from cospaced.calendars.exchange.jobs import Ask, LookAtOrganizers, Told
from cospaced.calendars.exchange.listening import MOST, Listening, Pace
from cospaced.calendars.login_gate import LoginGate
from cospaced.calendars.organizer_copies import Ledger
from cospaced.calendars.organizer_looks import Answers, OrganizerLooks, Shown
from cospaced.calendars.stamps import Stamp
from cospaced.calendars.workers import WorkerPool
from cospaced.domain.calendar import Reading
from cospaced.domain.spoilt_title import Event
from cospaced.domain.timespan import Timespan
from cospaced.errors import CalendarError
from cospaced.ports import Clock
from cospaced.settings import CalendarSettings, RoomSettings


MODULE = "cospaced.calendars.exchange.worker"
_LACKING = timedelta(minutes=10)
"""Until details that could not be told are asked for again."""
_OVERTIME = 5.0
"""Seconds by which a poll that waited for the login may miss the timeout: the engine gives up after
10, and the worker's start and end take some."""
_TOO_LITTLE = 1 / 3
"""Of the timeout; a worker that is given less would be killed for being slow. So would one that is
given less than the last job took."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncStamp(Stamp):
    """The stamp of a mailbox: its SyncState.

    `again`: when details are asked for again that could not be told, ISO 8601, or empty.
    """

    state: str
    again: str = ""


class ExchangeSource:
    """CalendarSource of one `[calendar:NAME]` of type `exchange`; `pool` is its own.

    `time_zone` is the IANA name of the zone in which whole days begin.
    """

    def __init__(
        self,
        settings: CalendarSettings,
        *,
        time_zone: str,
        pool: WorkerPool,
        clock: Clock,
        pace: Pace | None = None,
    ) -> None:
        self._settings = settings
        self._time_zone = time_zone
        self._pool = pool
        self._clock = clock
        self._pace = pace or Pace()
        self._gate = LoginGate(clock, settings.timeout.total_seconds())
        self._took = 0.0
        self._looks = OrganizerLooks(clock)

    async def poll(self, room: RoomSettings, previous: Reading | None, window: Timespan) -> Reading:
        """Read one room's calendar over the window; see CalendarSource."""
        end = self._clock.monotonic() + self._settings.timeout.total_seconds()
        ask, stamp = self._asked(room, previous, window)
        told: Told = await self._done(ask, self._settings.timeout.total_seconds())
        if self._settings.organizer_copies and not told.unchanged:
            before = organizer_copies.unpacked(previous, stamp.meant)
            left = end - self._clock.monotonic()
            told = await self._mended(told, ask, stamp, before, left)
        return self._read(previous, ask, stamp, told)

    async def _mended(
        self, told: Told, ask: Ask, stamp: SyncStamp, before: Ledger, seconds: float
    ) -> Told:
        """Return what a mailbox said, with what organizers' own copies say better."""
        shown = Shown(mailbox=ask.mailbox, occurrences=told.occurrences, versions=told.versions)
        mended = await self._looks.mended(shown, before, partial(self._look, ask), seconds)
        return replace(
            told,
            occurrences=mended.occurrences,
            body=organizer_copies.packed(mended.ledger, stamp.meant, told.body),
            requests=told.requests + mended.requests,
        )

    async def _look(self, ask: Ask, events: Sequence[Event], seconds: float) -> Answers:
        """Have a worker look at organizers' copies."""
        job = LookAtOrganizers(
            settings=ask.settings,
            mailbox=ask.mailbox,
            events=tuple(events),
            # The last one, begun in time, may take as long again.
            seconds=seconds / 2,
        )
        try:
            # The time of a job begins when a worker takes it; a poll's time does not wait for that.
            async with asyncio.timeout(seconds):
                answers: Answers = await self._done(job, seconds)
        except TimeoutError as error:
            raise CalendarError("timeout", "organizers' copies were not seen in time") from error
        return answers

    async def _done(self, job: Ask | LookAtOrganizers, seconds: float) -> Any:
        """Have a job done within so many seconds, as soon as the login is known to be good."""
        end = self._clock.monotonic() + seconds + _OVERTIME

        async def work() -> Any:
            # A job's time begins when it is let in: the wait was not the worker's fault.
            begun = self._clock.monotonic()
            left = end - begun
            if left < max(seconds * _TOO_LITTLE, min(seconds, self._took)):
                raise CalendarError("timeout", "it waited too long for the login of another room")
            # NTLM lets a connection in once: an old one would prove a login that is wrong by now.
            login = self._settings.auth == "ntlm" and not self._gate.proven.is_set()
            answer = await self._pool.do(replace(job, login=login), min(seconds, left))
            self._took = self._clock.monotonic() - begun
            return answer

        # One mailbox may be refused alone: EWS is switched off for it, or the server is sick that
        # holds it. A token is had for all.
        alone = "" if self._settings.auth == "oauth" else job.mailbox.lower()
        return await self._gate.first(work, alone)

    async def watch(
        self, rooms: Sequence[RoomSettings], on_change: Callable[[Sequence[str]], None]
    ) -> None:
        """Hear of changes from streams, once a room could be read; see TellingSource."""
        if self._settings.notifications != "streaming":
            return
        by_mailbox: dict[str, list[str]] = {}
        for room in rooms:
            by_mailbox.setdefault(room.mailbox.lower(), []).append(room.name)
        async with asyncio.TaskGroup() as tasks:
            for some in _batches(sorted(by_mailbox)):
                listening = Listening(
                    settings=self._settings,
                    rooms={mailbox: by_mailbox[mailbox] for mailbox in some},
                    on_change=on_change,
                    proven=self._gate.proven,
                    clock=self._clock,
                    pace=self._pace,
                )
                tasks.create_task(listening.run(), name=f"listen {self._settings.name}")

    async def close(self) -> None:
        """End its workers."""
        await self._pool.close()

    def _asked(
        self, room: RoomSettings, previous: Reading | None, window: Timespan
    ) -> tuple[Ask, SyncStamp]:
        """Return what to ask, and the stamp that the answer's state goes into."""
        settings, now = self._settings, self._clock.now()
        # What is stored differs, too: with organizers' copies, they come first.
        way = ("organizer_copies",) if settings.organizer_copies else ()
        meant = stamps.meant(settings.server, room.mailbox.lower(), self._time_zone, *way)
        stamp = stamps.read(previous, meant, SyncStamp)
        known = previous is not None and stamp is not None
        fresh = (
            previous is None
            or stamp is None
            or not rolling.within(window, previous.covered)
            or not rolling.trusted(stamp, room, now)
        )
        pending = settings.organizer_copies and self._looks.pending(
            organizer_copies.unpacked(previous, meant)
        )
        lacking = stamp is not None and "" < stamp.again <= now.isoformat()
        body = previous.body if known and previous is not None else b""
        ask = Ask(
            settings=settings,
            mailbox=room.mailbox,
            covered=rolling.covered(room, window) if fresh or not previous else previous.covered,
            time_zone=self._time_zone,
            state=stamp.state if stamp is not None else "",
            body=organizer_copies.rest(body) if settings.organizer_copies else body,
            fresh=fresh or pending or lacking,
        )
        if fresh or stamp is None:
            stamp = SyncStamp(meant=meant, full=now.isoformat(), state="")
        return ask, stamp

    def _read(self, previous: Reading | None, ask: Ask, stamp: SyncStamp, told: Told) -> Reading:
        stamp, now = replace(stamp, state=told.state), self._clock.now()
        if told.unchanged and previous is not None:
            return replace(
                previous,
                stamp=stamp.written(),
                read_at=now,
                requests=told.requests,
                unchanged=True,
            )
        stamp = replace(stamp, again=(now + _LACKING).isoformat() if told.lacking else "")
        same = previous is not None and (told.occurrences, told.problems) == (
            previous.occurrences,
            previous.problems,
        )
        if self._settings.organizer_copies and previous is not None:
            # What was learnt is to be stored, even if it is that there is nothing to learn.
            same = same and told.body == previous.body
        return Reading(
            occurrences=told.occurrences,
            covered=ask.covered,
            stamp=stamp.written(),
            body=told.body,
            problems=told.problems,
            read_at=now,
            requests=told.requests,
            unchanged=same,
        )


def _batches(mailboxes: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(mailboxes), MOST):
        yield mailboxes[start : start + MOST]
