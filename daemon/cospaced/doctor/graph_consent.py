"""What the application of a Graph calendar was granted in Entra, where it is more than it needs.

A consent in Entra holds for every mailbox of the tenant. RBAC for Applications, which is granted in
Exchange, holds for the mailboxes of a scope, and is not in the token. A wide consent beside it
stays in force: the two add up (Microsoft, "Role Based Access Control for Applications").
"""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from cospaced.doctor.base import Area, Check, Finding, listed, note, ok, warning
from cospaced.doctor.site import Site
from cospaced.errors import CalendarError


_READING = frozenset({"Calendars.Read", "Calendars.ReadBasic.All", "Calendars.ReadBasic"})
_RBAC = (
    "grant Calendars.Read by RBAC for Applications, for {whom}, then take the consent in Entra"
    " back: both together hold"
)
_ROOMS = "the rooms alone (contrib/exchange/Grant-CospacedGraph.ps1)"
_ORGANIZERS_TOO = "a scope of the rooms and of those who book them (organizer_copies = yes)"


@runtime_checkable
class TellsConsent(Protocol):
    """A source whose login tells what it may do."""

    async def consented(self) -> frozenset[str] | None:
        """Return the permissions; None where it cannot be known. Raises CalendarError."""


async def look(site: Site) -> Sequence[Finding]:
    """Tell what each application may do besides reading rooms."""
    found = []
    for name, source in site.sources.items():
        if isinstance(source, TellsConsent):
            whom = _ORGANIZERS_TOO if site.settings.calendar(name).organizer_copies else _ROOMS
            remedy = _RBAC.format(whom=whom)
            found.append(await _consent(source, f"calendar {name}", remedy))
    return found or [ok("no calendar is read from Microsoft Graph")]


async def _consent(source: TellsConsent, subject: str, remedy: str) -> Finding:
    try:
        roles = await source.consented()
    except CalendarError:
        return note("not checked: it gets no token (see Reading)", subject=subject)
    if roles is None:
        return note("not checked: its token does not tell what it may do", subject=subject)
    if more := sorted(roles - _READING):
        seen = f"its application may do more than read calendars, in every mailbox: {listed(more)}"
        return warning(seen, remedy, subject)
    if roles:
        seen = f"its application may read every calendar of the tenant ({listed(sorted(roles))})"
        return note(seen, remedy, subject)
    return ok("its application has no consent in Entra: what it may read, Exchange says", subject)


CHECK = Check(slug="graph_consent", title="Consent", area=Area.CALENDARS, look=look, deadline=60)
