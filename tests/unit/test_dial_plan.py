"""Which dial plan rules match a domain."""

import pytest

from cospaced.domain.dial_plan import domain_of, inbound, matches, outbound
from cospaced.domain.installation import InboundRule, OutboundRule


@pytest.mark.parametrize(
    ("uri", "domain"),
    [
        ("aula@rooms.example.org", "rooms.example.org"),
        ("sip:Aula@Rooms.Example.ORG:5061;transport=tls", "rooms.example.org"),
        ("aula@[2001:db8::1]:5060", "[2001:db8::1]"),
        ("aula@192.0.2.7", "192.0.2.7"),
    ],
)
def test_the_domain_of_an_endpoint_has_no_port_parameters_or_capitals(
    uri: str, domain: str
) -> None:
    assert domain_of(uri) == domain


@pytest.mark.parametrize(
    ("pattern", "matching"),
    [
        ("rooms.example.org", True),
        (" Rooms.Example.Org ", True),
        ("*.example.org", True),
        ("*", True),
        ("", True),
        ("example.org", False),
        ("*.org.example", False),
        ("s.example.org", False),
    ],
)
def test_a_rule_matches_exactly_by_a_star_in_front_or_everything(
    pattern: str, matching: bool
) -> None:
    assert matches(pattern, "rooms.EXAMPLE.org") is matching


def test_outgoing_rules_are_tried_by_priority_and_equals_in_their_order() -> None:
    rules = [
        OutboundRule(domain="", priority=0),
        OutboundRule(domain="rooms.example.org", priority=1, proxy="one"),
        OutboundRule(domain="*.example.org", priority=5),
        OutboundRule(domain="rooms.example.org", priority=1, proxy="two"),
        OutboundRule(domain="elsewhere.org", priority=9),
    ]
    found = outbound(rules, "rooms.example.org")
    assert [(rule.domain, rule.proxy) for rule in found] == [
        ("*.example.org", ""),
        ("rooms.example.org", "one"),
        ("rooms.example.org", "two"),
        ("", ""),
    ]


def test_incoming_rules_match_whether_or_not_they_lead_to_spaces() -> None:
    rules = [
        InboundRule(domain="a.org", to_spaces=False),
        InboundRule(domain="*.b.org", to_spaces=True),
    ]
    assert inbound(rules, "a.org") == (rules[0],)
    assert inbound(rules, "c.org") == ()
