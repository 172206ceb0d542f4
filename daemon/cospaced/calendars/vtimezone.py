"""A time zone from the lines of a VTIMEZONE (RFC 5545, section 3.6.5), as a table of changes.

The rules are worked out once, up to 2100, and looked up by bisection from then on; no
cache outlives the calendar by name, because two calendars mean different things by one TZID.
"""

import itertools
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from dateutil.rrule import rrulestr

from cospaced.calendars.properties import Property, first, parse
from cospaced.calendars.unusable import Unusable


_LONG_AGO = 1900
_FIRST_YEAR, _LAST_YEAR = 1970, 2100
_EARLIEST, _LATEST = datetime(1601, 1, 1), datetime(_LAST_YEAR + 1, 1, 1)  # noqa: DTZ001 - wall times are naive
"""A change before or after is one then: .NET writes the year 1 for "ever", which has no UTC."""
_MOST_CHANGES = 1000
_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)(?::?(\d\d))?")
_WALL = re.compile(r"(\d{8})(?:T(\d{6}))?Z?")


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleZone:
    """Offsets by the moments at which they change; moments are naive and in UTC.

    `offsets` has one entry more than `changes`: what held before the first.
    """

    changes: tuple[datetime, ...]
    offsets: tuple[timedelta, ...]
    walls: tuple[datetime, ...]
    """From which wall time on each change holds: in a gap or an overlap, the later reading."""

    def offset_at_wall(self, wall: datetime) -> timedelta:
        """Return the UTC offset of a wall time; one in a gap or twice there has the one before."""
        return self.offsets[bisect_right(self.walls, wall)]

    def offset_at(self, instant: datetime) -> timedelta:
        """Return the UTC offset at a naive UTC moment."""
        return self.offsets[bisect_right(self.changes, instant)]


@lru_cache(maxsize=256)
def rule_zone(lines: tuple[str, ...]) -> RuleZone:
    """Work a VTIMEZONE out; raises Unusable where its rules make no sense."""
    changes: list[tuple[datetime, timedelta, timedelta]] = []
    observances = tuple(_observances(lines))
    for observance in observances:
        after = _offset(observance, "TZOFFSETTO")
        # Outlook for Mac writes none for a zone that never changes.
        alone = len(observances) == 1 and first(observance, "TZOFFSETFROM") is None
        before = after if alone else _offset(observance, "TZOFFSETFROM")
        onsets = (min(max(onset, _EARLIEST), _LATEST) for onset in _onsets(observance, before))
        changes += ((onset - before, before, after) for onset in onsets)
    if not changes:
        raise Unusable("its VTIMEZONE has neither STANDARD nor DAYLIGHT")
    changes.sort()
    offsets = (changes[0][1], *(after for _, _, after in changes))
    return RuleZone(
        changes=tuple(moment for moment, _, _ in changes),
        offsets=offsets,
        walls=tuple(
            change[0] + max(before, change[2])
            for change, before in zip(changes, offsets, strict=False)
        ),
    )


def _observances(lines: tuple[str, ...]) -> Iterator[tuple[Property, ...]]:
    found: list[Property] = []
    for line in lines:
        prop = parse(line)
        if prop.name == "BEGIN":
            found = []
        elif prop.name == "END" and prop.value.upper() in ("STANDARD", "DAYLIGHT"):
            yield tuple(found)
        else:
            found.append(prop)


def _offset(observance: tuple[Property, ...], name: str) -> timedelta:
    prop = first(observance, name)
    found = _OFFSET.fullmatch(prop.value) if prop else None
    if found is None:
        raise Unusable(f"its VTIMEZONE has no usable {name}")
    size = timedelta(hours=int(found[2]), minutes=int(found[3]), seconds=int(found[4] or 0))
    return -size if found[1] == "-" else size


def _onsets(observance: tuple[Property, ...], before: timedelta) -> Iterator[datetime]:
    """Yield the wall times at which an observance begins."""
    prop = first(observance, "DTSTART")
    if prop is None:
        raise Unusable("its VTIMEZONE has an observance without DTSTART")
    start = _wall(prop.value)
    ruled = [x for p in observance if p.name == "RRULE" for x in _recurring(p.value, start, before)]
    # A start that its rule does not yield (Outlook's 1 January) is no change of clocks.
    yield from ruled or [start]
    for prop in observance:
        if prop.name == "RDATE":
            yield from (_wall(value) for value in prop.value.split(",")[:_MOST_CHANGES])


def _recurring(rule: str, start: datetime, before: timedelta) -> Iterator[datetime]:
    parts = dict(part.partition("=")[::2] for part in rule.upper().split(";") if part)
    if parts.get("FREQ") not in ("YEARLY", "MONTHLY"):
        raise Unusable(f"its VTIMEZONE changes by the rule {rule!r}")
    if "UNTIL" in parts and "T" in parts["UNTIL"]:
        parts["UNTIL"] = f"{_wall(parts['UNTIL']) + before:%Y%m%dT%H%M%S}"
    if parts.get("INTERVAL", "1") == "1" and "COUNT" not in parts:
        start = _in_our_times(start)
    try:
        onsets = rrulestr(";".join(f"{k}={v}" for k, v in parts.items()), dtstart=start)
        ours = itertools.takewhile(lambda onset: onset.year <= _LAST_YEAR, onsets)
        yield from itertools.islice(ours, _MOST_CHANGES)
    except (ValueError, KeyError, TypeError) as error:
        raise Unusable(f"its VTIMEZONE changes by the rule {rule!r} ({error})") from error


def _in_our_times(start: datetime) -> datetime:
    """Move a start of 1601, as Outlook writes it, to where it matters."""
    if start.year >= _LONG_AGO:
        return start
    leap_day = (start.month, start.day) == (2, 29)
    return start.replace(year=_FIRST_YEAR + 2 if leap_day else _FIRST_YEAR)


def _wall(text: str) -> datetime:
    found = _WALL.fullmatch(text.strip())
    written = f"{found[1]}{found[2] or '000000'}" if found else ""
    try:
        return datetime.strptime(written, "%Y%m%d%H%M%S")  # noqa: DTZ007 - wall times are naive
    except ValueError as error:
        raise Unusable(f"its VTIMEZONE has the time {text!r}") from error
