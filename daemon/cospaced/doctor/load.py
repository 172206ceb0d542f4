"""The load of each Call Bridge, against what it may take."""

from collections.abc import Sequence

from cospaced.doctor.base import Area, Check, Finding, note, ok, warning
from cospaced.doctor.site import Site


HIGH = 80
"""Per cent; bridges of a group refuse new conferences from somewhat less on."""


async def look(site: Site) -> Sequence[Finding]:
    """Ask every bridge that answers."""
    cluster = await site.cluster()
    found: list[Finding] = []
    for met in cluster.answering:
        subject = f"bridge {met.at.name}"
        load = await met.at.installation.load()
        if load is None:
            found.append(note("not checked: it does not tell", subject=subject))
        elif not load.limit:
            remedy = "PUT loadLimit to /system/configuration/cluster (the sizing tables have it)"
            if len(cluster.answering) == 1:
                found.append(ok(f"{load.processing}, no limit set", subject))
            else:
                seen = "has no loadLimit, so nobody can tell which bridge is the least loaded"
                found.append(note(seen, remedy, subject))
        else:
            share = load.processing * 100 // load.limit
            seen = f"{share} % of its loadLimit"
            remedy = "add a Call Bridge, or see what else uses it: Web Admin, Status > Calls"
            found.append(warning(seen, remedy, subject) if share >= HIGH else ok(seen, subject))
    return found or [note("not checked: no Call Bridge answers")]


CHECK = Check(slug="load", title="Load", area=Area.CMS, look=look, deadline=60)
