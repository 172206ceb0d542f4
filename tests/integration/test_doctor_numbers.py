"""What the doctor finds about the pool's numbers and the dial plan, one fault at a time."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cospaced.doctor.base import Severity
from cospaced.domain.booking import Booking, State
from support.certificates import make_certificate
from support.doctored import ROOMS, Doctored, doctored, invitation, make_state
from support.ical import event
from support.web_server import Reply, web_server


ERROR, WARNING, NOTE, OK = Severity.ERROR, Severity.WARNING, Severity.NOTE, Severity.OK
NOW = datetime.now(UTC)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Doctored]:
    async with doctored(tmp_path, bridges=1) as site:
        yield site


def slots(site: Doctored, *numbers: int, **fields: str) -> None:
    """Make spaces as the daemon would leave them."""
    for number in numbers:
        settings = {"nonMemberAccess": "false", **fields}
        site.cluster.scenarios.make_space(
            f"cospaced_{number}", uri=str(number), callId=str(number), **settings
        )


async def test_an_empty_range_is_a_note_until_the_daemon_has_made_it(site: Doctored) -> None:
    found = await site.the(NOTE, "pool")
    assert found.subject == "numbers 82001-82005"
    assert "makes them at its first start" in found.seen
    slots(site, *range(82001, 82006))
    assert (await site.the(OK, "pool")).seen == "5 slots locked, 0 open"


async def test_a_slot_that_is_missing_is_a_warning(site: Doctored) -> None:
    slots(site, 82001, 82002, 82003, 82005)
    found = await site.the(WARNING, "pool")
    assert found.subject == "number 82004"
    assert "systemctl restart cospaced" in found.remedy


async def test_a_number_with_somebody_elses_space_is_a_warning(site: Doctored) -> None:
    slots(site, *range(82001, 82005))
    stranger = site.cluster.scenarios.make_space("Ada's own", uri="82005", callId="82005")
    found = await site.the(WARNING, "pool")
    assert found.subject == "number 82005"
    assert f"space {stranger.id} stands on it and is not ours" in found.seen
    assert "Ada" not in found.seen
    assert "Web Admin, Configuration > Spaces" in found.remedy


@pytest.mark.parametrize("what", ["an owner", "members", "access methods"])
async def test_a_slot_that_is_never_written_is_a_warning(site: Doctored, what: str) -> None:
    slots(site, *range(82001, 82006))
    if what == "an owner":
        site.cluster.scenarios.operator_edits("82003", ownerJid="ada@example.org")
    elif what == "members":
        site.cluster.scenarios.add_member("82003", "ada@example.org")
    else:
        site.cluster.scenarios.add_access_method("82003", uri="hall")
    found = await site.the(WARNING, "pool")
    assert found.subject == "number 82003"
    assert f"has {what}: it is never written" in found.seen


async def test_many_clashes_are_told_in_one_line(site: Doctored) -> None:
    for number in range(82001, 82006):
        site.cluster.scenarios.make_space("x", uri=str(number), callId=str(number))
    site.change("numeric_id_quantity = 5", "numeric_id_quantity = 8")
    for number in range(82006, 82009):
        site.cluster.scenarios.make_space("x", uri=str(number), callId=str(number))
    found = [f for f in await site.look("pool") if f.severity is WARNING]
    assert len(found) == 6
    assert found[-1].subject == "numbers 82006-82008"


async def test_the_spaces_of_another_daemon_are_an_error(site: Doctored) -> None:
    from cospaced.simulator.records import Record

    profiles = site.cluster.state.database.tables["callLegProfiles"]
    profiles["p1"] = Record(id="p1", fields={"name": "cospaced 0badcafe"})
    slots(site, 82001, callLegProfile="p1")
    found = await site.the(ERROR, "pool")
    assert "'cospaced 0badcafe'" in found.seen
    assert "numeric_id_base" in found.remedy


async def test_tms_that_still_works_on_the_range_is_an_error(site: Doctored) -> None:
    site.change("[pool]", "[pool]\nadopt_prefix = TMS_Scheduled_Meeting_")
    secret = "86db1bdd-3c1e-4f0e-9d5e-0a1b2c3d4e5f"
    site.cluster.scenarios.make_space("Weekly", uri="82001", callId="82001", secret=secret)
    found = await site.the(ERROR, "pool")
    assert "TMS still works with them" in found.seen
    assert "take the range away from TMS" in found.remedy


async def test_slots_open_without_a_booking_of_the_state_are_a_note(site: Doctored) -> None:
    slots(site, *range(82001, 82006))
    site.cluster.scenarios.operator_edits("82002", nonMemberAccess="true")
    assert (await site.the(NOTE, "pool")).subject == "number 82002"


async def test_a_pool_that_bookings_outgrow_is_an_error_with_the_quantity(site: Doctored) -> None:
    assert (await site.the(OK, "sizing")).seen.startswith("1 conference at once at the most")
    start = (NOW + timedelta(days=2)).replace(minute=0, second=0)
    many = [
        event(
            f"DTSTART:{start:%Y%m%dT%H%M%SZ}",
            f"DTEND:{start + timedelta(hours=1):%Y%m%dT%H%M%SZ}",
            uid=f"many-{number}",
        )
        for number in range(8)
    ]
    for room in ROOMS:
        site.hold(room, *many)
    found = await site.the(ERROR, "sizing")
    assert found.seen.startswith("8 conferences at once at the most")
    assert "the pool has 5" in found.seen
    assert found.remedy == "raise [pool] numeric_id_quantity to 10 or more"
    for room in ROOMS:
        site.hold(room, *many[:5])
    assert (await site.the(WARNING, "sizing")).remedy.endswith("to 6 or more")


async def test_conferences_back_to_back_leave_early_join_no_number(site: Doctored) -> None:
    start = (NOW + timedelta(days=2)).replace(minute=0, second=0)
    events = [
        event(
            f"DTSTART:{start + timedelta(hours=hour):%Y%m%dT%H%M%SZ}",
            f"DTEND:{start + timedelta(hours=hour + 1):%Y%m%dT%H%M%SZ}",
            uid=f"back-{hour}-{number}",
        )
        for hour in (0, 1)
        for number in range(4)
    ]
    for room in ROOMS:
        site.hold(room, *events)
    found = await site.the(WARNING, "sizing")
    assert found.seen.startswith("4 conferences at once")
    assert "cannot be joined early" in found.seen


async def test_bookings_that_were_refused_a_number_are_an_error(site: Doctored) -> None:
    row = Booking(
        id="b1",
        uid="u1",
        recurrence_id="",
        organizer="ada@example.org",
        organizer_name="",
        title="Planning",
        private=False,
        start=NOW + timedelta(days=1),
        end=NOW + timedelta(days=1, hours=1),
        rooms=ROOMS,
        created_at=NOW,
        state=State.REFUSED,
        reason="no number of the pool's 5 is free in its time",
    )
    await make_state(site.state, row)
    found = await site.the(ERROR, "sizing")
    assert "1 booking refused a number" in found.seen
    assert "Planning" not in found.seen
    assert "numeric_id_quantity" in found.remedy


async def test_a_domain_that_no_incoming_rule_leads_to_spaces_is_an_error(site: Doctored) -> None:
    rules = site.cluster.state.database.tables["inboundDialPlanRules"]
    rules.clear()
    assert "no incoming rule at all" in (await site.the(WARNING, "space_routes")).seen
    site.cluster.scenarios.route_in("other.example.org")
    found = await site.the(ERROR, "space_routes")
    assert found.subject == "domain cms.example.org"
    assert "other.example.org" in found.seen
    assert "Call matching: add cms.example.org" in found.remedy
    site.cluster.scenarios.route_in("cms.example.org", to_spaces=False)
    assert "does not lead to spaces" in (await site.the(ERROR, "space_routes")).seen
    site.cluster.scenarios.route_in("*.example.org")
    assert (await site.the(OK, "space_routes")).subject == "domain cms.example.org"


async def test_endpoints_whose_domain_no_outgoing_rule_matches_are_an_error(
    site: Doctored,
) -> None:
    known = await site.the(OK, "call_leg_routes")
    assert known.seen == "2 rooms rung by cucm.example.org (rule for rooms.example.org)"
    site.change("endpoints = aula@rooms", "endpoints = sip:aula@Elsewhere.rooms")
    found = await site.the(ERROR, "call_leg_routes")
    assert found.subject == "domain elsewhere.rooms.example.org"
    assert found.seen == "no outgoing rule, so CMS cannot ring aula"
    assert "Outbound calls: add elsewhere.rooms.example.org" in found.remedy
    site.cluster.scenarios.route_out("")
    assert {f.severity for f in await site.look("call_leg_routes")} == {OK}


async def test_a_rule_for_one_bridge_alone_is_a_note(site: Doctored) -> None:
    site.cluster.state.database.tables["outboundDialPlanRules"].clear()
    site.cluster.scenarios.route_out("rooms.example.org", scope="callBridge")
    assert "for some Call Bridges only" in (await site.the(NOTE, "call_leg_routes")).seen


async def test_a_web_bridge_that_answers_tells_the_form_of_links(site: Doctored) -> None:
    found = await site.the(OK, "web_bridge")
    assert found.seen.endswith("/invited.sf?secret=SECRET&id=CALLID")
    site.change("web_bridge = ", "# ")
    assert "web_bridge" in (await site.the(NOTE, "web_bridge")).remedy


async def test_a_web_bridge_that_does_not_answer_is_an_error(site: Doctored) -> None:
    site.change("web_bridge = ", "web_bridge = https://127.0.0.1:1\n# ")
    found = await site.the(ERROR, "web_bridge")
    assert "no connection" in found.seen
    assert "[cms] web_bridge" in found.remedy


async def test_a_web_bridge_that_browsers_do_not_trust_is_told(site: Doctored) -> None:
    certificate = make_certificate(site.folder, "localhost")
    async with web_server(lambda _: Reply(status=404), certificate) as web:
        site.change("web_bridge = ", f"web_bridge = {web.url('')}\n# ")
        found = await site.the(ERROR, "web_bridge")
        assert "certificate is not trusted" in found.seen
        assert "browsers trust" in found.remedy
        site.ini = site.ini.replace(str(site.folder / "tls" / "ca.pem"), str(certificate.file))
        note, missing = await site.look("web_bridge")
    assert (note.severity, missing.severity) == (NOTE, WARNING)
    assert "browsers will warn" in note.seen
    assert missing.seen == "answers with status 404"


async def test_events_are_sized_by_rooms_that_are_booked(site: Doctored) -> None:
    site.hold("aula", invitation(1, rooms=("aula",)))
    site.hold("boardroom")
    assert "0 conferences at once" in (await site.the(OK, "sizing")).seen
