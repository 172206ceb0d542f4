"""One UID's events, worked out over a window: text in, occurrences and problems out.

A group stands alone: whatever is wrong with it costs only itself. What rules yield is left to
dateutil, and what comes of it with RDATE, EXDATE and changes of all later instances to
recurring-ical-events. Both are given wall times and so never meet a time zone: icalendar keeps
those for the whole process by name, and two calendars mean different things by one name.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from cospaced.calendars.icalendar_text import CalendarText
from cospaced.calendars.meaning import Meaning, meaning
from cospaced.calendars.parts import Part, part, recurrence_id
from cospaced.calendars.properties import Property, parse
from cospaced.calendars.series import Lost, Series, expand_series, revision, series_of
from cospaced.calendars.unusable import Unusable
from cospaced.calendars.zones import ZoneBook
from cospaced.domain.calendar import Answer, EventProblem, Loss, Occurrence
from cospaced.domain.timespan import Timespan


_TWO_ORGANIZERS = "its UID stands for events of different organizers; the newest counts"
_TWO_STARTS = (
    "its UID stands for events with different starts; one of them counts (each needs its own)"
)

Guard = Callable[[], AbstractContextManager[None]]
"""Entered for each UID; raises Unusable inside where that takes too long."""


@dataclass(frozen=True, slots=True)
class _Unread:
    """A VEVENT that could not be read: why, and as an override of what, if that much can be."""

    reason: str
    named: Lost | None
    off: bool
    """Whether it says all the same that it does not take place here."""


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
    problems: list[EventProblem] = []
    found: list[Occurrence] = []
    parts: list[Part] = []
    try:
        with guard():
            parts, unread = _read(calendar, uid, books, address)
            series = series_of(uid, parts)
            problems += (_problem(uid, one, series) for one in unread)
            problems += (
                EventProblem(uid=uid, text=text, loss=Loss.NONE)
                for text in _ambiguous([p for p in parts if p.recurrence_id is None])
            )
            lost = [one.named for one in unread if one.named is not None]
            if len(parts) == 1 and not parts[0].recurs and not lost:
                found = [parts[0].occurrence(uid)]
            elif series is not None:
                found = list(expand_series(series, lost, covered))
    except Unusable as error:
        problems.append(_of_all(uid, str(error), parts))
    except MemoryError:
        problems.append(_of_all(uid, "it takes too much memory", parts))
    # The libraries beneath raise these for rules and times that they did not expect.
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        text = f"it cannot be worked out ({type(error).__name__}: {error})"
        problems.append(_of_all(uid, text, parts))
    return tuple(one for one in found if belongs(one, covered)), tuple(dict.fromkeys(problems))


def _ambiguous(masters: Sequence[Part]) -> Iterator[str]:
    """Yield what is wrong where several events bear a UID that can be that of one alone."""
    if len({master.meaning.organizer for master in masters} - {""}) > 1:
        yield _TWO_ORGANIZERS
    newest = max(map(revision, masters), default=None)
    if len({master.start.utc for master in masters if revision(master) == newest}) > 1:
        yield _TWO_STARTS


def _of_all(uid: str, text: str, parts: Sequence[Part]) -> EventProblem:
    """Return what is wrong with a whole UID, of which so much could be read."""
    off = bool(parts) and all(_off(part.meaning) for part in parts)
    return EventProblem(uid=uid, text=text, loss=Loss.NONE if off else Loss.ALL)


def _off(said: Meaning) -> bool:
    return said.cancelled or said.answer is Answer.DECLINED


def _problem(uid: str, unread: _Unread, series: Series | None) -> EventProblem:
    """Return a VEVENT that could not be read as a problem that costs no more than it says."""
    named = unread.named
    # A cancellation may lack its times (RFC 5546, section 3.2.5); beside a bad master a good one
    # speaks for the series.
    if unread.off or (named is None and series is not None and series.master is not None):
        return EventProblem(uid=uid, text=unread.reason, loss=Loss.NONE)
    if series is None or named is None:
        return EventProblem(uid=uid, text=unread.reason)
    return EventProblem(
        uid=uid,
        text=unread.reason,
        loss=Loss.LATER if named.this_and_future else Loss.ONE,
        recurrence_id=series.name_of(named),
    )


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
) -> tuple[list[Part], list[_Unread]]:
    """Read the VEVENTs of a UID; those that cannot be read are named as far as they can be."""
    parts: list[Part] = []
    unread: list[_Unread] = []
    # Where two have the same revision, their order in the file decides nothing.
    for event in sorted(calendar.groups[uid], key=lambda one: one.lines):
        properties = tuple(parse(line) for line in event.lines)
        zones, method = books[event.scope], calendar.scopes[event.scope].method
        try:
            parts.append(part(properties, zones, address, method))
        except Unusable as error:
            off = _off(meaning(properties, address, method))
            unread.append(_Unread(str(error), _named(properties, zones), off))
    return parts, unread


def _named(properties: tuple[Property, ...], zones: ZoneBook) -> Lost | None:
    try:
        named, this_and_future = recurrence_id(properties, zones)
    except Unusable:
        return None
    return Lost(named, this_and_future) if named is not None else None
