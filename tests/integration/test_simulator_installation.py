"""What the simulator says of how it is set up: the nodes that a doctor asks."""

import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from cospaced.simulator.cluster import Cluster
from support.simulated import Client, ids, with_cluster
from support.virtual import VirtualClock


TWO = ("one", "two")


def test_an_alarm_has_an_id_a_type_its_age_and_its_details() -> None:
    async def main(cluster: Cluster, client: Client, clock: VirtualClock) -> None:
        raised = cluster.scenarios.raise_alarm(
            "two", "cdrConnectionFailure", failureReason="connectFailure", uri="http://gone"
        )
        await clock.sleep(60)
        assert (await client.get("system/alarms", bridge="one")).get("total") == "0"
        page = await client.send("GET", "system/alarms", bridge="two")
        assert page.text == (
            f'<?xml version="1.0"?><alarms total="1"><alarm id="{raised}">'
            "<type>cdrConnectionFailure</type><activeTimeSeconds>60</activeTimeSeconds>"
            "<failureReason>connectFailure</failureReason><uri>http://gone</uri></alarm></alarms>"
        )
        cluster.scenarios.clear_alarms("two")
        assert (await client.get("system/alarms", bridge="two")).get("total") == "0"

    with_cluster(main, bridges=TWO)


def test_licensing_tells_every_feature_in_its_order_with_status_and_expiry() -> None:
    async def main(cluster: Cluster, client: Client, _: VirtualClock) -> None:
        cluster.scenarios.license("one", "recording", "grace", "2026-Dec-08")
        features = (await client.get("system/licensing")).find("features")
        assert features is not None
        assert [one.tag for one in features] == [
            "callBridge",
            "callBridgeNoEncryption",
            "webBridge",
            "turn",
            "branding",
            "recording",
            "streaming",
            "personal",
            "shared",
            "capacityUnits",
        ]
        assert features.findtext("callBridge/status") == "activated"
        assert features.findtext("callBridgeNoEncryption/status") == "noLicense"
        assert features.find("callBridgeNoEncryption/expiry") is None
        recording = features.find("recording")
        assert recording is not None
        assert [(one.tag, one.text) for one in recording] == [
            ("status", "grace"),
            ("expiry", "2026-Dec-08"),
            ("limit", "100"),
        ]

    with_cluster(main)


def test_a_database_node_says_in_attributes_whether_it_is_up_primary_and_in_sync() -> None:
    async def main(cluster: Cluster, client: Client, _: VirtualClock) -> ET.Element:
        cluster.scenarios.fall_behind("two", 4096)
        return await client.get("system/database")

    database = with_cluster(main, bridges=TWO)
    assert database.get("clustered") == "enabled"
    first, second = database.iter("node")
    assert first.attrib == {"hostname": "one", "up": "true", "syncBehind": "0", "master": "true"}
    assert (second.get("syncBehind"), second.get("master")) == ("4096", "false")


def test_dial_plan_rules_list_domain_and_priority_and_show_the_rest_singly() -> None:
    async def main(cluster: Cluster, client: Client, _: VirtualClock) -> None:
        inbound = await client.make(
            "inboundDialPlanRules", "domain=cms.example.org&priority=1&resolveTocoSpaces=true"
        )
        listed = await client.get("inboundDialPlanRules")
        assert [(one.tag, one.text) for one in listed[0]] == [
            ("domain", "cms.example.org"),
            ("priority", "1"),
        ]
        single = await client.get(f"inboundDialPlanRules/{inbound}")
        assert single.findtext("resolveTocoSpaces") == "true"
        rule = cluster.scenarios.route_out("*.example.org", sipProxy="cucm.example.org")
        assert ids(await client.get("outboundDialPlanRules?filter=example")) == [rule]
        shown = await client.get(f"outboundDialPlanRules/{rule}")
        assert shown.findtext("sipProxy") == "cucm.example.org"
        assert (shown.findtext("scope"), shown.findtext("priority")) == ("global", "0")
        reason = await client.refusal("GET", "inboundDialPlanRules/none")
        assert reason == "inboundDialPlanRuleDoesNotExist"

    with_cluster(main)


@pytest.mark.parametrize("node", ["system/licensing", "callBridgeGroups", "system/alarms"])
def test_a_node_that_a_release_lacks_is_an_unknown_path(node: str) -> None:
    async def main(cluster: Cluster, client: Client, _: VirtualClock) -> tuple[int, str]:
        cluster.knobs = replace(cluster.knobs, lacking=(node,))
        answer = await client.send("GET", node)
        return answer.status_code, answer.text

    status, text = with_cluster(main)
    assert status == 404
    assert "unrecognisedObject" in text
