"""The outgoing dial plan: a call leg to a domain without a rule fails (unknownDestination)."""

from collections.abc import Sequence

from cospaced.doctor.base import Area, Check, Finding, counted, error, listed, note, ok
from cospaced.doctor.site import Site
from cospaced.domain import dial_plan
from cospaced.domain.installation import OutboundRule


_WHERE = "Web Admin, Configuration > Outbound calls"


async def look(site: Site) -> Sequence[Finding]:
    """Look a rule up for the domain of each endpoint that is dialled."""
    users: dict[str, list[str]] = {}
    for room in site.settings.rooms:
        for endpoint in room.endpoints if room.dial else ():
            users.setdefault(dial_plan.domain_of(endpoint), []).append(room.name)
    if not users:
        return [note("no room is dialled")]
    for met in (await site.cluster()).answering:
        rules = await met.at.installation.outbound_rules()
        if rules is not None:
            return [_judged(domain, rooms, rules) for domain, rooms in users.items()]
    return [note("not checked: no Call Bridge tells its outgoing dial plan rules")]


def _judged(domain: str, rooms: Sequence[str], rules: Sequence[OutboundRule]) -> Finding:
    subject = f"domain {domain}"
    named = list(dict.fromkeys(rooms))
    matching = [rule for rule in dial_plan.outbound(rules, domain) if not rule.tenant]
    if not matching:
        seen = f"no outgoing rule, so CMS cannot ring {listed(named)}"
        return error(seen, f"{_WHERE}: add {domain}, with your call control as SIP proxy", subject)
    rule = matching[0]
    if not any(one.scope == "global" for one in matching):
        seen = "its outgoing rules hold for some Call Bridges only: others cannot ring these rooms"
        return note(seen, f"{_WHERE}: see that every bridge has one for {domain}", subject)
    way = f"by {rule.proxy}" if rule.proxy else "directly"
    rooms_ = counted(len(named), "room")
    return ok(f"{rooms_} rung {way} (rule for {rule.domain or 'any domain'})", subject)


CHECK = Check(
    slug="call_leg_routes", title="Ringing rooms", area=Area.NUMBERS, look=look, deadline=60
)
