"""This machine's clock against those of the Call Bridges and calendar servers."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from cospaced.doctor.base import Area, Check, Finding, counted, error, note, ok, warning
from cospaced.doctor.servers import calendar_servers
from cospaced.doctor.site import Met, Site
from cospaced.host.probe import Server, clock_offset
from cospaced.host.web import WebError


SLIGHT, GROSS = timedelta(seconds=2), timedelta(seconds=30)
LAG = timedelta(seconds=6)
"""cdrTime has whole seconds and was seen 4 s behind the clock of the same bridge."""
ASKING = 8.0

Offset = tuple[str, timedelta]


async def look(site: Site) -> Sequence[Finding]:
    """Compare with every server that says what time it has."""
    cluster = await site.cluster()
    bridges = [_of_bridge(site, met) for met in cluster.answering]
    others = [_of_server(site, server) for server in calendar_servers(site.settings)]
    offsets = [offset for offset in await asyncio.gather(*bridges, *others) if offset]
    found = [finding for offset in offsets if (finding := _judged(*offset))]
    if found:
        return found
    if not offsets:
        return [note("not checked: no server said what time it has")]
    servers = counted(len(offsets), "server")
    return [ok(f"{servers} within {SLIGHT.total_seconds():g} s of this machine's")]


async def _of_server(site: Site, server: Server) -> Offset | None:
    try:
        offset = await clock_offset(server, site.clock, ASKING)
    except WebError:
        # That it cannot be reached is told where it is read.
        return None
    return None if offset is None else (server.url, offset)


async def _of_bridge(site: Site, met: Met) -> Offset | None:
    cms = site.settings.cms
    server = Server(url=met.at.address, ca_file=cms.ca_file, verify=cms.verify)
    offset = await _of_server(site, server)
    if offset is not None:
        return f"bridge {met.at.name}", offset[1]
    began = site.clock.now()
    status = await met.at.bridge.auditing.status()
    if status.cdr_time is None:
        return None
    behind = began - status.cdr_time
    # Within its usual lag it says nothing.
    off = -(behind - LAG) if behind > LAG else max(timedelta(0), -behind)
    return f"bridge {met.at.name}", off


def _judged(subject: str, offset: timedelta) -> Finding | None:
    size = abs(offset)
    if size <= SLIGHT:
        return None
    side = "ahead of" if offset > timedelta(0) else "behind"
    seen = f"its clock is {size.total_seconds():.0f} s {side} this machine's"
    remedy = "synchronise both with the same time servers (here: timedatectl set-ntp true"
    remedy += "; CMS: `ntp server add` on its MMP)" if subject.startswith("bridge") else ")"
    make = error if size > GROSS else warning
    return make(seen, remedy, subject)


CHECK = Check(slug="clock_offsets", title="Other clocks", area=Area.MACHINE, look=look, deadline=60)
