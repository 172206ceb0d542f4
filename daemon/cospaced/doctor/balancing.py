"""Call Bridge groups: what rooms name, and whether load is balanced at all."""

from collections.abc import Mapping, Sequence

from cospaced.doctor.base import Area, Check, Finding, about, error, note, ok
from cospaced.doctor.site import Site
from cospaced.domain.installation import BridgeGroup
from cospaced.domain.seen import PeerBridge
from cospaced.settings import RoomSettings


_GROUPS = "the API's /callBridgeGroups"


async def look(site: Site) -> Sequence[Finding]:
    """Judge rooms' groups everywhere, and balancing in clusters."""
    cluster = await site.cluster()
    groups = None
    for met in cluster.answering:
        groups = await met.at.installation.groups()
        if groups is not None:
            break
    if groups is None:
        return [note("not checked: no Call Bridge tells its groups")]
    by_id = {group.id: group for group in groups}
    found = _of_rooms(site.settings.rooms, by_id)
    if cluster.listed and len(cluster.listed) > 1:
        found += _of_bridges(cluster.listed, by_id)
    return found or [ok("nothing to balance" if not groups else "outgoing calls are balanced")]


def _of_rooms(rooms: Sequence[RoomSettings], groups: Mapping[str, BridgeGroup]) -> list[Finding]:
    return [
        error(
            f"CMS has no Call Bridge group {room.call_bridge_group}",
            f"write the id of one of {_GROUPS} as call_bridge_group, or leave it out",
            f"room {room.name}",
        )
        for room in rooms
        if room.call_bridge_group and room.call_bridge_group not in groups
    ]


def _of_bridges(bridges: Sequence[PeerBridge], groups: Mapping[str, BridgeGroup]) -> list[Finding]:
    found = []
    single = [bridge.name for bridge in bridges if bridge.group not in groups]
    if single:
        remedy = f"make a group ({_GROUPS}) and put them in"
        found.append(note("in no group, so load is not balanced", remedy, about("bridge", single)))
    used = {bridge.group for bridge in bridges}
    for group in groups.values():
        if group.id in used and not group.balances_outgoing:
            seen = "outgoing calls are not balanced: rooms are dialled by the bridge of the call"
            remedy = (
                f"set loadBalanceOutgoingCalls = true in {_GROUPS}/{group.id}, if that is meant"
            )
            found.append(note(seen, remedy, f"group {group.name or group.id}"))
    return found


CHECK = Check(slug="balancing", title="Balancing", area=Area.CMS, look=look, deadline=60)
