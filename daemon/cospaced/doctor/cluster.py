"""The other Call Bridges of the cluster: each must be seen, or its conferences go unwatched."""

from collections.abc import Sequence

from cospaced.doctor.base import Area, Check, Finding, counted, note, ok, split_fault, warning
from cospaced.doctor.call_bridges import version
from cospaced.doctor.site import Cluster, Met, Site
from cospaced.domain.seen import PeerBridge
from cospaced.errors import Unreachable
from cospaced.settings import CmsSettings


async def look(site: Site) -> Sequence[Finding]:
    """Compare what /callBridges lists with what the daemon would use."""
    cluster = await site.cluster()
    if cluster.listed is None:
        return [note("not checked: no Call Bridge answers")]
    if not cluster.listed:
        return [ok("a standalone server")]
    found = [_refused(met) for met in cluster.found if met.status is None]
    found += [_unused(peer, site.settings.cms) for peer in cluster.strangers]
    found += _releases(cluster)
    usable = counted(len(cluster.answering), "Call Bridge")
    return found or [ok(f"{len(cluster.listed)} listed, {usable} usable")]


def _refused(met: Met) -> Finding:
    seen, remedy = split_fault(str(met.fault))
    kind = met.fault.kind if isinstance(met.fault, Unreachable) else ""
    if kind == "certificate":
        remedy = (
            f"write [bridge:{met.at.name}] address = a name that stands in its certificate; its CA "
            "must stand in [cms] ca_file"
        )
    elif kind == "login":
        remedy = f"`user add` on its MMP, or write [bridge:{met.at.name}] username and password"
    elif not remedy:
        remedy = "see that this machine reaches it; conferences on it go unwatched until then"
    return warning(f"is listed at {met.at.address} and cannot be used: {seen}", remedy, _name(met))


def _unused(peer: PeerBridge, cms: CmsSettings) -> Finding:
    subject = f"bridge {peer.name}"
    if not peer.address:
        seen = "is listed without an address, so what is on it cannot be seen"
        remedy = (
            f"write [cms] call_bridges = its host:port, or PUT address to /callBridges/{peer.id}"
        )
        return warning(seen, remedy, subject)
    if not cms.verify:
        seen = f"is listed at {peer.address} and not used, because verify = no proves nobody"
        remedy = "write ca_file in place of verify = no, or list it in [cms] call_bridges"
        return warning(seen, remedy, subject)
    seen = f"is listed at {peer.address} and not used: calls on it are not seen, nor ended"
    if cms.call_bridges:
        return warning(seen, f"add {peer.address} to [cms] call_bridges", subject)
    return warning(seen, "leave [cms] call_bridges = none out (auto)", subject)


def _releases(cluster: Cluster) -> list[Finding]:
    releases = {
        met.at.name: met.status.version
        for met in cluster.answering
        if met.status is not None and version(met.status)
    }
    if len(set(releases.values())) < 2:  # noqa: PLR2004 - all the same
        return []
    each = ", ".join(f"{name} {release}" for name, release in releases.items())
    return [warning(f"its Call Bridges differ: {each}", "upgrade all of them to one release")]


def _name(met: Met) -> str:
    return f"bridge {met.at.name}"


CHECK = Check(slug="cluster", title="Cluster", area=Area.CMS, look=look, deadline=60)
