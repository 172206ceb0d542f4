"""Steps of the wall clock: noticed within a second, and closes held until the time is confirmed."""

from datetime import datetime, timedelta

import structlog

from cospaced.ports import Clock


log = structlog.get_logger()

STEP = timedelta(seconds=60)
"""A smaller step cuts nobody off."""
STABLE = 60.0
"""Seconds without a further step after which the new time is believed."""


class ClockWatch:
    """Compares the wall clock with one that never steps."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._base = self._wall_base()
        self._stepped_at: float | None = None

    def _wall_base(self) -> datetime:
        return self._clock.now() - timedelta(seconds=self._clock.monotonic())

    def look(self) -> timedelta:
        """Compare, and return a step; call it at least once a second."""
        base = self._wall_base()
        step = base - self._base
        if abs(step) > STEP:
            log.warning("clock.stepped", seconds=int(step.total_seconds()))
            self._stepped_at = self._clock.monotonic()
            self._base = base
            return step
        if self._stepped_at is None:
            # Slewing by NTP adds up over months; it is no step.
            self._base = base
        return timedelta(0)

    @property
    def unsettled(self) -> bool:
        """Whether the clock stepped and the new time has not held for `STABLE` yet."""
        if self._stepped_at is None:
            return False
        if self._clock.monotonic() - self._stepped_at < STABLE:
            return True
        self._stepped_at = None
        log.info("clock.settled")
        return False
