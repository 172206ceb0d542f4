"""Durations as they are written: `30s`, `5m`, `2h`, `7d`."""

import re
from collections.abc import Callable
from datetime import timedelta


_UNITS = {
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
}
_WRITTEN = re.compile(r"([0-9]{1,9})([smhd])")
_LONGEST = timedelta(days=3650)


def written(span: timedelta) -> str:
    """Return a duration as the file has it, in the largest unit that leaves no rest."""
    for unit, size in _UNITS.items():
        if span >= size and not span % size:
            return f"{span // size}{unit}"
    return f"{int(span.total_seconds())}s"


def duration(shortest: timedelta = timedelta(0)) -> Callable[[str], timedelta]:
    """Return a reader of durations from `shortest` to ten years; it raises ValueError."""

    def read(text: str) -> timedelta:
        match = _WRITTEN.fullmatch(text)
        if match is None:
            raise ValueError(_misspelt(text))
        span = int(match.group(1)) * _UNITS[match.group(2)]
        if span < shortest:
            raise ValueError(f"{text} is too short (write {written(shortest)} or more)")
        if span > _LONGEST:
            raise ValueError(f"{text} is too long (write {written(_LONGEST)} or less)")
        return span

    return read


def _misspelt(text: str) -> str:
    number = re.fullmatch(r"([0-9]{1,9})\s*([A-Za-z]*)", text)
    if number is None:
        return "is no duration (write a number and a unit such as 30s, 5m, 2h or 7d)"
    unit = number.group(2)[:1].lower()
    if unit in _UNITS:
        return f"is no duration (write {number.group(1)}{unit})"
    return f"has no unit of time (write {number.group(1)}s, or m, h, d for the unit)"
