"""An event that is there and cannot be understood is no cancellation: it goes on as last read.

A bad edit (an end before the start, a rule of every second) makes an event unreadable, and people
may be in its conference. What was known of it stays until it is understood again, or gone from
the calendar; an override that cannot be read keeps its own occurrence alone.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace

from cospaced.domain.calendar import EventProblem, Held, Occurrence, Reading


def with_held(reading: Reading, known: Collection[Occurrence]) -> Reading:
    """Return a fresh reading with what its problems hide of the occurrences that were known.

    One that is shown in an older revision than was known is hidden too: the newer cannot be read.
    """
    shown = {one.key: one.sequence for one in reading.occurrences} if reading.problems else {}
    problems = _by_uid(reading.problems)
    held: list[Held] = []
    kept: list[Occurrence] = []
    for one in known if problems else ():
        reason = _hidden(one, problems.get(one.uid, ()))
        if reason and (one.key not in shown or shown[one.key] < one.sequence):
            held.append(Held(key=one.key, reason=reason))
            kept.append(one)
    standing = replace(reading.standing, held=tuple(held))
    if not held:
        return replace(reading, standing=standing)
    rest = as_read(replace(reading, standing=standing))
    return replace(rest, occurrences=(*rest.occurrences, *kept))


def as_read(reading: Reading) -> Reading:
    """Return a reading without what is held in it: no source is to take that for its own word."""
    held = {one.key for one in reading.standing.held}
    if not held:
        return reading
    shown = tuple(one for one in reading.occurrences if one.key not in held)
    return replace(reading, occurrences=shown)


def _by_uid(problems: Collection[EventProblem]) -> Mapping[str, list[EventProblem]]:
    found: dict[str, list[EventProblem]] = {}
    for problem in problems:
        found.setdefault(problem.uid, []).append(problem)
    return found


def _hidden(one: Occurrence, problems: Collection[EventProblem]) -> str:
    """Return what hides an occurrence, empty where nothing does."""
    return next((problem.text for problem in problems if problem.hides(one.key)), "")
