"""The incoming dial plan: calls to the pool's domain must be matched against spaces."""

from collections.abc import Sequence

from cospaced.doctor.base import Area, Check, Finding, error, listed, note, ok, warning
from cospaced.doctor.site import Site
from cospaced.domain import dial_plan
from cospaced.domain.installation import InboundRule


_WHERE = "Web Admin, Configuration > Incoming calls > Call matching"


async def look(site: Site) -> Sequence[Finding]:
    """Ask one bridge: the dial plan is the cluster's."""
    for met in (await site.cluster()).answering:
        rules = await met.at.installation.inbound_rules()
        if rules is not None:
            return [_judged(rules, site.settings.pool.domain)]
    return [note("not checked: no Call Bridge tells its incoming dial plan rules")]


def _judged(rules: Sequence[InboundRule], domain: str) -> Finding:
    subject = f"domain {domain}"
    add = f"{_WHERE}: add {domain}, with spaces as its target"
    matching = dial_plan.inbound(rules, domain)
    if not rules:
        return warning(
            "CMS has no incoming rule at all: see that a number can be dialled", add, subject
        )
    if not matching:
        others = listed(rule.domain or "any domain" for rule in rules)
        seen = f"no incoming rule, so nobody can dial a number of the pool (there are: {others})"
        return error(seen, add, subject)
    leading = [rule for rule in matching if rule.to_spaces]
    if not leading:
        seen = "its incoming rule does not lead to spaces, so nobody can dial a number of the pool"
        return error(seen, f"{_WHERE}: let {domain} target spaces", subject)
    if all(rule.tenant for rule in leading):
        seen = "its incoming rule is for the spaces of one tenant alone, and the pool's have none"
        return error(seen, add, subject)
    return ok("calls to it come to spaces", subject)


CHECK = Check(slug="space_routes", title="Dialling in", area=Area.NUMBERS, look=look, deadline=60)
