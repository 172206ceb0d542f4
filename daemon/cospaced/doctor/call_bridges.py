"""The configured Call Bridges: reached, trusted, logged in to, and of a release that will do."""

import re
from collections.abc import Sequence

from cospaced.doctor.base import Area, Check, Finding, error, note, ok, split_fault
from cospaced.doctor.site import Met, Site
from cospaced.domain.seen import BridgeStatus
from cospaced.errors import ApiError, Unreachable


OLDEST = (2, 2)
_YOUNG = 600
"""Seconds of uptime below which a restart is told."""

_REMEDIES = {
    "login": (
        "mend username and password in [cms] (or [bridge:{name}]); on its MMP, "
        "`user add {user} api` makes such a user"
    ),
    "busy": "it is starting, or overloaded: run this again in a minute",
    "nonsense": "write the address and port of its Web Admin interface in [cms] address",
}
_REACH = (
    "see that {address} is its Web Admin interface (`webadmin` on its MMP shows it) and that "
    "firewalls let this machine reach it"
)


async def look(site: Site) -> Sequence[Finding]:
    """Judge each bridge that the file names."""
    cluster = await site.cluster()
    return [judged(met, site) for met in cluster.configured]


def judged(met: Met, site: Site) -> Finding:
    """Return what is to be said of one bridge."""
    subject = f"bridge {met.at.name}"
    if met.status is None:
        return _unreached(met, site, subject)
    status = met.status
    number = version(status)
    if number and number < OLDEST:
        seen = f"runs CMS {status.version}, and cospaced needs {'.'.join(map(str, OLDEST))}"
        return error(seen, "upgrade it on its MMP: `upgrade`", subject)
    seen = f"CMS {status.version or 'of an unknown release'}, up {_up(status.uptime)}"
    if status.uptime < _YOUNG:
        return note(f"{seen}: it was restarted just now", "", subject)
    return ok(seen, subject)


def version(status: BridgeStatus) -> tuple[int, int] | None:
    """Return major and minor of the release, None where CMS does not say."""
    found = re.match(r"(\d+)\.(\d+)", status.version)
    return (int(found[1]), int(found[2])) if found else None


def _unreached(met: Met, site: Site, subject: str) -> Finding:
    fault = met.fault
    kind = fault.kind if isinstance(fault, Unreachable) else "nonsense"
    seen, remedy = split_fault(str(fault))
    if kind != "certificate":
        user = site.settings.cms.username
        usual = _REMEDIES.get(kind, _REACH)
        remedy = usual.format(name=met.at.name, address=met.at.address, user=user)
        seen = str(fault) if isinstance(fault, ApiError) else seen
    return error(seen, remedy, subject)


def _up(seconds: int) -> str:
    days, hours, minutes = seconds // 86400, seconds // 3600, seconds // 60
    if days > 1:
        return f"{days} days"
    return f"{hours} hours" if hours > 1 else f"{minutes} minutes"


CHECK = Check(slug="call_bridges", title="Call Bridges", area=Area.CMS, look=look, deadline=60)
