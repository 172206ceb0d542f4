"""Looking at organizers' own copies, for the rooms of one calendar, and whom not to ask again.

It costs nobody a reading: what cannot be had now is asked for later, and until then the room's own
title stands. That holds for a login that is refused there, too: it has just read the room.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from cospaced.calendars import organizer_copies
from cospaced.calendars.organizer_copies import Ledger, Version
from cospaced.domain.calendar import Occurrence
from cospaced.domain.spoilt_title import Event, OwnCopy
from cospaced.errors import CalendarError
from cospaced.ports import Clock


NO_RIGHT = timedelta(hours=6)
"""How long an organizer without a mailbox, or whose calendar may not be opened, is left alone."""
AGAIN = timedelta(minutes=5)
"""How long it takes until something else that failed is tried again, and twice that the next time:
whoever fails for ever is not to hold up the others at every poll."""
_BRIEF = 1.0
"""Seconds in which nothing is begun any more."""


@dataclass(slots=True, kw_only=True)
class Answers:
    """What came of looking at organizers' copies, as far as it went."""

    found: dict[Event, OwnCopy] = field(default_factory=dict)
    """Of every event that was asked about, whether there was a copy or not."""
    refused: set[str] = field(default_factory=set)
    """Organizers who have no mailbox, or whose calendar may not be opened."""
    failed: str = ""
    """The organizer at whom it ended, where the server did not ask for rest."""
    after: timedelta | None = None
    """How long the server asks not to be asked."""
    requests: int = 0

    def go_on(self, organizer: str, error: CalendarError) -> bool:
        """Note why a copy could not be seen, and whether to go on."""
        if error.kind in ("login", "not_found") and not error.shared:
            self.refused.add(organizer)
            return True
        if error.after is None:
            self.failed = organizer
        # Where the login was refused, each further look may count towards locking the account.
        self.after = AGAIN if error.shared else error.after
        return False


Look = Callable[[Sequence[Event], float], Awaitable[Answers]]
"""Asks about events, in their order, and ends within so many seconds; raises CalendarError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a room shows; a version for each occurrence."""

    mailbox: str
    occurrences: tuple[Occurrence, ...]
    versions: tuple[Version, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mended:
    """What a room shows with what its organizers' copies say; `ledger` is to be stored."""

    occurrences: tuple[Occurrence, ...]
    ledger: Ledger
    requests: int


@dataclass(frozen=True, slots=True)
class _Pause:
    """How long somebody is left alone, from a moment of the monotonic clock."""

    since: float
    length: timedelta

    @property
    def until(self) -> float:
        return self.since + self.length.total_seconds()


class OrganizerLooks:
    """Mends what the rooms of one `[calendar:NAME]` show."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._left_alone: dict[str, _Pause] = {}
        """By organizer."""
        self._pause_until = 0.0

    def pending(self, ledger: Ledger) -> bool:
        """Whether there is something to ask, even if the room's calendar did not change."""
        return bool(self._due(ledger))

    async def mended(self, shown: Shown, before: Ledger, look: Look, seconds: float) -> Mended:
        """Look at what was not looked at yet, for so many seconds at most.

        `before` is the ledger of the room's last reading.
        """
        ledger = organizer_copies.reviewed(
            before,
            shown.occurrences,
            shown.versions,
            mailbox=shown.mailbox,
            now=self._clock.now(),
        )
        events = self._due(ledger) if seconds > _BRIEF else ()
        answers = await self._asked(look, events, seconds) if events else Answers()
        ledger = organizer_copies.learnt(ledger, answers.found)
        return Mended(
            occurrences=organizer_copies.applied(ledger, shown.occurrences, shown.versions),
            ledger=ledger,
            requests=answers.requests,
        )

    def _due(self, ledger: Ledger) -> tuple[Event, ...]:
        now = self._clock.monotonic()
        if now < self._pause_until:
            return ()
        left_alone = {who for who, pause in self._left_alone.items() if now < pause.until}
        return organizer_copies.due(ledger, left_alone)

    async def _asked(self, look: Look, events: Sequence[Event], seconds: float) -> Answers:
        try:
            answers = await look(events, seconds)
        except CalendarError as error:
            if error.shared or error.after is not None:
                answers = Answers(after=error.after or AGAIN)
            else:
                # It is not known at whom it failed. Unless somebody is blamed, the same events come
                # first the next time; the first one is, and sooner or later it is the right one.
                answers = Answers(failed=events[0][0])
        self._note(answers)
        return answers

    def _note(self, answers: Answers) -> None:
        now = self._clock.monotonic()
        for organizer, _ in answers.found:
            self._left_alone.pop(organizer, None)
        for organizer in answers.refused:
            self._left_alone[organizer] = _Pause(now, NO_RIGHT)
        if answers.failed:
            before = self._left_alone.get(answers.failed)
            length = AGAIN if before is None else min(2 * before.length, NO_RIGHT)
            self._left_alone[answers.failed] = _Pause(now, length)
        if answers.after is not None:
            self._pause_until = now + answers.after.total_seconds()
