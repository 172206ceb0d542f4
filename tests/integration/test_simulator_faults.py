"""What goes wrong between the simulator and its clients, on demand and by chance."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from cospaced.simulator.cluster import Cluster
from cospaced.simulator.faults import Fault
from cospaced.simulator.knobs import Knobs
from support.simulated import Client, ids, with_cluster
from support.virtual import VirtualClock


@pytest.mark.parametrize(
    ("fault", "error", "has_effect"),
    [
        (Fault.LOST_BEFORE, httpx.RemoteProtocolError, False),
        (Fault.LOST_AFTER, httpx.RemoteProtocolError, True),
        (Fault.SILENT_BEFORE, httpx.ReadTimeout, False),
        (Fault.SILENT_AFTER, httpx.ReadTimeout, True),
    ],
)
def test_an_answer_can_be_lost_before_and_after_the_effect(
    fault: Fault, error: type[Exception], has_effect: bool
) -> None:
    async def main(cluster: Cluster, client: Client, clock: VirtualClock) -> None:
        impatient = Client(cluster, timeout=5)
        space = await client.make("coSpaces", "name=a")
        call = await client.make("calls", f"coSpace={space}")
        rule = cluster.faults.next("POST", "calls/*/callLegs", fault)
        form = "remoteParty=room@example.com"
        with pytest.raises(error):
            await impatient.send("POST", f"calls/{call}/callLegs", form)
        assert rule.hits == 1
        assert len(await client.get("callLegs")) == int(has_effect)
        await clock.sleep(5)
        assert len(cluster.endpoint("room@example.com").rings) == int(has_effect)
        (lost,) = cluster.requests.matching("POST", "calls/*/callLegs")
        assert (lost.status, bool(lost.effect)) == (0, has_effect)
        await client.make(f"calls/{call}/callLegs", "remoteParty=other@example.com")

    with_cluster(main)


def test_rules_name_method_node_and_bridge_and_strike_as_often_as_told() -> None:
    async def main(cluster: Cluster, client: Client, _: VirtualClock) -> list[int]:
        cluster.faults.next("GET", "callLegs", Fault.BUSY, bridge="two", times=2)
        refuse = cluster.faults.next("*", "c*s", Fault.REFUSED, reason="tooMany", times=None)
        refuse.cancel()
        statuses = []
        for method, path, bridge in (
            ("GET", "callLegs", "one"),
            ("GET", "calls", "two"),
            ("GET", "callLegs", "two"),
            ("GET", "calllegs/", "two"),
            ("GET", "callLegs", "two"),
        ):
            statuses.append((await client.send(method, path, bridge=bridge)).status_code)
        cluster.faults.next("POST", "coSpaces", Fault.REFUSED, reason="duplicateCoSpaceUri")
        assert await client.refusal("POST", "coSpaces", "name=a") == "duplicateCoSpaceUri"
        return statuses

    assert with_cluster(main, bridges=("one", "two")) == [200, 200, 503, 503, 200]


def test_latency_lies_before_and_after_the_effect() -> None:
    async def main(cluster: Cluster, client: Client, clock: VirtualClock) -> None:
        began = clock.now()
        await client.make("coSpaces", "name=a")
        (logged,) = cluster.requests
        assert (logged.at - began).total_seconds() == pytest.approx(0.2, abs=1e-3)
        assert (clock.now() - began).total_seconds() == pytest.approx(0.5, abs=1e-3)
        cluster.faults.next("GET", "calls", Fault.SLOW, before=2, after=3)
        began = clock.now()
        await client.get("calls")
        assert (clock.now() - began).total_seconds() == pytest.approx(5.5, abs=1e-3)

    with_cluster(main, knobs=Knobs(latency_before=(0.2, 0.2), latency_after=(0.3, 0.3)))


@pytest.mark.parametrize("survives", [True, False])
def test_a_request_takes_effect_even_if_its_client_gave_up(survives: bool) -> None:
    async def main(cluster: Cluster, client: Client, clock: VirtualClock) -> None:
        impatient = Client(cluster, timeout=1)
        cluster.faults.next("POST", "coSpaces", Fault.SLOW, before=4)
        with pytest.raises(httpx.ReadTimeout):
            await impatient.send("POST", "coSpaces", "name=late")
        assert len(await client.get("coSpaces")) == 0
        await clock.sleep(2.5)
        assert len(await client.get("coSpaces")) == 0
        await clock.sleep(1)
        assert len(await client.get("coSpaces")) == int(survives)

    with_cluster(main, knobs=Knobs(effect_survives_disconnect=survives))


def test_what_was_under_way_when_a_bridge_died_is_neither_done_nor_answered() -> None:
    async def main(cluster: Cluster, client: Client, clock: VirtualClock) -> None:
        impatient = Client(cluster, timeout=1)
        cluster.faults.next("POST", "coSpaces", Fault.SLOW, before=4)
        with pytest.raises(httpx.ReadTimeout):
            await impatient.send("POST", "coSpaces", "name=late")
        cluster.scenarios.reboot_bridge("one", 1)
        await clock.sleep(10)
        assert len(await client.get("coSpaces")) == 0

    with_cluster(main)


def test_rates_strike_by_chance_and_the_same_seed_strikes_the_same() -> None:
    async def main(cluster: Cluster, _: Client, __: VirtualClock) -> list[str]:
        impatient = Client(cluster, timeout=1)
        seen: list[str] = []
        for number in range(300):
            try:
                answer = await impatient.send("POST", "coSpaces", f"name={number}")
                seen.append(str(answer.status_code))
            except httpx.TransportError as error:
                seen.append(type(error).__name__)
        return seen

    rates = Knobs(busy_rate=0.1, lost_before_rate=0.1, lost_after_rate=0.1, silent_rate=0.1)
    seen = with_cluster(main, knobs=rates)
    assert seen == with_cluster(main, knobs=rates)
    counts = Counter(seen)
    assert set(counts) == {"200", "503", "RemoteProtocolError", "ReadTimeout"}
    assert all(count > 10 for count in counts.values())


def test_a_silent_bridge_never_answers_and_a_refusing_one_cannot_be_connected() -> None:
    async def main(cluster: Cluster, _: Client, clock: VirtualClock) -> None:
        impatient = Client(cluster, timeout=10)
        cluster.scenarios.kill_bridge("one", silent=True)
        began = clock.monotonic()
        with pytest.raises(httpx.ReadTimeout):
            await impatient.send("GET", "calls")
        assert clock.monotonic() - began == pytest.approx(10, abs=1e-3)
        cluster.scenarios.kill_bridge("one", silent=False)
        with pytest.raises(httpx.ConnectError):
            await impatient.send("GET", "calls")

    with_cluster(main)


def test_a_step_of_the_wall_clock_shows_in_cdr_time_and_hurries_nothing() -> None:
    async def main(_: Cluster, client: Client, clock: VirtualClock) -> None:
        space = await client.make("coSpaces", "name=a")
        call = await client.make("calls", f"coSpace={space}")
        leg = await client.make(f"calls/{call}/callLegs", "remoteParty=room@example.com")
        await clock.sleep(1)
        before = await client.get("system/status")
        clock.step(timedelta(hours=1))
        after = await client.get("system/status")
        assert before.findtext("uptimeSeconds") == after.findtext("uptimeSeconds")
        assert before.findtext("cdrTime") == "2026-11-23T07:59:57Z"
        assert after.findtext("cdrTime") == "2026-11-23T08:59:57Z"
        assert (await client.get(f"callLegs/{leg}")).findtext("status/state") == "ringing"
        assert ids(await client.get("callLegs")) == [leg]

    with_cluster(main)


def test_knobs_can_change_while_the_cluster_runs() -> None:
    async def main(cluster: Cluster, client: Client, _: VirtualClock) -> list[str | None]:
        seen = []
        for version in ("2.0(RC)", "2.9.4"):
            cluster.knobs = replace(cluster.knobs, software_version=version)
            status = await client.get("system/status")
            seen.append(status[0].tag)
        return seen

    assert with_cluster(main) == ["softwareVersion", "hostId"]
