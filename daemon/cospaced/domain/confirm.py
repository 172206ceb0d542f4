"""What vanished from a calendar is believed late: the two-poll rule.

New and changed events count at once. A vanished one is dropped when a second poll agrees; where a
calendar is suddenly empty, or half or more of at least three events are gone at once, only after
`MASS_PATIENCE` of agreeing polls, because servers lie so while they start, migrate or fail. An
event in whose place another one of the same organizer stands has not vanished in that sense.
"""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import accumulate

from cospaced.domain.calendar import Occurrence


CONFIRM_AFTER = timedelta(seconds=5)
"""How soon the confirming poll comes."""
MASS_PATIENCE = timedelta(minutes=15)
MASS_OF = 3
"""Fewer events than these may all vanish as single ones do."""

Key = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a poll changes: the occurrences to go on with, and what is still in doubt.

    `missing` maps each vanished key to the moment it was first missed; it is the input of the next
    judgement. `again_after` asks for an early poll. `mass` says that a dangerous answer is held.
    """

    occurrences: tuple[Occurrence, ...]
    missing: Mapping[Key, datetime] = field(default_factory=dict)
    again_after: timedelta | None = None
    mass: bool = False


def judge(
    known: tuple[Occurrence, ...],
    fresh: tuple[Occurrence, ...],
    missing: Mapping[Key, datetime],
    now: datetime,
    *,
    held: bool = False,
) -> Verdict:
    """Weigh a fresh, whole reading against what was known.

    Events that are over are forgotten without ado. `held`: the verdict before held a dangerous
    answer; one that goes on stays dangerous, though fewer events may be left to come.
    """
    told = {o.key for o in fresh}
    awaited = [o for o in known if o.end > now]
    vanished = [o for o in awaited if o.key not in told]
    if not vanished:
        return Verdict(occurrences=fresh)
    replaced = _replaced(vanished, fresh)
    gone = [o for o in vanished if o.key not in replaced]
    mass = len(awaited) >= MASS_OF and 2 * len(gone) >= len(awaited)
    mass = mass or (held and any(o.key in missing for o in gone))
    since = {o.key: missing.get(o.key, now) for o in vanished}

    def doubted(one: Occurrence) -> bool:
        patience = MASS_PATIENCE if mass and one.key not in replaced else timedelta(0)
        return one.key not in missing or now - since[one.key] < patience

    kept = [o for o in vanished if doubted(o)]
    soon = any(o.key in replaced for o in kept) or not mass
    return Verdict(
        occurrences=(*fresh, *kept),
        missing={o.key: since[o.key] for o in kept},
        again_after=CONFIRM_AFTER if kept and soon else None,
        mass=mass and any(o.key not in replaced for o in kept),
    )


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
