"""Certificates that will run out: of Call Bridges, calendar servers and the web bridge."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

from cospaced.doctor.base import Area, Check, Finding, counted, note, ok, warning
from cospaced.doctor.servers import calendar_servers, origin
from cospaced.doctor.site import Site
from cospaced.host.probe import Server, certificate_end
from cospaced.host.web import WebError


SOON = timedelta(days=30)
ASKING = 8.0


async def look(site: Site) -> Sequence[Finding]:
    """Ask each server once; one that cannot be asked is told where it is used."""
    cluster, cms = await site.cluster(), site.settings.cms
    servers = [Server(url=met.at.address, ca_file=cms.ca_file) for met in cluster.answering]
    servers += calendar_servers(site.settings)
    if cms.web_bridge:
        servers.append(Server(url=origin(cms.web_bridge)))
    asked = list(dict.fromkeys(server for server in servers if server.secure))
    ends = await asyncio.gather(*map(_end, asked))
    known = [(server, end) for server, end in zip(asked, ends, strict=True) if end is not None]
    if not known:
        return [note("not checked: no trusted server speaks TLS")]
    now = site.clock.now()
    found = [_running_out(server, end) for server, end in known if end - now < SOON]
    soonest = min(end for _, end in known)
    told = counted(len(known), "server")
    return found or [ok(f"{told}, the first to renew ends on {soonest:%Y-%m-%d}")]


async def _end(server: Server) -> datetime | None:
    try:
        return await certificate_end(server, ASKING)
    except WebError:
        return None


def _running_out(server: Server, end: datetime) -> Finding:
    remedy = "renew it there; where it is itself the ca_file, put the new one there, too"
    return warning(f"its certificate is valid until {end:%Y-%m-%d} only", remedy, server.url)


CHECK = Check(slug="certificates", title="Certificates", area=Area.CMS, look=look, deadline=60)
