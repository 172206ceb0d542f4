"""What Exchange allows one account over EWS: requests at once, and streams.

EWS does not tell the limits that hold for an account; what is told here are those that Exchange
has by itself (Microsoft, "EWS throttling in Exchange", "Handling notification-related errors in EWS
in Exchange").
"""

from collections.abc import Iterator, Sequence

from cospaced.doctor.base import Area, Check, Finding, counted, note, ok
from cospaced.doctor.site import Site
from cospaced.host import powershell
from cospaced.settings import CalendarSettings, SourceType


OF_2010 = 10
"""EWSMaxConcurrency of Exchange 2010; 27 since."""
ON_A_STREAM = 200
"""Subscriptions that one GetStreamingEvents may name."""
STREAMS, STREAMS_ONLINE = 3, 10
"""HangingConnectionLimit: streams that one account may hold open."""
THROTTLING = (
    "New-ThrottlingPolicy -Name Cospaced -ThrottlingPolicyScope Regular "
    "-EwsMaxConcurrency Unlimited -EwsMaxBurst Unlimited -EwsRechargeRate Unlimited "
    "-EwsCutoffBalance Unlimited; "
    "Set-ThrottlingPolicyAssociation {account} -ThrottlingPolicy Cospaced "
    "({whose}contrib/exchange/New-CospacedAccount.ps1 -Throttling does both)"
)
"""To be filled with whose budget it is."""


async def look(site: Site) -> Sequence[Finding]:
    """Tell where an account may be asked for more than Exchange allows it."""
    found: list[Finding] = []
    for calendar in site.settings.calendars:
        if calendar.type is SourceType.EXCHANGE:
            rooms = sum(1 for room in site.settings.rooms if room.calendar == calendar.name)
            found += [*_requests(calendar), *_streams(calendar, rooms)]
    return found or [ok("nothing by which Exchange would hold back an account")]


def budget(calendar: CalendarSettings) -> str:
    """Return the line that lifts the limits of whoever is charged for the requests."""
    if calendar.access == "delegate":
        return THROTTLING.format(account=powershell.word(calendar.username), whose="")
    # An impersonated mailbox is charged itself, by a copy of its budget.
    return THROTTLING.format(account="MAILBOX", whose="MAILBOX is each room's own; ")


def _requests(calendar: CalendarSettings) -> Iterator[Finding]:
    if calendar.access != "delegate" or calendar.in_exchange_online:
        return
    seen = f"all its rooms share the budget of {calendar.username}, which cannot be seen from here"
    if calendar.max_connections > OF_2010:
        seen += f"; max_connections = {calendar.max_connections} is more than Exchange 2010 allows"
    yield note(seen, budget(calendar), f"calendar {calendar.name}")


def _streams(calendar: CalendarSettings, rooms: int) -> Iterator[Finding]:
    streams = STREAMS_ONLINE if calendar.in_exchange_online else STREAMS
    if calendar.notifications != "streaming" or rooms <= streams * ON_A_STREAM:
        return
    seen = (
        f"{counted(rooms, 'room')} are more than Exchange tells changes of to one account: "
        f"{streams} streams of {ON_A_STREAM} rooms"
    )
    remedy = (
        f"write notifications = poll in [calendar:{calendar.name}], or divide its rooms over "
        "several calendars, each with an account of its own"
    )
    if not calendar.in_exchange_online:
        remedy += ", or raise HangingConnectionLimit in the web.config of EWS"
    yield note(seen, remedy, f"calendar {calendar.name}")


CHECK = Check(slug="exchange_limits", title="Limits", area=Area.CALENDARS, look=look)
