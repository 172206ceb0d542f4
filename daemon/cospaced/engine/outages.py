"""What is wrong with whole calendars and servers, told once for all their rooms.

Every room's record is there, for `ROOM=` to find; of those of one fault, one is an error.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import structlog

from cospaced.domain.outage import KINDS, Outage
from cospaced.engine.asking import Server, server_of
from cospaced.errors import CalendarError
from cospaced.ports import Clock
from cospaced.settings import RoomSettings


log = structlog.get_logger()


class Outages:
    """Remembers which rooms fail together; the desks of the rooms say what they met."""

    def __init__(self, clock: Clock, rooms: Sequence[RoomSettings]) -> None:
        self._clock = clock
        self._outages: dict[Server, Outage] = {}
        self._refused: dict[str, tuple[str, float]] = {}
        """Why whole calendars cannot be read, as it was told, and since when."""
        self.rooms = rooms

    @property
    def rooms(self) -> Sequence[RoomSettings]:
        """The rooms that there are."""
        return self._rooms

    @rooms.setter
    def rooms(self, rooms: Sequence[RoomSettings]) -> None:
        self._rooms = rooms
        found: dict[Server, set[str]] = {}
        for room in rooms:
            found.setdefault(server_of(room), set()).add(room.name)
        kept = {room.calendar for room in rooms}
        self._refused = {name: told for name, told in self._refused.items() if name in kept}
        self._of_server = {server: frozenset(names) for server, names in found.items()}
        for server, outage in tuple(self._outages.items()):
            self._keep(server, replace(outage, failing=outage.failing & self._of(server)))

    def failed(
        self, room: RoomSettings, error: CalendarError, lasting: timedelta, *, told: bool
    ) -> None:
        """Tell that a room fails and has for so long, unless that was `told`.

        One that was told as one of many, and fails by itself by now, is told again.
        """
        server, keys = server_of(room), {"kind": error.kind, "reason": str(error)}
        if not self._common(room, error):
            outage = self._outages.get(server)
            if outage is not None and room.name in outage.failing:
                self._keep(server, outage.parted(room.name))
                told = False
            if not told:
                log.error("calendar.failed", **_named(room), **keys)
        elif not told:
            self._join(room, lasting, met=True)
            self._tell("calendar.failed", room, keys)

    def refused(self, room: RoomSettings, error: CalendarError, lasting: timedelta) -> None:
        """Tell once for all its rooms what is wrong with a whole calendar."""
        reason, known = str(error), self._refused.get(room.calendar)
        if known is not None and known[0] == reason:
            return
        since = self._begun(lasting) if known is None else known[1]
        self._refused[room.calendar] = reason, since
        count = sum(1 for one in self._rooms if one.calendar == room.calendar)
        log.error("calendar.refused", calendar=room.calendar, count=count, reason=reason)

    def lasts(
        self,
        event: str,
        room: RoomSettings,
        error: CalendarError,
        lasting: timedelta,
        **keys: Any,
    ) -> None:
        """Tell that a room's failing has lasted for so long."""
        keys["seconds"] = int(lasting.total_seconds())
        if self._common(room, error):
            self._join(room, lasting, met=False)
            self._tell(event, room, keys)
        else:
            log.error(event, **_named(room), **keys)

    def read(self, room: RoomSettings) -> None:
        """Note a good reading, and tell what that ends."""
        if (refused := self._refused.pop(room.calendar, None)) is not None:
            seconds = int(self._clock.monotonic() - refused[1])
            log.info("calendar.accepted", calendar=room.calendar, seconds=seconds)
        server = server_of(room)
        if (outage := self._outages.get(server)) is not None:
            answered = replace(outage, answered=self._clock.monotonic())
            self._keep(server, answered.left(room.name))

    def _common(self, room: RoomSettings, error: CalendarError) -> bool:
        """Whether a fault may be that of several rooms."""
        return (error.shared or error.kind in KINDS) and len(self._of(server_of(room))) > 1

    def _of(self, server: Server) -> frozenset[str]:
        return self._of_server.get(server, frozenset())

    def _begun(self, lasting: timedelta) -> float:
        return self._clock.monotonic() - lasting.total_seconds()

    def _join(self, room: RoomSettings, lasting: timedelta, *, met: bool) -> None:
        server, begun = server_of(room), self._begun(lasting)
        outage = self._outages.get(server) or Outage(begun=begun)
        self._outages[server] = outage.joined(room.name, begun, met=met)

    def _keep(self, server: Server, outage: Outage) -> None:
        """Put an outage in place of what it was, or tell that it is over."""
        if outage.failing:
            self._outages[server] = outage
            return
        del self._outages[server]
        if (count := len(outage.met & self._of(server))) > 1:
            seconds = int(self._clock.monotonic() - outage.begun)
            log.info("calendar.all_recovered", calendar=server[0], count=count, seconds=seconds)

    def _tell(self, event: str, room: RoomSettings, keys: Mapping[str, Any]) -> None:
        """Tell of one room of a server that may fail as a whole."""
        server, now = server_of(room), self._clock.monotonic()
        outage = self._outages[server]
        rooms = len(self._of(server))
        if not outage.loud(event, now, rooms):
            log.info(event, **_named(room), **keys)
            return
        self._outages[server] = outage.telling(event, now, rooms)
        log.error(event, **_named(room), **keys, count=rooms - 1)


def _named(room: RoomSettings) -> dict[str, str]:
    return {"room": room.name, "calendar": room.calendar}
