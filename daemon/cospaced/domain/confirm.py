"""What vanished from a calendar is believed late: the two-poll rule.

New and changed events count at once. A vanished one is dropped when a second poll agrees, and so is
a revision older than one that was seen (a cache answered). Where a calendar is suddenly empty, or
half or more of at least three events are gone at once, only after `MASS_PATIENCE` of agreeing
polls, because servers lie so while they start, migrate or fail. Where so much is gone and so much
else is new, it is taken for somebody else's calendar, and what is new waits as long. An event in
whose place another one of the same organizer stands has not vanished in that sense.

Only time in which somebody looked counts: not that of a daemon that was down, of polls that
failed, or of a clock that was set.
"""

from bisect import bisect_left
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate

from cospaced.domain.calendar import Doubt, Missed, Occurrence


CONFIRM_AFTER = timedelta(seconds=5)
"""How soon the confirming poll comes."""
MASS_PATIENCE = timedelta(minutes=15)
MASS_OF = 3
"""Fewer events than these may all vanish as single ones do."""
_SLOW = timedelta(minutes=1)
"""By so much two polls may lie further apart than usual, and all between them be watched."""

Key = tuple[str, str]
NO_DOUBT = Doubt()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a poll changes: the occurrences to go on with, and what is still in doubt.

    `doubt` is the input of the next judgement. `again_after` asks for an early poll. `back` are
    those that were missed and are there again, `gone` those that are now believed to be gone.
    """

    occurrences: tuple[Occurrence, ...]
    doubt: Doubt = NO_DOUBT
    again_after: timedelta | None = None
    back: tuple[Key, ...] = ()
    gone: tuple[Key, ...] = ()


def judge(
    known: tuple[Occurrence, ...],
    fresh: tuple[Occurrence, ...],
    doubt: Doubt,
    now: datetime,
    *,
    unwatched: timedelta = timedelta(0),
    wary: bool = False,
) -> Verdict:
    """Weigh a fresh, whole reading against what was known and what was in doubt.

    Events that are over are forgotten without ado. A dangerous answer that goes on stays
    dangerous, though fewer events may be left to come. `unwatched` is how much of the time since
    the reading before does not count; `wary`: the calendar has contradicted itself of late, and
    nothing that vanishes without a successor is believed sooner than `MASS_PATIENCE`.
    """
    told = {o.key: o for o in fresh}
    awaited = [o for o in known if o.end > now]
    vanished = [o for o in awaited if o.key not in told or told[o.key].sequence < o.sequence]
    before = {missed.key: missed.since + unwatched for missed in doubt.missed}
    lacking = {o.key for o in vanished}
    back = tuple(key for key in before if key in told and key not in lacking)
    if not vanished:
        return Verdict(occurrences=fresh, back=back)
    strange = _strange(known, fresh, now)
    absent = [o for o in vanished if o.key not in told]
    replaced = set() if strange else _replaced(absent, fresh)
    lost = lacking - replaced
    held = doubt.dangerous and not lost.isdisjoint(before)
    dangerous = held or _much(awaited, fresh, replaced)

    def patience(key: Key) -> timedelta:
        return MASS_PATIENCE if key in lost and (dangerous or wary) else timedelta(0)

    kept = [o for o in vanished if o.key not in before or now - before[o.key] < patience(o.key)]
    doubted = {o.key for o in kept}
    believed = {o.key for o in known} if strange and dangerous and kept else told.keys()
    return Verdict(
        occurrences=(*(o for o in fresh if o.key in believed and o.key not in doubted), *kept),
        doubt=Doubt(
            missed=tuple(Missed(key=o.key, since=before.get(o.key, now)) for o in kept),
            dangerous=dangerous and not lost.isdisjoint(doubted),
        ),
        again_after=CONFIRM_AFTER if any(not patience(key) for key in doubted) else None,
        back=back,
        gone=tuple(o.key for o in vanished if o.key not in doubted),
    )


def unwatched(last: datetime, now: datetime, interval: timedelta) -> timedelta:
    """Return how much of the time from one reading to the next nobody looked.

    Negative where the clock was set back meanwhile: nothing passed.
    """
    passed = now - last
    return passed - min(max(passed, timedelta(0)), interval + _SLOW)


def _much(
    awaited: list[Occurrence], fresh: tuple[Occurrence, ...], replaced: Collection[Key]
) -> bool:
    """Whether more vanished at once than people take out: see the module.

    A series of which an occurrence is left was edited, and no event of it is lost.
    """
    if len(awaited) >= MASS_OF and not fresh:
        return True
    events = {o.uid for o in awaited}
    gone = {o.uid for o in awaited if o.key not in replaced} - {o.uid for o in fresh}
    return len(events) >= MASS_OF and 2 * len(gone) >= len(events)


def _strange(known: tuple[Occurrence, ...], fresh: tuple[Occurrence, ...], now: datetime) -> bool:
    """Whether so much is new that it is another calendar."""
    shown = {o.uid for o in fresh if o.end > now}
    new = shown - {o.uid for o in known}
    return len(new) >= MASS_OF and 2 * len(new) >= len(shown)


def _replaced(vanished: list[Occurrence], fresh: tuple[Occurrence, ...]) -> set[Key]:
    """Return which of the vanished have an event of the same organizer at their time now.

    Without an organizer it is the UID that must agree.
    """
    parties: dict[str, list[Occurrence]] = {_party(one): [] for one in vanished}
    for one in sorted(fresh, key=lambda one: one.start):
        if _party(one) in parties:
            parties[_party(one)].append(one)
    starts = {party: [one.start for one in events] for party, events in parties.items()}
    latest = {
        party: list(accumulate((one.end for one in events), max))
        for party, events in parties.items()
    }

    def stands(one: Occurrence) -> bool:
        before = bisect_left(starts[_party(one)], one.end)
        return before > 0 and latest[_party(one)][before - 1] > one.start

    return {one.key for one in vanished if stands(one)}


def _party(one: Occurrence) -> str:
    return one.organizer or one.uid
