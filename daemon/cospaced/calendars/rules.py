"""RRULE and EXRULE of one event, made safe and put into wall time for dateutil.

Everything is naive wall time in the zone of the series: that is how RFC 5545 defines recurrence,
it leaves UNTIL only one form, and it is several times faster than aware arithmetic. COUNT, UNTIL
and the window are applied here, to what dateutil yields without them.
"""

from collections.abc import Iterator
from datetime import datetime
from itertools import dropwhile, islice, takewhile

from dateutil.rrule import rrule, rrulestr

from cospaced.calendars import moments
from cospaced.calendars.moments import Moment
from cospaced.calendars.properties import Property
from cospaced.calendars.quirks import bombs, dateutil_rules, unsynchronised_start, until
from cospaced.calendars.unusable import Unusable
from cospaced.calendars.zones import ZoneBook


_PARTS = frozenset({
    "FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYSECOND", "BYMINUTE", "BYHOUR", "BYDAY",
    "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYMONTH", "BYSETPOS",
})  # fmt: skip
_AS_EVER = ("RSCALE=GREGORIAN", "SKIP=OMIT")
"""What RFC 7529 lets a rule say of what every rule means."""
_BOUNDS = ("COUNT", "UNTIL")


def instances(
    prop: Property, start: Moment, zones: ZoneBook, begin: datetime, end: datetime
) -> list[datetime]:
    """Return the instances that a rule yields from `begin` to `end`, as wall times.

    `start` is DTSTART, which is not among them where the rule does not yield it. Raises Unusable
    for rules that make no sense or are too dear.
    """
    parts = _parts(prop.value)
    last = _until(parts, zones)
    if last is not None:
        end = min(end, until.latest(last, start))
    bombs.check_rule(parts, start.wall, end)
    if bombs.never_matches(parts, start.wall):
        return []
    found: Iterator[datetime] = takewhile(lambda wall: wall <= end, _endless(parts, start.wall))
    if "COUNT" in parts:
        found = unsynchronised_start.counted(found, bombs.number(parts, "COUNT", 1), start.wall)
    asked = dropwhile(lambda wall: wall < begin, found)
    some = list(islice(asked, bombs.MOST_INSTANCES + 1))
    if len(some) > bombs.MOST_INSTANCES:
        raise Unusable(f"it takes place more than {bombs.MOST_INSTANCES} times in the window")
    return some if last is None else [wall for wall in some if until.counts(wall, last, start)]


def _until(parts: dict[str, list[str]], zones: ZoneBook) -> Moment | None:
    text = ",".join(parts.get("UNTIL", ()))
    # Some write an endless series as one that ends in the year 9999.
    endless = text[:4].isdecimal() and int(text[:4]) >= moments.YEARS.stop
    return moments.moment(Property("UNTIL", text), zones) if text and not endless else None


def _endless(parts: dict[str, list[str]], start: datetime) -> Iterator[datetime]:
    """Yield the instances of a rule without regard to where it ends; raises Unusable."""
    mended, opening = dateutil_rules.mended(parts, start)
    text = ";".join(
        f"{name}={','.join(values)}" for name, values in mended.items() if name not in _BOUNDS
    )
    try:
        rule = rrulestr(text, dtstart=opening)
    except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
        raise Unusable(f"the rule {text[:80]!r} makes no sense ({error})") from error
    if not isinstance(rule, rrule):
        raise Unusable(f"the rule {text[:80]!r} makes no sense")
    return dropwhile(lambda wall: wall < start, iter(rule))


def _parts(text: str) -> dict[str, list[str]]:
    if len(text) > bombs.LONGEST_RULE:
        raise Unusable(f"RRULE is {len(text)} characters long")
    parts: dict[str, list[str]] = {}
    for part in filter(None, text.upper().replace(" ", "").split(";")):
        if part in _AS_EVER:
            continue
        name, equals, value = part.partition("=")
        if name.startswith("X-"):
            continue
        if name not in _PARTS or not equals:
            raise Unusable(f"RRULE has the part {part[:40]!r}, which is unknown")
        parts[name] = [item for item in value.split(",") if item]
    return {name: values for name, values in parts.items() if values}
