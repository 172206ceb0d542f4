"""How late the timing loop is, and how late the latest openings and first dials were."""

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog


log = structlog.get_logger()

LATE = timedelta(seconds=1)
"""A turn this much behind its moment is told."""
STARTS = 50
"""How many starts are remembered with their lateness."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """An opening or a first dial, and how late it was."""

    at: datetime
    booking: str
    event: str
    late_ms: int


class Lateness:
    """Remembers, and tells of turns that come late."""

    def __init__(self) -> None:
        self.turn = timedelta(0)
        """How much the latest turn was behind its moment."""
        self.starts: deque[Start] = deque(maxlen=STARTS)

    def note_turn(self, late: timedelta) -> None:
        """Note how late a booking's turn came."""
        self.turn = late
        if late > LATE:
            log.warning("daemon.late", late_ms=round(late.total_seconds() * 1000))
