"""What of the rest of the world bears on one booking: its slot, other conferences, the bridges."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from cospaced.domain.adoption import may_continue
from cospaced.domain.booking import Booking, Dial, DialState, State
from cospaced.domain.display import placeholder
from cospaced.domain.draft import Elsewhere, Surroundings
from cospaced.domain.identity import normal_endpoint
from cospaced.domain.inheritance import PATIENCE, kept_waiting
from cospaced.domain.pool import Slots
from cospaced.domain.seen import SeenLeg, SeenSpace
from cospaced.domain.view import TALKING, View
from cospaced.engine.bridges import Bridges
from cospaced.engine.copies import Copies
from cospaced.engine.ledger import Ledger
from cospaced.engine.placing import Placing
from cospaced.settings import ExtendMode, RoomSettings, Settings


class Scene:
    """Answers what a plan asks of everything but the booking itself; decides nothing."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        placing: Placing,
        copies: Copies,
        bridges: Bridges,
        settings: Settings,
    ) -> None:
        self._ledger = ledger
        self._placing = placing
        self._copies = copies
        self._bridges = bridges
        self._sitting: dict[str, dict[str, None]] = {}
        self.slots: Slots | None = None
        self.mute_rooms: tuple[str, ...] = ()
        self.unclaimed: Mapping[int, SeenSpace] = {}
        self.settings = settings

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self._settings

    @settings.setter
    def settings(self, settings: Settings) -> None:
        self._settings = settings
        self.rooms: dict[str, RoomSettings] = {room.name: room for room in settings.rooms}

    def index(self, before: Booking, after: Booking) -> None:
        """Keep track of which open bookings have which endpoints."""
        if before.dials == after.dials and before.state is after.state:
            return
        for dial in before.dials:
            self._sitting.get(normal_endpoint(dial.target.endpoint), {}).pop(before.id, None)
        if after.state is State.OPEN:
            for dial in after.dials:
                sitting = self._sitting.setdefault(normal_endpoint(dial.target.endpoint), {})
                sitting[after.id] = None

    def sharing(self, endpoint: str) -> tuple[str, ...]:
        """Return the open bookings that have an endpoint, in the order in which they opened."""
        return tuple(self._sitting.get(normal_endpoint(endpoint), ()))

    def space(self, row: Booking) -> str:
        """Return the id of the space of a booking's number; empty while there is none for it."""
        if self.slots is None or row.number is None:
            return ""
        slot = self.slots.by_number.get(row.number)
        if slot is None or not (slot.usable or row.state is State.OPEN):
            return ""
        return slot.space

    def free(self, row: Booking) -> bool:
        """Whether no other booking is open, or still closing, on a booking's number."""
        number = row.number or 0
        return self._ledger.holder(number) in ("", row.id) and number not in self.unclaimed

    def around(
        self, row: Booking, now: datetime, view_of: Callable[[str], View], *, hold_closes: bool
    ) -> Surroundings:
        """Return the surroundings of one booking."""
        return Surroundings(
            space=self.space(row),
            space_free=self.free(row),
            closed_name=placeholder(self._settings.pool.space_name_prefix, row.number or 0),
            reachable=self._bridges.reachable,
            booted=self._bridges.booted,
            elsewhere=self._elsewhere(row, now, view_of),
            mute_rooms=self.mute_rooms,
            hold_closes=hold_closes,
            starting=self._ledger.starting(row.start),
            awaits=self._awaits(row, now),
            timeout=self._settings.cms.timeout,
            **self._bounds(row, now),
        )

    def _awaits(self, row: Booking, now: datetime) -> str:
        """Return the open booking that a planned one may turn out to continue; or empty."""
        if row.state is not State.PLANNED or now < row.start - row.terms.early_join:
            return ""
        found = kept_waiting(row, self._ledger.open_with(row.rooms), now)
        if found is not None:
            return found.id
        if now >= row.created_at + PATIENCE:
            return ""
        spaces = (space for space in self.unclaimed.values() if may_continue(row, space, now))
        return next((space.cdr_tag for space in spaces), "")

    def _bounds(self, row: Booking, now: datetime) -> dict[str, Any]:
        """Return what bounds an extension, where one may be decided."""
        terms = row.terms
        near = max(terms.end_warnings, default=timedelta(minutes=1))
        automatic = terms.extend_mode is ExtendMode.AUTOMATIC and row.state is State.OPEN
        if not automatic or now < row.ends_at - near:
            return {}
        wanted = row.ends_at + terms.extend_step
        latest = self._placing.latest_end(row, wanted)
        busy_from = self._copies.busy_from(row.rooms, row.end)
        needed = latest + terms.close_after if latest < wanted else None
        return {"rooms_busy_from": busy_from, "slot_busy_from": needed}

    def _elsewhere(
        self, row: Booking, now: datetime, view_of: Callable[[str], View]
    ) -> dict[str, Elsewhere]:
        """Return the endpoints of a booking that are in another call of ours, or called into it."""
        found: dict[str, Elsewhere] = {}
        for dial in row.dials:
            if dial.state is not DialState.DUE:
                continue
            endpoint = dial.target.endpoint
            for other in self.sharing(endpoint):
                there = self._there(other, endpoint, now, view_of) if other != row.id else None
                if there is not None:
                    found[endpoint] = there
        return found

    def _there(
        self, booking: str, endpoint: str, now: datetime, view_of: Callable[[str], View]
    ) -> Elsewhere | None:
        row, view = self._ledger.get(booking), view_of(booking)
        if row is None or row.state is not State.OPEN:
            return None
        leg = view.leg_of(endpoint)
        ending = bool(row.closing) or now >= row.ends_at
        if leg is not None:
            return Elsewhere(
                booking=booking,
                leg=leg.id,
                bridge=leg.bridge,
                ending=ending,
                alone=_alone(row, view, leg),
            )
        dial = _dial_of(row, endpoint)
        if dial is None or not _being_called(row, dial, view):
            return None
        return Elsewhere(
            booking=booking, leg=dial.leg, bridge=dial.bridge, ending=ending, alone=False
        )


def _alone(row: Booking, view: View, leg: SeenLeg) -> bool:
    """Whether an endpoint sits in a call where nobody else is, nor is being called."""
    if leg.state not in TALKING or any(one.id != leg.id for one in view.people):
        return False
    mine = normal_endpoint(leg.remote_party)
    others = (d for d in row.dials if normal_endpoint(d.target.endpoint) != mine)
    return not any(d.state in _COMING for d in others)


_COMING = (DialState.DUE, DialState.INTENDED, DialState.DOUBT, DialState.PLACED)


def _dial_of(row: Booking, endpoint: str) -> Dial | None:
    wanted = normal_endpoint(endpoint)
    return next((d for d in row.dials if normal_endpoint(d.target.endpoint) == wanted), None)


def _being_called(row: Booking, dial: Dial, view: View) -> bool:
    """Whether a leg may be there that no look has shown yet."""
    if dial.state is DialState.PLACED:
        seen = view.legs_at
        return seen is None or dial.since is None or seen <= dial.since
    if dial.state is DialState.CONNECTED:
        # As the daemon starts again, it goes by what it knew until it has looked. Of a conference
        # that it ends it knows better: the call that it ended is looked for once more.
        return not row.closing and (
            view.calls_at is None or (bool(view.calls) and view.legs_at is None)
        )
    return dial.state in (DialState.INTENDED, DialState.DOUBT)
