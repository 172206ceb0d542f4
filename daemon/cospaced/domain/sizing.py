"""How many conferences the calendars want at once: what the pool must hold."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from cospaced.domain.timespan import Timespan


@dataclass(frozen=True, slots=True, kw_only=True)
class Peak:
    """The most spans that overlap, and since when they first do; `at` None: there is none."""

    count: int = 0
    at: datetime | None = None


def peak(spans: Iterable[Timespan]) -> Peak:
    """Return the peak; a span that ends when another begins does not overlap it."""
    steps = sorted(step for span in spans for step in ((span.start, 1), (span.end, -1)))
    found, current = Peak(), 0
    # An end sorts before a start of the same moment, because -1 does before 1.
    for at, change in steps:
        current += change
        if current > found.count:
            found = Peak(count=current, at=at)
    return found
