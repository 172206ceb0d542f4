"""What one booking's space was last seen to hold, and how looks change that.

A look over several Call Bridges has two sides: what the answering ones show, and which ones gave
no answer (`blind`): what those hold is unknown, never empty.
"""

from dataclasses import dataclass
from datetime import datetime

from cospaced.domain.identity import normal_endpoint
from cospaced.domain.seen import LegState, SeenCall, SeenLeg, SeenSpace


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The last looks at one booking's space; `…_at` is when a look *began*, `…_came` when it ended.

    What waited for its turn shows what was there when the turn came, which is between them.
    """

    calls: tuple[SeenCall, ...] = ()
    calls_at: datetime | None = None
    calls_came: datetime | None = None
    legs: tuple[SeenLeg, ...] = ()
    legs_at: datetime | None = None
    legs_came: datetime | None = None
    blind_calls: tuple[str, ...] = ()
    """Call Bridges that gave no answer in the last look at calls."""
    blind_legs: tuple[str, ...] = ()
    """Likewise in the last look at legs, which asks only those that have a call."""
    call_age: int | None = None
    """Seconds that the oldest call exists; asked only where the state was lost."""
    space: SeenSpace | None = None
    space_at: datetime | None = None

    def leg_of(self, endpoint: str) -> SeenLeg | None:
        """Return the leg of an endpoint, a connected one before others; any direction counts."""
        wanted = normal_endpoint(endpoint)
        found = [leg for leg in self.legs if normal_endpoint(leg.remote_party) == wanted]
        connected = [leg for leg in found if leg.state in TALKING]
        return next(iter(connected or found), None)

    @property
    def people(self) -> tuple[SeenLeg, ...]:
        """Connected participants: no links between Call Bridges, recorders or streamers."""
        return tuple(leg for leg in self.legs if leg.state in TALKING and not leg.subtype_is_link)


TALKING = (LegState.CONNECTED, LegState.ON_HOLD)
"""States in which somebody is in the call."""
