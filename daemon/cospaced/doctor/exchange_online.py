"""Exchange calendars in Microsoft's cloud: their way to be read, EWS, is being closed.

Microsoft's Exchange Team announced both days; Exchange Server on one's own premises keeps EWS.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from cospaced.doctor.base import Area, Check, Finding, error, ok, warning
from cospaced.doctor.site import Site
from cospaced.settings import CalendarSettings, SourceType


CLOSED = datetime(2027, 4, 1, tzinfo=UTC)
_REMEDY = (
    "register an application, let it read the rooms alone (contrib/exchange/"
    "Grant-CospacedGraph.ps1), and write type = graph with tenant_id, client_id and client_secret "
    "in [calendar:{name}]; mailbox stays as it is in its rooms"
)
_OR_NOT = "if Autodiscover leads to an Exchange Server of your own, write its URL as server"


async def look(site: Site) -> Sequence[Finding]:
    """Tell calendars that will not be readable soon, or are no more."""
    found = []
    for calendar in site.settings.calendars:
        if calendar.type is not SourceType.EXCHANGE or not calendar.in_exchange_online:
            continue
        remedy, subject = _remedy(calendar), f"calendar {calendar.name}"
        if site.clock.now() >= CLOSED:
            found.append(error("Exchange Online has closed EWS on 2027-04-01", remedy, subject))
        else:
            seen = (
                "Exchange Online closes EWS on 2027-04-01, and since 2026-10-01 refuses it to "
                "tenants that do not list the app in EWSAllowedAppIDs"
            )
            found.append(warning(seen, remedy, subject))
    return found or [ok("none is read by EWS from Exchange Online")]


def _remedy(calendar: CalendarSettings) -> str:
    told = _REMEDY.format(name=calendar.name)
    return f"{told}; {_OR_NOT}" if calendar.server == "autodiscover" else told


CHECK = Check(slug="exchange_online", title="Exchange Online", area=Area.CALENDARS, look=look)
