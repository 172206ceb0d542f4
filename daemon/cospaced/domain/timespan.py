"""The only time range in the program; it is never naive and never negative."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Timespan:
    """From `start` (inside) to `end` (outside), both aware.

    Raises ValueError for a naive bound or an end before the start.
    """

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ValueError("a timespan needs aware datetimes")
        if self.end < self.start:
            raise ValueError(f"a timespan cannot end ({self.end}) before it starts ({self.start})")

    def overlaps(self, other: "Timespan") -> bool:
        """Whether both share a moment; touching ends share none."""
        return self.start < other.end and other.start < self.end

    def holds(self, moment: datetime) -> bool:
        """Whether the moment lies inside."""
        return self.start <= moment < self.end

    def widened(self, before: timedelta, after: timedelta) -> "Timespan":
        """Return the span begun earlier and ended later."""
        return Timespan(self.start - before, self.end + after)
