"""RRULE and EXRULE of one event, made safe and put into wall time for dateutil.

Everything is naive wall time in the zone of the series: that is how RFC 5545 defines recurrence,
it leaves UNTIL only one form, and it is several times faster than aware arithmetic.
"""

from datetime import datetime, timedelta

from dateutil.rrule import rrule, rrulestr

from cospaced.calendars import moments
from cospaced.calendars.moments import Moment
from cospaced.calendars.properties import Property
from cospaced.calendars.quirks import bombs, unsynchronised_start, until
from cospaced.calendars.unusable import Unusable
from cospaced.calendars.zones import ZoneBook


_PARTS = frozenset({
    "FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYSECOND", "BYMINUTE", "BYHOUR", "BYDAY",
    "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYMONTH", "BYSETPOS",
})  # fmt: skip
_DENSE = ("HOURLY", "MINUTELY", "SECONDLY", "BYHOUR", "BYMINUTE", "BYSECOND")


def rule_text(prop: Property, start: Moment, zones: ZoneBook, stop: datetime) -> str | None:
    """Return a rule that dateutil can take, or None for one without any instance.

    `stop` is the wall time behind which nothing is asked for: an endless rule ends there. Raises
    Unusable for rules that make no sense or are too dear.
    """
    parts = _parts(prop.value)
    bombs.check_rule(parts, start.wall, stop)
    if bombs.never_matches(parts):
        return None
    if "UNTIL" in parts:
        last = moments.moment(Property("UNTIL", ",".join(parts["UNTIL"])), zones)
        parts["UNTIL"] = [_written(until.as_wall(last, start))]
        parts.pop("COUNT", None)
    elif "COUNT" in parts:
        count = bombs.number(parts, "COUNT", 1)
        endless = {name: values for name, values in parts.items() if name != "COUNT"}
        rule = parsed(_joined({**endless, "UNTIL": [_written(stop)]}), start.wall)
        count = unsynchronised_start.counted(count, rule, start.wall)
        if count < 1:
            return None
        parts["COUNT"] = [str(count)]
    else:
        parts["UNTIL"] = [_written(max(stop, start.wall))]
    text = _joined(parts)
    parsed(text, start.wall)
    return text


def parsed(text: str, start: datetime) -> rrule:
    """Return dateutil's rule; raises Unusable where it makes no sense of it."""
    try:
        rule = rrulestr(text, dtstart=start)
    except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
        raise Unusable(f"the rule {text[:80]!r} makes no sense ({error})") from error
    if not isinstance(rule, rrule):
        raise Unusable(f"the rule {text[:80]!r} makes no sense")
    return rule


def too_many(text: str, start: datetime, begin: datetime, end: datetime) -> bool:
    """Whether a rule has more instances from `begin` to `end` than one event may have."""
    if not any(word in text for word in _DENSE):
        return False
    rule = parsed(text, start)
    instances = rule.xafter(begin - timedelta(seconds=1), count=bombs.MOST_INSTANCES + 1)
    return sum(1 for moment in instances if moment < end) > bombs.MOST_INSTANCES


def _parts(text: str) -> dict[str, list[str]]:
    if len(text) > bombs.LONGEST_RULE:
        raise Unusable(f"RRULE is {len(text)} characters long")
    parts: dict[str, list[str]] = {}
    for part in text.upper().replace(" ", "").strip(";").split(";"):
        name, equals, value = part.partition("=")
        if name.startswith("X-"):
            continue
        if name not in _PARTS or not equals:
            raise Unusable(f"RRULE has the part {part[:40]!r}, which is unknown")
        parts[name] = [item for item in value.split(",") if item]
    return {name: values for name, values in parts.items() if values}


def _joined(parts: dict[str, list[str]]) -> str:
    return ";".join(f"{name}={','.join(values)}" for name, values in parts.items())


def _written(wall: datetime) -> str:
    return f"{wall:%Y%m%dT%H%M%S}"
