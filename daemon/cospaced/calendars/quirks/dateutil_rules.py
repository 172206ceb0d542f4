"""Rules that dateutil (2.9) reads otherwise than RFC 5545, section 3.3.10; it is given others.

- BYDAY with and without an ordinal in one list (`BYDAY=1MO,FR`): it wants both to hold of one day,
  so that nothing is left; a day without ordinal is written as all of its ordinals.
- BYWEEKNO without BYDAY: it yields every day of the week; DTSTART's is meant, as all that a rule
  leaves open comes from DTSTART.
- WEEKLY with BYSETPOS: it counts the first week's places from DTSTART on, not from the week's first
  day. So the rule starts with its week, and what is before DTSTART is for the caller to drop.
"""

from datetime import datetime, timedelta


_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_OF_A_MONTH, _OF_A_YEAR = 5, 53
_NAMED_DAYS = ("BYDAY", "BYMONTHDAY", "BYYEARDAY")

Parts = dict[str, list[str]]


def mended(parts: Parts, start: datetime) -> tuple[Parts, datetime]:
    """Return the parts and the start that make dateutil yield what the given ones mean."""
    frequency = parts["FREQ"][0]
    if frequency in ("MONTHLY", "YEARLY"):
        parts = _of_one_kind(parts)
    if "BYWEEKNO" in parts and parts.keys().isdisjoint(_NAMED_DAYS):
        parts = {**parts, "BYDAY": [_DAYS[start.weekday()]]}
    if frequency == "WEEKLY" and "BYSETPOS" in parts:
        return _from_the_weeks_first_day(parts, start)
    return parts, start


def _of_one_kind(parts: Parts) -> Parts:
    days = parts.get("BYDAY", [])
    if all(day in _DAYS for day in days) or not any(day in _DAYS for day in days):
        return parts
    in_month = parts["FREQ"] == ["MONTHLY"] or "BYMONTH" in parts
    most = _OF_A_MONTH if in_month else _OF_A_YEAR
    mended: list[str] = []
    for day in days:
        mended += [f"{n}{day}" for n in range(1, most + 1)] if day in _DAYS else [day]
    return {**parts, "BYDAY": mended}


def _from_the_weeks_first_day(parts: Parts, start: datetime) -> tuple[Parts, datetime]:
    implied: Parts = {
        "BYDAY": [_DAYS[start.weekday()]],
        "BYHOUR": [f"{start.hour}"],
        "BYMINUTE": [f"{start.minute}"],
        "BYSECOND": [f"{start.second}"],
    }
    first = "".join(parts.get("WKST", ["MO"]))
    before = (start.weekday() - _DAYS.index(first)) % 7 if first in _DAYS else 0
    opening = datetime(start.year, start.month, start.day) - timedelta(days=before)  # noqa: DTZ001 - wall times are naive
    return {**implied, **parts}, opening
