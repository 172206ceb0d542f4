"""What the doctor finds on Call Bridges, one fault at a time."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cospaced.doctor.base import Severity
from support.certificates import make_certificate
from support.doctored import Doctored, doctored, make_state
from support.web_server import Reply, web_server


ERROR, WARNING, NOTE, OK = Severity.ERROR, Severity.WARNING, Severity.NOTE, Severity.OK
SEVERAL = ("alarms", "licences", "load")


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Doctored]:
    async with doctored(tmp_path) as site:
        yield site


async def test_a_bridge_that_answers_tells_its_release_and_uptime(site: Doctored) -> None:
    found = await site.the(OK, "call_bridges")
    assert found.seen == "CMS 2.9.4, up 24 hours"
    site.cluster.bridge("core1").state.started_at += 86400
    assert "restarted just now" in (await site.the(NOTE, "call_bridges")).seen


async def test_a_wrong_password_is_an_error_with_the_command_of_the_mmp(site: Doctored) -> None:
    site.change("password = simulated", "password = wrong")
    found = await site.the(ERROR, "call_bridges")
    assert found.subject.startswith("bridge 127.0.0.1:")
    assert "refuses the log-in of 'admin'" in found.seen
    assert "`user add admin api`" in found.remedy


async def test_a_certificate_that_is_not_trusted_is_an_error_that_names_ca_file(
    site: Doctored,
) -> None:
    site.change("ca_file = ", "# ca_file = ")
    found = await site.the(ERROR, "call_bridges")
    assert "its TLS certificate is not trusted" in found.seen
    assert "ca_file" in found.remedy


async def test_a_bridge_that_nothing_answers_for_is_an_error_that_names_the_web_admin(
    site: Doctored,
) -> None:
    address = site.cluster.bridge("core1").address
    site.change(address, "https://127.0.0.1:1")
    found = await site.the(ERROR, "call_bridges")
    assert "no connection" in found.seen
    assert "`webadmin` on its MMP" in found.remedy


async def test_what_is_no_api_is_an_error(site: Doctored) -> None:
    certificate = make_certificate(site.folder, "localhost")
    async with web_server(lambda _: Reply(body=b"<html>hello</html>"), certificate) as page:
        site.ini = site.ini.replace(site.cluster.bridge("core1").address, page.url(""))
        site.ini = site.ini.replace(str(site.folder / "tls" / "ca.pem"), str(certificate.file))
        found = await site.the(ERROR, "call_bridges")
    assert "does not answer as the API of CMS does" in found.seen
    assert "Web Admin" in found.remedy


async def test_a_release_before_2_2_is_an_error(site: Doctored) -> None:
    site.cluster.knobs = replace(site.cluster.knobs, software_version="2.0(RC)")
    found = await site.the(ERROR, "call_bridges")
    assert found.seen == "runs CMS 2.0(RC), and cospaced needs 2.2"
    assert "upgrade" in found.remedy


async def test_a_listed_bridge_is_found_and_usable(site: Doctored) -> None:
    assert (await site.the(OK, "cluster")).seen == "2 listed, 2 Call Bridges usable"
    site.cluster.knobs = replace(site.cluster.knobs, clustered=False)
    assert (await site.the(OK, "cluster")).seen == "a standalone server"


async def test_a_listed_bridge_that_does_not_answer_is_a_warning(site: Doctored) -> None:
    site.cluster.scenarios.kill_bridge("core2", silent=False)
    found = await site.the(WARNING, "cluster")
    assert found.subject == "bridge core2"
    assert site.cluster.bridge("core2").address in found.seen
    assert "unwatched" in found.remedy


async def test_a_listed_bridge_whose_certificate_is_not_trusted_gets_no_password(
    site: Doctored,
) -> None:
    certificate = make_certificate(site.folder, "localhost")
    async with web_server(lambda _: Reply(status=401), certificate) as other:
        site.cluster.bridge("core2").entry.fields["address"] = other.url("")
        found = await site.the(WARNING, "cluster")
        assert other.seen == []
    assert "certificate is not trusted" in found.seen
    assert "[bridge:core2] address" in found.remedy


async def test_a_listed_bridge_that_refuses_the_password_is_a_warning(site: Doctored) -> None:
    site.cluster.bridge("core2").state.authorization = "another"
    found = await site.the(WARNING, "cluster")
    assert "refuses the log-in" in found.seen
    assert "[bridge:core2] username and password" in found.remedy


@pytest.mark.parametrize(
    ("change", "remedy"),
    [
        ("call_bridges = none", "leave [cms] call_bridges = none out"),
        ("call_bridges = https://127.0.0.1:1", "to [cms] call_bridges"),
        ("verify = no", "ca_file in place of verify = no"),
    ],
)
async def test_a_listed_bridge_that_the_file_leaves_out_is_a_warning(
    site: Doctored, change: str, remedy: str
) -> None:
    site.change("[cms]\n", f"[cms]\n{change}\n")
    found = await site.the(WARNING, "cluster")
    assert found.subject == "bridge core2"
    assert remedy in found.remedy
    asked = {logged.bridge for logged in site.cluster.requests}
    assert asked == {"core1"}, "the password goes to no bridge that the file does not allow"


async def test_a_listed_bridge_without_an_address_is_a_warning(site: Doctored) -> None:
    del site.cluster.bridge("core2").entry.fields["address"]
    found = await site.the(WARNING, "cluster")
    assert found.seen.startswith("is listed without an address")
    assert "call_bridges" in found.remedy


async def test_whether_the_user_may_write_is_known_only_by_what_was_written(
    site: Doctored,
) -> None:
    found = await site.the(NOTE, "write_access")
    assert "cannot be known without writing" in found.seen
    assert "`user list`" in found.remedy
    await make_state(site.state, facts={"pool.call_leg_profile": "an id"})
    assert (await site.the(OK, "write_access")).seen == "the daemon has written to CMS before"


async def test_a_certificate_that_ends_within_30_days_is_a_warning(site: Doctored) -> None:
    certificate = make_certificate(site.folder, "localhost")
    async with web_server(lambda _: Reply(body=b""), certificate) as web:
        site.ini += (
            f"[calendar:old]\ntype = ical\nca_file = {certificate.file}\n"
            f"[room:foyer]\ncalendar = old\nurl = {web.url()}\n"
        )
        found = await site.the(WARNING, "certificates")
    assert found.subject == web.url("")
    last = datetime.now(UTC) + timedelta(days=30)
    assert found.seen == f"its certificate is valid until {last:%Y-%m-%d} only"
    assert "renew" in found.remedy


@pytest.mark.parametrize(
    ("kind", "severity", "remedy"),
    [
        ("cdrConnectionFailure", WARNING, "CDR"),
        ("databaseClusternodeOutofSync", WARNING, "database cluster status"),
        ("recorderLowDiskSpace", WARNING, "Status > General"),
    ],
)
async def test_an_alarm_is_told_with_what_it_is_about(
    site: Doctored, kind: str, severity: Severity, remedy: str
) -> None:
    site.cluster.scenarios.raise_alarm(
        "core2", kind, failureReason="connectFailure", uri="http://x"
    )
    found = await site.the(severity, "alarms")
    assert found.subject == "bridge core2"
    assert f"reports {kind} (http://x, connectFailure)" in found.seen
    assert remedy in found.remedy


async def test_a_dead_bridge_is_an_error_by_the_alarm_of_the_other(site: Doctored) -> None:
    site.cluster.scenarios.kill_bridge("core2", silent=False)
    site.cluster.bridge("core2").state.dead_since -= 600
    found = await site.the(ERROR, "alarms")
    assert "reports callBridgeConnectionFailure (core2, connectFailure) for 10 min" in found.seen
    assert "Configuration > Cluster" in found.remedy


async def test_a_database_node_that_is_down_or_behind_is_told(site: Doctored) -> None:
    assert "2 nodes, all up" in (await site.the(OK, "database")).seen
    site.cluster.scenarios.fall_behind("core2", 4096)
    found = await site.the(WARNING, "database")
    assert (found.subject, found.seen) == (
        "database node core2",
        "is behind the primary (4096 bytes)",
    )
    site.cluster.scenarios.kill_bridge("core2", silent=False)
    found = await site.the(ERROR, "database")
    assert (found.subject, found.seen) == ("database node core2", "is down")
    assert "database cluster status" in found.remedy


@pytest.mark.parametrize(
    ("feature", "status", "expiry", "severity"),
    [
        ("callBridge", "noLicense", "", ERROR),
        ("callBridge", "expired", "2026-Jan-01", ERROR),
        ("callBridge", "grace", "2026-Jan-01", WARNING),
        ("recording", "expired", "2026-Jan-01", WARNING),
    ],
)
async def test_a_licence_that_is_missing_or_has_run_out_is_told(
    site: Doctored, feature: str, status: str, expiry: str, severity: Severity
) -> None:
    site.cluster.scenarios.license("core2", feature, status, expiry)
    found = await site.the(severity, "licences")
    assert found.subject == "bridge core2"
    assert "`license` on its MMP" in found.remedy


async def test_a_licence_that_soon_runs_out_is_a_warning(site: Doctored) -> None:
    end = datetime.now(UTC) + timedelta(days=10)
    site.cluster.scenarios.license("core1", "personal", "activated", f"{end:%Y-%b-%d}")
    found = await site.the(WARNING, "licences")
    assert found.seen == f"the licence of personal ends on {end:%Y-%m-%d}"


async def test_a_bridge_near_its_load_limit_is_a_warning(site: Doctored) -> None:
    site.cluster.scenarios.set_load("core2", 90_000)
    found = await site.the(WARNING, "load")
    assert (found.subject, found.seen) == ("bridge core2", "93 % of its loadLimit")
    assert "add a Call Bridge" in found.remedy


async def test_bridges_without_a_load_limit_are_a_note(site: Doctored) -> None:
    site.cluster.knobs = replace(site.cluster.knobs, load_limit=None)
    found = [f for f in await site.look("load") if f.severity is NOTE]
    assert len(found) == 2
    assert "loadLimit" in found[0].remedy


async def test_a_room_of_an_unknown_bridge_group_is_an_error(site: Doctored) -> None:
    group = "2c1bd1c4-6f5b-4e41-8f3b-0d5b6a1d2e3f"
    site.ini += f"call_bridge_group = {group}\n"
    found = await site.the(ERROR, "balancing")
    assert (found.subject, found.seen) == (
        "room boardroom",
        f"CMS has no Call Bridge group {group}",
    )
    assert "/callBridgeGroups" in found.remedy


async def test_bridges_in_no_group_and_groups_that_do_not_balance_are_notes(
    site: Doctored,
) -> None:
    assert (await site.the(OK, "balancing")).seen == "outgoing calls are balanced"
    site.cluster.scenarios.group_bridges("plain", balance_outgoing=False)
    found = await site.the(NOTE, "balancing")
    assert found.subject == "group plain"
    assert "loadBalanceOutgoingCalls = true" in found.remedy
    for bridge in site.cluster.bridges:
        del bridge.entry.fields["callBridgeGroup"]
    assert (await site.the(NOTE, "balancing")).subject == "bridges core1, core2"


@pytest.mark.parametrize(
    ("slug", "nodes"),
    [
        ("alarms", ("system/alarms",)),
        ("database", ("system/database",)),
        ("licences", ("system/licensing",)),
        ("load", ("system/load",)),
        ("balancing", ("callBridgeGroups",)),
        ("space_routes", ("inboundDialPlanRules",)),
        ("call_leg_routes", ("outboundDialPlanRules",)),
    ],
)
async def test_a_node_that_an_older_release_lacks_is_not_checked(
    site: Doctored, slug: str, nodes: tuple[str, ...]
) -> None:
    site.cluster.knobs = replace(site.cluster.knobs, lacking=nodes)
    for found in await site.look(slug):
        assert found.severity is NOTE
        assert found.seen.startswith("not checked")


async def test_nothing_is_claimed_while_no_bridge_answers(site: Doctored) -> None:
    for bridge in site.cluster.bridges:
        site.cluster.scenarios.kill_bridge(bridge.name, silent=False)
    slugs = (*SEVERAL, "cluster", "database", "balancing", "pool", "space_routes")
    for slug in (*slugs, "call_leg_routes"):
        assert "not checked" in (await site.the(NOTE, slug)).seen, slug


async def test_a_bridge_that_never_answers_is_told_after_its_timeout(site: Doctored) -> None:
    site.change("[cms]", "[cms]\ntimeout = 1s")
    for bridge in site.cluster.bridges:
        site.cluster.scenarios.kill_bridge(bridge.name, silent=True)
    found = await site.the(ERROR, "call_bridges")
    assert "did not answer within 1 s" in found.seen
    assert "`webadmin` on its MMP" in found.remedy


async def test_bridges_of_different_releases_are_a_warning(site: Doctored) -> None:
    real = site.cluster.bridge("core2").wire.exchange

    async def newer(request, client="127.0.0.1"):
        reply = await real(request, client)
        return replace(reply, body=reply.body.replace(b"2.9.4", b"3.2"))

    site.cluster.bridge("core2").wire.exchange = newer  # type: ignore[method-assign]
    found = await site.the(WARNING, "cluster")
    assert found.seen.endswith("core2 3.2")
    assert "upgrade" in found.remedy
