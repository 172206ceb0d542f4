"""Which dial plan rules of CMS match a domain.

API nodes /inboundDialPlanRules and /outboundDialPlanRules: a rule's domain is matched against what
stands behind the `@`, exactly or with a star in front (`*.example.org`); an empty one, or a star
alone, matches everything.
"""

from collections.abc import Iterable, Sequence

from cospaced.domain.installation import InboundRule, OutboundRule


def domain_of(uri: str) -> str:
    """Return the domain of a SIP URI in lower case, without port and parameters."""
    host = uri.rpartition("@")[2].partition(";")[0].lower()
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]


def matches(pattern: str, domain: str) -> bool:
    """Whether a rule's domain matches one."""
    pattern, domain = pattern.strip().lower(), domain.lower()
    if pattern in ("", "*"):
        return True
    if pattern.startswith("*"):
        return domain.endswith(pattern[1:])
    return pattern == domain


def inbound(rules: Iterable[InboundRule], domain: str) -> tuple[InboundRule, ...]:
    """Return the rules by which a call to a domain comes in."""
    return tuple(rule for rule in rules if matches(rule.domain, domain))


def outbound(rules: Sequence[OutboundRule], domain: str) -> tuple[OutboundRule, ...]:
    """Return the rules by which a domain is called, the first to be tried first."""
    found = [rule for rule in rules if matches(rule.domain, domain)]
    return tuple(sorted(found, key=lambda rule: -rule.priority))
