"""Rooms as they are configured: endpoints, and what two rooms share."""

from collections.abc import Sequence

from cospaced.doctor.base import Area, Check, Finding, about, counted, listed, note, ok
from cospaced.doctor.site import Site
from cospaced.domain.identity import normal_endpoint
from cospaced.settings import RoomSettings


async def look(site: Site) -> Sequence[Finding]:
    """Tell of rooms that are never dialled, and of endpoints that several rooms name."""
    rooms = site.settings.rooms
    equipped = sum(1 for room in rooms if room.endpoints)
    found = [ok(f"{counted(equipped, 'room has', 'rooms have')} endpoints")]
    found += _shared(rooms)
    without = [room.name for room in rooms if not room.endpoints]
    if without:
        found.append(
            note(
                "no endpoint, so it is never dialled and does not count for min_rooms",
                "write endpoints = SIP address of its video system, if it has one",
                about("room", without),
            )
        )
    quiet = [room.name for room in rooms if room.endpoints and not room.dial]
    if quiet:
        seen = "dial = no: people there dial themselves"
        found.append(note(seen, subject=about("room", quiet)))
    return found


def _shared(rooms: Sequence[RoomSettings]) -> list[Finding]:
    users: dict[str, list[str]] = {}
    for room in rooms:
        for endpoint in room.endpoints:
            users.setdefault(normal_endpoint(endpoint), []).append(room.name)
    return [
        note(
            f"{listed(names)} share it: of two bookings at once it stays in the first",
            "give each room its own, unless it is one system for both (a divisible room)",
            f"endpoint {endpoint}",
        )
        for endpoint, names in users.items()
        if len(names) > 1
    ]


CHECK = Check(slug="rooms", title="Rooms", area=Area.CONFIGURATION, look=look)
