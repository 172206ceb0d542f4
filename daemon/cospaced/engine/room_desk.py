"""What the polling knows of one room's calendar, and what it tells of its health.

Spans are measured on the clock that never steps, so that a clock that is set makes no calendar
stale. What changes is told, not what goes on; what changes again and again is told once.
"""

import math
import traceback
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from hashlib import blake2b

import structlog

from cospaced.domain.calendar import Doubt, Occurrence, Reading, Standing
from cospaced.domain.confirm import CONFIRM_AFTER, NO_DOUBT, Verdict, judge, unwatched
from cospaced.domain.stamps import with_known_stamps
from cospaced.domain.steadiness import WITHIN, Steadiness
from cospaced.domain.timespan import Timespan
from cospaced.domain.unreadable import as_read, with_held
from cospaced.engine.copies import Key
from cospaced.engine.outages import Outages
from cospaced.errors import CalendarError
from cospaced.ports import Clock
from cospaced.settings import DaemonSettings, RoomSettings


CALM = timedelta(seconds=2)
"""From one poll of a room to the next, however many changes its server tells of."""

log = structlog.get_logger()


@dataclass(slots=True)
class RoomDesk:
    """What is known of one room's calendar."""

    room: RoomSettings
    clock: Clock
    outages: Outages
    reading: Reading | None = None
    """The last good one, with what was in doubt kept in it."""
    tried: bool = False
    reason: str = ""
    """Why it cannot be read, as of its last poll."""
    due: float | None = None
    """On the clock that never steps."""
    under_way: bool = False
    heard: bool = False
    """Whether its server told of a change since its last poll began."""
    polled_at: float = -math.inf
    """When that was, on the clock that never steps."""
    _fault: tuple[type[Exception], str, int] | None = None
    """The last fault of the program, by what is the same each time that it is met."""
    _failing_from: float | None = None
    _told: bool = False
    """Whether this failing was told, so that its end is."""
    _stale_told: bool = False
    _mute_told: bool = False
    _emptied_from: float | None = None
    _emptied_told: bool = False
    _steadiness: Steadiness = field(default_factory=Steadiness)
    _gone: dict[Key, float] = field(default_factory=dict)
    """What was believed to be gone, and when."""
    _problems: frozenset[tuple[str, str]] = frozenset()

    def __post_init__(self) -> None:
        """Go on where the process before left off."""
        if self.reading is None:
            return
        if self.reading.standing.place not in ("", place_of(self.room)):
            self.reading = None
        elif (since := self.reading.standing.failing_since) is not None:
            gone_by = (self.clock.now() - since).total_seconds()
            self._failing_from = self.clock.monotonic() - max(0.0, gone_by)

    @property
    def doubt(self) -> Doubt:
        """What is missed, and not believed yet."""
        return NO_DOUBT if self.reading is None else self.reading.standing.doubt

    @property
    def as_read(self) -> Reading | None:
        """The last good reading as its source made it, to go on from."""
        return None if self.reading is None else as_read(self.reading)

    @property
    def calm(self) -> float:
        """After how many seconds it may be polled for a change that was heard of."""
        pause = CALM if self.doubt == NO_DOUBT else CONFIRM_AFTER
        return max(0.0, self.polled_at + pause.total_seconds() - self.clock.monotonic())

    @property
    def failing(self) -> bool:
        """Whether its last poll failed."""
        return self._failing_from is not None

    @property
    def failing_for(self) -> timedelta:
        """For how long it has not been read."""
        return self._since(self._failing_from)

    @property
    def failing_since(self) -> datetime:
        """Since when it has not been read, by the wall clock as it is now, to the second."""
        since = self.clock.now() - self.failing_for
        return (since + timedelta(seconds=0.5)).replace(microsecond=0)

    @property
    def _keys(self) -> dict[str, str]:
        return {"room": self.room.name, "calendar": self.room.calendar}

    def _since(self, begun: float | None) -> timedelta:
        return timedelta(seconds=0 if begun is None else self.clock.monotonic() - begun)

    def failed(self, error: CalendarError, terms: DaemonSettings) -> bool:
        """Note a failed poll; return whether the one before was good.

        Told once, once more when it has lasted, and once when its rooms ring no more; what many
        rooms of its server share, as `outages` has it.
        """
        self.reason = str(error)
        turned = self._failing_from is None
        if self._failing_from is None:
            self._failing_from = self.clock.monotonic()
            if self.reading is not None:
                standing = replace(self.reading.standing, failing_since=self.failing_since)
                self.reading = replace(self.reading, standing=standing)
        single = self._bad(self.reason, turned=turned)
        if error.shared:
            self.outages.refused(self.room, error, self.failing_for)
        elif single:
            self.outages.failed(self.room, error, self.failing_for, told=self._told)
            self._told = True
        self._tell_lasting(error, terms)
        return turned

    def is_new(self, fault: Exception) -> bool:
        """Note a fault of the program; return whether it is another one than the last.

        It is known by where it was raised: what it says may hold times, and differ at each poll.
        """
        before = self._fault
        *_, (frame, line) = traceback.walk_tb(fault.__traceback__)
        self._fault = (type(fault), frame.f_code.co_filename, line)
        return self._fault != before

    def _tell_lasting(self, error: CalendarError, terms: DaemonSettings) -> None:
        lasting, since = self.failing_for, self.failing_since
        tell = partial(self.outages.lasts, room=self.room, error=error, lasting=lasting)
        if lasting > terms.stale_after and not self._stale_told:
            self._told = self._stale_told = True
            tell("calendar.stale", since=since, reason=self.reason)
        if lasting > terms.stale_limit and not self._mute_told:
            self._mute_told = True
            tell("calendar.mute", since=since)

    def _seconds(self) -> int:
        return int(self.failing_for.total_seconds())

    def judged(self, reading: Reading, interval: timedelta) -> tuple[Reading, timedelta | None]:
        """Put what is believed of a good reading in place of the one before, and return it.

        Also return how soon it wants to be confirmed. `interval` is that of the polls.
        """
        now = self.clock.now()
        before = self.reading
        known = () if before is None else _within(before, reading.covered)
        reading = with_held(with_known_stamps(reading, known), known)
        verdict = judge(
            known,
            reading.occurrences,
            self.doubt,
            now,
            unwatched=timedelta(0) if before is None else unwatched(before.read_at, now, interval),
            wary=self._steadiness.flapping,
        )
        # First what a strange reading may fail in: nobody is told that it is well again.
        self._tell_problems(reading)
        self._recovered()
        self._tell_vanished(verdict)
        self.reading = kept = replace(
            reading,
            occurrences=verdict.occurrences,
            unchanged=False,
            # Whoever says "unchanged" to a stamp would confirm what is still in doubt.
            stamp="" if verdict.doubt.missed else reading.stamp,
            standing=Standing(
                place=place_of(self.room), doubt=verdict.doubt, held=reading.standing.held
            ),
        )
        return kept, verdict.again_after

    def _recovered(self) -> None:
        """Note a good reading; told if the failing before was."""
        if self._failing_from is not None:
            if self._told:
                log.info("calendar.recovered", **self._keys, seconds=self._seconds())
            self._failing_from, self.reason = None, ""
            self._told = self._stale_told = self._mute_told = False
        self.outages.read(self.room)

    def _tell_vanished(self, verdict: Verdict) -> None:
        """Tell once that a dangerous answer is held, and what became of it."""
        missed, contradicted = len(verdict.doubt.missed), self._contradicted(verdict)
        if verdict.doubt.dangerous:
            turned = self._emptied_from is None
            if self._emptied_from is None:
                self._emptied_from = self.clock.monotonic()
            told = self._bad(f"{missed} events are gone at once", turned=turned)
            if told and not self._emptied_told:
                self._emptied_told = True
                log.warning("calendar.emptied", **self._keys, count=missed)
        elif self._emptied_from is not None:
            seconds = int(self._since(self._emptied_from).total_seconds())
            if verdict.gone:
                count = len(verdict.gone)
                log.warning("calendar.believed", **self._keys, count=count, seconds=seconds)
            elif self._emptied_told:
                log.info("calendar.refilled", **self._keys, seconds=seconds)
            self._emptied_from, self._emptied_told = None, False
        elif contradicted:
            self._bad("what it no longer held is there again", turned=True)
        elif self._steadiness.rested(self.clock.monotonic()):
            self._tell_steady()

    def _contradicted(self, verdict: Verdict) -> bool:
        """Whether something is there again that was missed, or believed to be gone of late."""
        now = self.clock.monotonic()
        held = {o.key for o in verdict.occurrences}
        late = [key for key, at in self._gone.items() if now - at < WITHIN]
        back = [key for key in late if key in held]
        self._gone = {key: self._gone[key] for key in late if key not in held}
        self._gone |= dict.fromkeys(verdict.gone, now)
        return bool(verdict.back or back)

    def _bad(self, reason: str, *, turned: bool) -> bool:
        """Note a bad answer; return whether it is to be told by itself."""
        was_flapping = self._steadiness.flapping
        self._steadiness = self._steadiness.bad(self.clock.monotonic(), turned=turned)
        if not self._steadiness.flapping:
            return True
        if not was_flapping:
            count = self._steadiness.count
            log.error("calendar.flapping", **self._keys, count=count, reason=reason)
        return False

    def _tell_steady(self) -> None:
        seconds = self._since(self._steadiness.flapping_since).total_seconds()
        log.info(
            "calendar.steady",
            **self._keys,
            seconds=int(seconds),
            count=self._steadiness.count,
        )
        self._steadiness = Steadiness()

    def _tell_problems(self, reading: Reading) -> None:
        """Tell of events that were left out, each once."""
        known = {uid for uid, _ in (one.key for one in reading.standing.held)}
        # One fault of many events is told once, but for those that people count on.
        found = {(p.uid if p.uid in known else "", p.text): p.uid for p in reading.problems}
        for held, text in sorted(found.keys() - self._problems):
            reason = f"{text}; it goes on as last read" if held else text
            uid = found[held, text]
            log.warning("event.problem", room=self.room.name, uid=uid, reason=reason)
        self._problems = frozenset(found)

    def misses(self, key: Key) -> bool:
        """Whether the last reading missed an occurrence that is not believed to be gone."""
        return any(missed.key == key for missed in self.doubt.missed)

    def hides(self, key: Key) -> bool:
        """Whether something in the last reading that cannot be read may be an occurrence."""
        problems = () if self.reading is None else self.reading.problems
        return any(problem.hides(key) for problem in problems)


def _within(reading: Reading, covered: Timespan) -> tuple[Occurrence, ...]:
    """Return the occurrences that a reading over `covered` could hold: no others can vanish."""
    if reading.covered == covered:
        return reading.occurrences
    return tuple(o for o in reading.occurrences if o.start < covered.end and o.end > covered.start)


def place_of(room: RoomSettings) -> str:
    """Return a digest of what says which calendar a room has: an address may be a secret."""
    place = (room.calendar, str(room.path), room.url, room.mailbox, room.address)
    return blake2b("\0".join(place).encode(), digest_size=8).hexdigest()
