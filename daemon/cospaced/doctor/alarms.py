"""Fault conditions that Call Bridges report themselves."""

from collections.abc import Sequence

from cospaced.doctor.base import Area, Check, Finding, error, note, ok, warning
from cospaced.doctor.site import Met, Site
from cospaced.domain.installation import Alarm


_DATABASE = "`database cluster status` on its MMP"
_REMEDIES = {
    "callBridgeConnectionFailure": (
        "see that both bridges run and trust each other: Web Admin, Configuration > Cluster"
    ),
    "databaseConnectionError": _DATABASE,
    "databaseClusternodeOutofSync": _DATABASE,
    "cdrConnectionFailure": "Web Admin, Configuration > CDR settings: remove what is gone",
}
_ELSE = "Web Admin, Status > General and Logs > Event log"
_GRAVE = ("callBridgeConnectionFailure", "databaseConnectionError")


async def look(site: Site) -> Sequence[Finding]:
    """Ask every bridge that answers."""
    answering = (await site.cluster()).answering
    found: list[Finding] = []
    for met in answering:
        alarms = await met.at.installation.alarms()
        if alarms is None:
            found.append(note("not checked: it tells no alarms", subject=f"bridge {met.at.name}"))
        else:
            found += [_judged(alarm, met) for alarm in alarms]
    if not answering:
        return [note("not checked: no Call Bridge answers")]
    return found or [ok("none")]


def _judged(alarm: Alarm, met: Met) -> Finding:
    details = [text for text in (alarm.about, alarm.reason) if text]
    seen = f"reports {alarm.type}" + (f" ({', '.join(details)})" if details else "")
    if alarm.seconds is not None:
        seen += f" for {alarm.seconds // 60} min"
    make = error if alarm.type in _GRAVE else warning
    return make(seen, _REMEDIES.get(alarm.type, _ELSE), f"bridge {met.at.name}")


CHECK = Check(slug="alarms", title="Alarms", area=Area.CMS, look=look, deadline=60)
