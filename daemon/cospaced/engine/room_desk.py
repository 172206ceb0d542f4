"""What the polling knows of one room's calendar, and what it tells of its health."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from cospaced.domain.calendar import Reading
from cospaced.engine.copies import Key
from cospaced.errors import CalendarError
from cospaced.settings import RoomSettings


log = structlog.get_logger()


@dataclass(slots=True)
class RoomDesk:
    """What is known of one room's calendar."""

    room: RoomSettings
    reading: Reading | None = None
    missing: Mapping[Key, datetime] = field(default_factory=dict)
    tried: bool = False
    failing_since: datetime | None = None
    reason: str = ""
    stale_told: bool = False
    mass_told: bool = False
    problems: frozenset[str] = frozenset()
    due: float | None = None
    """On the clock that never steps."""
    under_way: bool = False

    @property
    def _keys(self) -> dict[str, str]:
        return {"room": self.room.name, "calendar": self.room.calendar}

    def failed(self, error: CalendarError, now: datetime, stale_after: timedelta) -> None:
        """Note a failed poll; told once, and once more when it has lasted."""
        self.reason = str(error)
        if self.failing_since is None:
            self.failing_since = now
            log.error("calendar.failed", **self._keys, kind=error.kind, reason=str(error))
        if now - self.failing_since > stale_after and not self.stale_told:
            self.stale_told = True
            since = int((now - self.failing_since).total_seconds())
            log.error("calendar.stale", **self._keys, seconds=since, reason=str(error))

    def recovered(self, now: datetime) -> None:
        """Note a good reading; told if the one before failed."""
        if self.failing_since is None:
            return
        seconds = int((now - self.failing_since).total_seconds())
        self.failing_since, self.stale_told, self.reason = None, False, ""
        log.info("calendar.recovered", **self._keys, seconds=seconds)

    def tell_mass(self, count: int, *, mass: bool) -> None:
        """Tell once that a dangerous answer is held."""
        if mass and not self.mass_told:
            log.warning("calendar.emptied", **self._keys, count=count)
        self.mass_told = mass

    def tell_problems(self, reading: Reading) -> None:
        """Tell of events that were left out, each once."""
        found = {problem.text: problem for problem in reading.problems}
        for text in sorted(found.keys() - self.problems):
            log.warning("event.problem", room=self.room.name, uid=found[text].uid, reason=text)
        self.problems = frozenset(found)
