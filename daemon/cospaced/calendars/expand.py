"""One UID's events, worked out over a window: text in, occurrences and problems out.

A group stands alone: whatever is wrong with it costs only itself. What rules yield is left to
dateutil, and what comes of it with RDATE, EXDATE and changes of all later instances to
recurring-ical-events. Both are given wall times and so never meet a time zone: icalendar keeps
those for the whole process by name, and two calendars mean different things by one name.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext

from cospaced.calendars.icalendar_text import CalendarText
from cospaced.calendars.parts import Part, part, recurrence_id
from cospaced.calendars.properties import Property, parse
from cospaced.calendars.series import Lost, expand_series
from cospaced.calendars.unusable import Unusable
from cospaced.calendars.zones import ZoneBook
from cospaced.domain.calendar import EventProblem, Occurrence
from cospaced.domain.timespan import Timespan


_TWO_ORGANIZERS = "its UID stands for events of different organizers; the newest counts"

Guard = Callable[[], AbstractContextManager[None]]
"""Entered for each UID; raises Unusable inside where that takes too long."""


def expand_group(
    calendar: CalendarText,
    uid: str,
    covered: Timespan,
    books: Sequence[ZoneBook],
    *,
    address: str = "",
    guard: Guard = nullcontext,
) -> tuple[tuple[Occurrence, ...], tuple[EventProblem, ...]]:
    """Return a UID's occurrences that overlap `covered`, and what could not be understood.

    `books` are the zones of the calendar's scopes, `address` is the room's own. Never raises for
    what stands in the events.
    """
    problems: list[str] = []
    found: list[Occurrence] = []
    try:
        with guard():
            parts, lost = _read(calendar, uid, books, address, problems)
            if len({p.meaning.organizer for p in parts if p.recurrence_id is None} - {""}) > 1:
                problems.append(_TWO_ORGANIZERS)
            if len(parts) == 1 and not parts[0].recurs and not lost:
                found = [parts[0].occurrence(uid)]
            else:
                found = list(expand_series(uid, parts, lost, covered))
    except Unusable as error:
        problems.append(str(error))
    except MemoryError:
        problems.append("it takes too much memory")
    # The libraries beneath raise these for rules and times that they did not expect.
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        problems.append(f"it cannot be worked out ({type(error).__name__}: {error})")
    told = tuple(EventProblem(uid=uid, text=text) for text in dict.fromkeys(problems))
    return tuple(one for one in found if belongs(one, covered)), told


def belongs(occurrence: Occurrence, covered: Timespan) -> bool:
    """Whether an occurrence overlaps the window, or, having no length, starts in it."""
    if occurrence.start == occurrence.end:
        return covered.holds(occurrence.start)
    return occurrence.start < covered.end and covered.start < occurrence.end


def _read(
    calendar: CalendarText,
    uid: str,
    books: Sequence[ZoneBook],
    address: str,
    problems: list[str],
) -> tuple[list[Part], list[Lost]]:
    """Read the VEVENTs of a UID; those that cannot be read are told and, if they can be, named."""
    parts: list[Part] = []
    lost: list[Lost] = []
    # Where two have the same revision, their order in the file decides nothing.
    for event in sorted(calendar.groups[uid], key=lambda one: one.lines):
        properties = tuple(parse(line) for line in event.lines)
        zones = books[event.scope]
        try:
            method = calendar.scopes[event.scope].method
            parts.append(part(properties, zones, address, method))
        except Unusable as error:
            problems.append(str(error))
            named = _named(properties, zones)
            if named is not None:
                lost.append(named)
    return parts, lost


def _named(properties: tuple[Property, ...], zones: ZoneBook) -> Lost | None:
    try:
        named, this_and_future = recurrence_id(properties, zones)
    except Unusable:
        return None
    return Lost(named, this_and_future) if named is not None else None
