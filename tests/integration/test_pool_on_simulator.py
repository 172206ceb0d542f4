"""The pool on the CMS simulator, through the client that the daemon uses."""

from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import pytest

from cospaced.cms.bridge import CmsBridge
from cospaced.domain.pool import Slots
from cospaced.engine.pool import Pool
from cospaced.errors import PoolUnsettled, Unreachable
from cospaced.host.web import Web
from cospaced.settings import PoolSettings, Secret
from cospaced.simulator.cluster import Cluster
from cospaced.simulator.faults import Fault
from cospaced.simulator.knobs import Knobs
from cospaced.simulator.request_log import Logged
from support.pool_bridge import Cms, Life
from support.virtual import SeededEntropy, VirtualClock, run_virtually


SETTINGS = PoolSettings(domain="example.org", numeric_id_base=1001, numeric_id_quantity=5)
NUMBERS = tuple(SETTINGS.numbers)
BOOKING = "0b8a4f5e-7c1d-5a2b-9e3f-111111111111"


class Site:
    """A cluster, and daemons on it."""

    def __init__(self, clock: VirtualClock, knobs: Knobs) -> None:
        self.clock = clock
        self.cluster = Cluster(clock, SeededEntropy(1), bridges=("one", "two"), knobs=knobs)
        self.facts: dict[str, str] = {}
        self.log: list[Logged] = []
        self.cluster.requests.listeners.append(self.log.append)

    async def prepare(
        self,
        settings: PoolSettings = SETTINGS,
        *,
        facts: dict[str, str] | None = None,
        through: int = 0,
        site_id: str = "a1b2c3d4",
    ) -> Slots:
        entry = self.cluster.bridges[through]
        web = Web(transport=self.cluster.transport())
        bridge = CmsBridge(
            entry.name,
            entry.address,
            self.cluster.username,
            Secret(self.cluster.password),
            web=web,
            clock=self.clock,
        )
        life = Life(Cms(), self.facts if facts is None else facts)
        pool = Pool(
            settings=settings,
            site_id=site_id,
            store=life.store,
            clock=self.clock,
            ours=lambda tag: tag == BOOKING,
        )
        try:
            return await pool.prepare(bridge)
        finally:
            await bridge.close()

    def writes(self) -> list[str]:
        """Return and forget the writes so far."""
        found = [f"{one.method} {one.node}" for one in self.log if one.method != "GET"]
        self.log.clear()
        return found

    def named(self, *numbers: int) -> list[str]:
        return [self.cluster.scenarios.space(str(number)).name for number in numbers]


Scene = Callable[[Site], Coroutine[Any, Any, None]]


def on_site(scene: Scene, **knobs: Any) -> None:
    async def main(clock: VirtualClock) -> None:
        await scene(Site(clock, Knobs(**knobs)))

    run_virtually(main)


RESERVE = [
    "POST callProfiles",
    "POST callLegProfiles",
    "POST cospaceBulkParameterSets",
    "POST cospaceBulkSyncs",
]


@pytest.mark.parametrize("version", ["2.0(RC)", "2.9.4", "3.4"])
def test_five_spaces_cost_the_writes_of_tms_and_are_found_again_through_any_bridge(
    version: str,
) -> None:
    async def scene(site: Site) -> None:
        made = await site.prepare()
        assert site.writes() == RESERVE
        assert made.usable == NUMBERS
        assert (made.made, made.found) == (5, 0)
        assert site.named(1001, 1005) == ["cospaced_1001", "cospaced_1005"]
        found = await site.prepare(through=1)
        lost = await site.prepare(facts={})
        assert site.writes() == []
        assert found.by_number == lost.by_number == made.by_number
        assert found.call_leg_profile == lost.call_leg_profile == made.call_leg_profile

    on_site(scene, software_version=version)


def test_looking_again_costs_a_list_and_one_request_for_each_slot() -> None:
    async def scene(site: Site) -> None:
        await site.prepare()
        site.log.clear()
        await site.prepare()
        assert sorted(one.node for one in site.log) == [
            "callLegProfiles",
            "coSpaces",
            *["coSpaces/*"] * 5,
        ]

    on_site(scene)


def test_the_pool_is_enlarged_around_an_open_slot_and_other_peoples_spaces() -> None:
    async def scene(site: Site) -> None:
        await site.prepare()
        site.writes()
        scenarios = site.cluster.scenarios
        scenarios.operator_edits("1002", name="Board", nonMemberAccess="true", cdrTag=BOOKING)
        scenarios.make_space("Lobby", uri="1007", callId="1007")
        scenarios.make_space("Reception", uri="reception", callId="77")
        scenarios.add_access_method("reception", uri="1008", callId="1008")
        slots = await site.prepare(replace(SETTINGS, numeric_id_quantity=9))
        assert set(site.writes()) == {"POST coSpaces"}
        assert slots.usable == (*NUMBERS, 1006, 1009)
        assert [clash.number for clash in slots.clashes] == [1007, 1008]
        assert [space.cdr_tag for space in slots.open] == [BOOKING]
        assert site.named(1002, 1007) == ["Board", "Lobby"]

    on_site(scene)


def test_a_large_pool_is_made_although_cms_takes_shorter_ranges_only() -> None:
    async def scene(site: Site) -> None:
        slots = await site.prepare(replace(SETTINGS, numeric_id_quantity=60))
        assert len(slots.usable) == 60
        assert site.writes() == RESERVE + ["POST coSpaces"] * 60

    on_site(scene, bulk_range_max=50)


def test_members_owners_and_access_methods_keep_a_slot_from_being_used() -> None:
    async def scene(site: Site) -> None:
        scenarios = site.cluster.scenarios
        for number in NUMBERS:
            scenarios.make_space(
                f"TMS_Scheduled_Meeting_{number}",
                uri=str(number),
                callId=str(number),
                nonMemberAccess="false",
            )
        scenarios.add_member("1001", "jane@example.org")
        scenarios.add_access_method("1002", callId="777", passcode="1")
        scenarios.operator_edits("1003", ownerJid="jane@example.org")
        slots = await site.prepare(replace(SETTINGS, adopt_prefix="TMS_Scheduled_Meeting_"))
        assert slots.usable == (1004, 1005)
        assert site.writes() == ["PUT coSpaces/*"] * 2
        assert [clash.why.split(" ", 2)[2] for clash in slots.clashes] == [
            "has members: it is never written",
            "has access methods: it is never written",
            "has an owner: it is never written",
        ]

    on_site(scene)


def test_a_second_site_on_the_same_range_is_told_and_writes_nothing() -> None:
    async def scene(site: Site) -> None:
        await site.prepare()
        site.writes()
        with pytest.raises(PoolUnsettled, match="cospaced a1b2c3d4"):
            await site.prepare(site_id="ffff0000", facts={})
        assert site.writes() == []

    on_site(scene)


@pytest.mark.parametrize("fault", list(Fault))
@pytest.mark.parametrize(
    "node", ["callProfiles", "callLegProfiles", "cospaceBulkParameterSets", "cospaceBulkSyncs"]
)
@pytest.mark.parametrize("kept", [True, False], ids=["state-kept", "state-lost"])
def test_any_fault_of_any_write_ends_in_the_same_pool(fault: Fault, node: str, kept: bool) -> None:
    async def scene(site: Site) -> None:
        rule = site.cluster.faults.next("POST", node, fault, reason="databaseNotReady", after=3.0)
        try:
            slots = await site.prepare()
        except (Unreachable, PoolUnsettled):
            await site.clock.sleep(30)
            slots = await site.prepare(facts=None if kept else {})
        assert rule.hits == 1
        assert slots.usable == NUMBERS
        assert site.named(*NUMBERS) == [f"cospaced_{number}" for number in NUMBERS]
        site.writes()
        await site.prepare(facts=None if kept else {})
        assert site.writes() == []
        assert len(site.cluster.state.database.spaces) == 5

    on_site(scene)


def test_a_database_that_only_reads_makes_no_half_pool() -> None:
    async def scene(site: Site) -> None:
        site.cluster.scenarios.database("read_only")
        with pytest.raises((Unreachable, PoolUnsettled)):
            await site.prepare()
        assert not site.cluster.state.database.spaces
        site.cluster.scenarios.database("ok")
        await site.clock.sleep(2)
        assert (await site.prepare()).usable == NUMBERS

    on_site(scene)
