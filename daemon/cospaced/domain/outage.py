"""A server of many rooms that does not answer: what of it is told as an error.

Each of its rooms fails by itself, and a line for each would bury the journal. So the first one is
an error and the others are not, while no room of the server is read. Where some are, it is not the
server as a whole, and another error may come, though not soon, unless most of its rooms fail.
Moments are seconds on a clock that never steps.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace


KINDS = frozenset({"unreachable", "timeout", "certificate", "throttled", "hung"})
"""The kinds of CalendarError that may be those of a server, and not of one room of it."""
QUIET = 900.0
"""Seconds from one error to the next, where the server answers for some of its rooms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """`begun` is when the first of its rooms began to fail; `answered`: when any was last read."""

    begun: float
    failing: frozenset[str] = frozenset()
    met: frozenset[str] = frozenset()
    """All rooms that were told as failing, be it in a whisper."""
    told: Mapping[str, tuple[float, bool]] = field(default_factory=dict)
    """When each event was last told as an error, and whether most rooms failed then."""
    answered: float = -math.inf

    def joined(self, room: str, begun: float, *, met: bool) -> "Outage":
        """Return it with a room that fails since `begun`."""
        return replace(
            self,
            begun=min(self.begun, begun),
            failing=self.failing | {room},
            met=self.met | {room} if met else self.met,
        )

    def left(self, room: str) -> "Outage":
        """Return it without a room."""
        return replace(self, failing=self.failing - {room})

    def parted(self, room: str) -> "Outage":
        """Return it without a room that fails by itself from now on: it has not recovered."""
        return replace(self, failing=self.failing - {room}, met=self.met - {room})

    def loud(self, event: str, now: float, rooms: int) -> bool:
        """Whether an event of one more room is an error; `rooms` are all that the server has."""
        if event not in self.told:
            return True
        at, of_most = self.told[event]
        news = self._most(rooms) and not of_most
        return self.answered >= at and (news or now - at >= QUIET)

    def telling(self, event: str, now: float, rooms: int) -> "Outage":
        """Return it after an event was told as an error."""
        return replace(self, told={**self.told, event: (now, self._most(rooms))})

    def _most(self, rooms: int) -> bool:
        return 2 * len(self.failing) >= rooms
