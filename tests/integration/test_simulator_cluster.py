"""Several simulated Call Bridges with one database."""

import pytest

from cospaced.simulator.cluster import BridgeSpec, Cluster
from cospaced.simulator.knobs import Knobs
from cospaced.simulator.service import Request
from support.simulated import Client, ids, with_cluster
from support.virtual import VirtualClock


TWO = ("one", "two")
_A_REQUEST = Request("GET", "/api/v1/system/status")


def test_spaces_are_shared_and_calls_are_not() -> None:
    async def main(_: Cluster, client: Client, __: VirtualClock) -> None:
        space = await client.make("coSpaces", "name=a", bridge="one")
        assert ids(await client.get("coSpaces", bridge="two")) == [space]
        call = await client.make("calls", f"coSpace={space}", bridge="one")
        assert len(await client.get("calls", bridge="two")) == 0
        assert await client.refusal("GET", f"calls/{call}", bridge="two") == "callDoesNotExist"

    with_cluster(main, bridges=TWO)


def test_a_bridge_says_which_of_the_listed_ones_it_is() -> None:
    async def main(cluster: Cluster, client: Client, _: VirtualClock) -> None:
        page = await client.get("callBridges", bridge="two")
        assert [one.findtext("name") for one in page] == ["one", "two"]
        single = await client.get(f"callBridges/{ids(page)[1]}")
        assert single.findtext("address") == cluster.bridge("two").address
        for name in TWO:
            own = await client.get("system/configuration/cluster", bridge=name)
            assert own.findtext("uniqueName") == name

    with_cluster(main, bridges=TWO)


def test_a_standalone_server_lists_no_bridges() -> None:
    async def main(_: Cluster, client: Client, __: VirtualClock) -> None:
        assert (await client.get("callBridges")).get("total") == "0"
        assert (await client.get("system/status")).findtext("clusterEnabled") == "false"
        cluster = await client.get("system/configuration/cluster")
        assert cluster.findtext("uniqueName") == ""
        assert (await client.get("system/database")).get("clustered") == "disabled"

    with_cluster(main, knobs=Knobs(clustered=False))


def test_the_calls_of_one_space_share_a_correlator_and_are_linked() -> None:
    async def main(cluster: Cluster, client: Client, clock: VirtualClock) -> None:
        space = await client.make("coSpaces", "name=a&uri=a")
        first = await client.make("calls", f"coSpace={space}", bridge="one")
        assert cluster.scenarios.dial_in("a@example.com", "a", bridge="two") is not None
        sisters = [await client.get(f"calls?coSpaceFilter={space}", bridge=name) for name in TWO]
        assert ids(sisters[0]) == [first] != ids(sisters[1])
        correlators = {page[0].findtext("callCorrelator") for page in sisters}
        assert len(correlators) == 1
        (link,) = await client.get("callLegs", bridge="one")
        shown = await client.get(f"callLegs/{link.get('id')}", bridge="one")
        assert shown.findtext("subType") == "distributionLink"
        assert len(await client.get("callLegs", bridge="two")) == 2
        single = await client.get(f"calls/{first}", bridge="one")
        assert single.findtext("numParticipantsLocal") == "0"
        assert single.findtext("numParticipantsRemote") == "1"
        (remote,) = await client.get(f"calls/{first}/participants", bridge="one")
        assert remote.findtext("callBridge") == cluster.bridge("two").id
        refused = await client.refusal("DELETE", f"participants/{remote.get('id')}", bridge="one")
        assert refused == "participantCannotBeDeleted"
        cluster.scenarios.hang_up("a@example.com")
        await clock.sleep(1)
        assert len(await client.get("calls", bridge="two")) == 0
        assert len(await client.get("callLegs", bridge="one")) == 0
        assert ids(await client.get("calls", bridge="one")) == [first]

    with_cluster(main, bridges=TWO)


def test_deleting_one_call_of_a_space_leaves_its_sister() -> None:
    async def main(_: Cluster, client: Client, __: VirtualClock) -> None:
        space = await client.make("coSpaces", "name=a")
        calls = {name: await client.make("calls", f"coSpace={space}", bridge=name) for name in TWO}
        await client.send("DELETE", f"calls/{calls['one']}", bridge="one")
        assert len(await client.get("calls", bridge="one")) == 0
        assert ids(await client.get("calls", bridge="two")) == [calls["two"]]

    with_cluster(main, bridges=TWO)


def test_participants_go_where_they_are_sent_or_to_the_least_loaded() -> None:
    async def main(cluster: Cluster, client: Client, _: VirtualClock) -> None:
        space = await client.make("coSpaces", "name=a")
        call = await client.make("calls", f"coSpace={space}", bridge="one")
        path = f"calls/{call}/participants"

        async def legs_on(name: str) -> int:
            page = await client.get(f"calls?coSpaceFilter={space}", bridge=name)
            return int((await client.get(f"calls/{ids(page)[0]}", bridge=name))
                       .findtext("numParticipantsLocal") or 0) if len(page) else 0  # fmt: skip

        await client.make(path, "remoteParty=here@x")
        assert (await legs_on("one"), await legs_on("two")) == (1, 0)
        await client.make(path, f"remoteParty=there@x&callBridge={cluster.bridge('two').id}")
        assert (await legs_on("one"), await legs_on("two")) == (1, 1)
        group = cluster.scenarios.group_bridges("all", balance_outgoing=False)
        form = f"remoteParty=b@x&callBridgeGroup={group}"
        assert await client.refusal("POST", path, form) == "loadBalancingDisabled"
        await client.send("PUT", f"callBridgeGroups/{group}", "loadBalanceOutgoingCalls=true")
        cluster.scenarios.set_load("one", 50_000)
        await client.make(path, form)
        await client.make(path, "remoteParty=c@x")
        assert (await legs_on("one"), await legs_on("two")) == (1, 3)
        load = await client.get("system/load", bridge="one")
        assert load.findtext("mediaProcessingLoad") == "50700"
        cluster.scenarios.kill_bridge("two")
        await client.make(path, "remoteParty=d@x")
        assert await legs_on("one") == 2
        sent = f"remoteParty=e@x&callBridge={cluster.bridge('two').id}"
        assert await client.refusal("POST", path, sent) == "callBridgeUnavailable"

    with_cluster(main, bridges=TWO)


def test_a_dead_bridge_is_reported_by_the_others_and_has_lost_its_calls() -> None:
    async def main(cluster: Cluster, client: Client, clock: VirtualClock) -> None:
        space = await client.make("coSpaces", "name=a")
        call = await client.make("calls", f"coSpace={space}", bridge="two")
        await client.make(f"calls/{call}/callLegs", "remoteParty=room@x", bridge="two")
        await clock.sleep(100)
        cluster.scenarios.kill_bridge("two", silent=False)
        with pytest.raises(ConnectionError):
            await cluster.bridge("two").wire.exchange(_A_REQUEST)
        assert (await client.get("system/alarms")).get("total") == "0"
        await clock.sleep(6)
        (alarm,) = await client.get("system/alarms")
        assert alarm.findtext("type") == "callBridgeConnectionFailure"
        assert alarm.findtext("callBridgeName") == "two"
        assert not cluster.endpoint("room@x").busy
        cluster.scenarios.revive_bridge("two")
        await clock.sleep(3)
        status = await client.get("system/status", bridge="two")
        assert status.findtext("uptimeSeconds") == "3"
        assert len(await client.get("calls", bridge="two")) == 0
        assert (await client.get("system/alarms")).get("total") == "0"

    with_cluster(main, bridges=TWO)


def test_a_rebooting_bridge_comes_back_by_itself_and_is_busy_for_a_while() -> None:
    async def main(cluster: Cluster, client: Client, clock: VirtualClock) -> None:
        cluster.scenarios.reboot_bridge("one", 20, busy_seconds=5)
        await clock.sleep(19)
        with pytest.raises(ConnectionError):
            await cluster.bridge("one").wire.exchange(_A_REQUEST)
        await clock.sleep(3)
        assert (await client.send("GET", "system/status")).status_code == 503
        await clock.sleep(4)
        status = await client.get("system/status")
        assert status.findtext("uptimeSeconds") == "6"

    with_cluster(main)


def test_a_bridge_that_is_only_cut_off_keeps_its_calls() -> None:
    async def main(cluster: Cluster, client: Client, clock: VirtualClock) -> None:
        space = await client.make("coSpaces", "name=a")
        call = await client.make("calls", f"coSpace={space}", bridge="two")
        cluster.scenarios.cut_off("two", silent=False)
        with pytest.raises(ConnectionError):
            await cluster.bridge("two").wire.exchange(_A_REQUEST)
        await clock.sleep(60)
        assert (await client.get("system/alarms")).get("total") == "0"
        cluster.scenarios.reconnect("two")
        assert ids(await client.get("calls", bridge="two")) == [call]

    with_cluster(main, bridges=TWO)


def test_a_read_only_database_serves_reads_and_calls_but_no_writes() -> None:
    async def main(cluster: Cluster, client: Client, _: VirtualClock) -> None:
        space = await client.make("coSpaces", "name=a")
        cluster.scenarios.database("read_only")
        refused = await client.send("PUT", f"coSpaces/{space}", "name=b")
        assert (refused.status_code, refused.content) == (503, b"")
        assert (await client.get(f"coSpaces/{space}")).findtext("name") == "a"
        await client.make("calls", f"coSpace={space}")
        (alarm,) = await client.get("system/alarms")
        assert alarm.findtext("failureReason") == "destinationReadOnly"
        cluster.knobs = Knobs(database_down_status=400)
        assert await client.refusal("POST", "callProfiles") == "databaseNotReady"
        cluster.scenarios.database("unreachable")
        cluster.knobs = Knobs()
        assert (await client.send("GET", "coSpaces")).status_code == 503
        assert len(await client.get("calls")) == 1
        cluster.scenarios.database("ok")
        assert (await client.send("PUT", f"coSpaces/{space}", "name=b")).status_code == 200

    with_cluster(main)


def test_a_bridge_may_have_its_own_address_and_login() -> None:
    async def main(cluster: Cluster, client: Client, _: VirtualClock) -> None:
        assert cluster.bridge("two").address == "https://10.0.0.2:445"
        assert (await client.send("GET", "calls", bridge="one")).status_code == 200
        assert (await client.send("GET", "calls", bridge="two")).status_code == 401

    own = BridgeSpec(name="two", address="https://10.0.0.2:445", password="own")
    with_cluster(main, bridges=("one", own))


def test_one_seed_gives_one_history() -> None:
    async def main(cluster: Cluster, client: Client, clock: VirtualClock) -> list[str]:
        space = await client.make("coSpaces", "name=a&callId=1")
        for name in TWO:
            call = await client.make("calls", f"coSpace={space}", bridge=name)
            await client.make(f"calls/{call}/callLegs", f"remoteParty={name}@x", bridge=name)
            await clock.sleep(1)
        cluster.scenarios.kill_bridge("two")
        return [f"{one.at} {one.bridge} {one.path} {one.location}" for one in cluster.requests]

    knobs = Knobs(latency_before=(0.01, 0.05), latency_after=(0.01, 0.05))
    assert with_cluster(main, bridges=TWO, knobs=knobs) == with_cluster(
        main, bridges=TWO, knobs=knobs
    )
