"""The simulator's calls, call legs, participants and endpoints."""

import pytest

from cospaced.simulator.cluster import Cluster
from cospaced.simulator.endpoints import Answer, Behaviour
from cospaced.simulator.knobs import ActiveSpace, Knobs
from support.simulated import Client, ids, with_cluster
from support.virtual import VirtualClock


ROOM = "Room@Example.com"


async def a_call(cluster: Cluster, client: Client, name: str = "a space") -> tuple[str, str]:
    """Make a space, and a call through the API; return their ids."""
    space = cluster.scenarios.make_space(name, uri=name.replace(" ", "."))
    return space.id, await client.make("calls", f"coSpace={space.id}")


async def state(client: Client, leg: str) -> str | None:
    answer = await client.send("GET", f"callLegs/{leg}")
    if "callLegDoesNotExist" in answer.text:
        return None
    return (await client.get(f"callLegs/{leg}")).findtext("status/state")


def test_a_leg_is_initial_then_rings_then_is_connected() -> None:
    async def main(cluster: Cluster, client: Client, clock: VirtualClock) -> None:
        space, call = await a_call(cluster, client)
        cluster.scenarios.behave(ROOM, Behaviour(rings=4))
        form = f"remoteParty=sip:{ROOM}&ownerId=owner-1&confirmation=false&bandwidth=2000000"
        leg = await client.make(f"calls/{call}/callLegs", form)
        seen = []
        for seconds in (0, 1, 4, 600):
            await clock.sleep(seconds)
            seen.append(await state(client, leg))
        assert seen == ["initial", "ringing", "connected", "connected"]
        shown = await client.get(f"callLegs/{leg}")
        assert shown.findtext("configuration/ownerId") == "owner-1"
        assert shown.findtext("remoteParty") == f"sip:{ROOM}"
        assert shown.findtext("direction") == "outgoing"
        assert 599 <= int(shown.findtext("status/durationSeconds") or 0) <= 601
        assert shown.find("status/rxVideo") is not None
        endpoint = cluster.endpoint("sip:room@example.com;transport=tls")
        assert [(ring.space, ring.leg) for ring in endpoint.rings] == [(space, leg)]
        assert endpoint.connected

    with_cluster(main)


@pytest.mark.parametrize(
    ("behaviour", "gone_after", "reason", "rings"),
    [
        (Behaviour(answer=Answer.BUSY), 1, "remoteBusy", 0),
        (Behaviour(answer=Answer.UNKNOWN), 1, "unknownDestination", 0),
        (Behaviour(answer=Answer.REJECT, rings=3), 4, "remoteRejected", 1),
        (Behaviour(answer=Answer.NO_ANSWER), 61, "ringingTimeout", 1),
        (Behaviour(rings=2, hangs_up=30), 33, "remoteTeardown", 1),
        (Behaviour(rings=2, drops=5), 8, "error", 1),
    ],
)
def test_a_leg_that_fails_or_ends_vanishes(
    behaviour: Behaviour, gone_after: float, reason: str, rings: int
) -> None:
    async def main(cluster: Cluster, client: Client, clock: VirtualClock) -> None:
        _, call = await a_call(cluster, client)
        cluster.scenarios.behave(ROOM, behaviour)
        leg = await client.make(f"calls/{call}/callLegs", f"remoteParty={ROOM}")
        assert await state(client, leg) == "initial"
        await clock.sleep(gone_after)
        assert await state(client, leg) is None
        (ended,) = cluster.ended_legs
        assert (ended.leg, ended.reason) == (leg, reason)
        endpoint = cluster.endpoint(ROOM)
        assert (len(endpoint.invites), len(endpoint.rings)) == (1, rings)
        assert not endpoint.busy
        assert len(await client.get("calls")) == 1, "a call made through the API outlives its legs"

    with_cluster(main)


def test_an_endpoint_is_in_one_call_at_a_time() -> None:
    async def main(cluster: Cluster, client: Client, clock: VirtualClock) -> None:
        _, first = await a_call(cluster, client, "first")
        _, second = await a_call(cluster, client, "second")
        await client.make(f"calls/{first}/callLegs", f"remoteParty={ROOM}")
        await clock.sleep(0.5)
        while_ringing = await client.make(f"calls/{second}/callLegs", f"remoteParty={ROOM}")
        await clock.sleep(5)
        assert await state(client, while_ringing) is None
        again = await client.make(f"calls/{first}/callLegs", f"remoteParty={ROOM}")
        await clock.sleep(5)
        assert await state(client, again) is None
        endpoint = cluster.endpoint(ROOM)
        assert (len(endpoint.invites), len(endpoint.rings)) == (3, 1)
        cluster.scenarios.hang_up(ROOM)
        await client.make(f"calls/{second}/callLegs", f"remoteParty={ROOM}")
        await clock.sleep(5)
        assert len(cluster.endpoint(ROOM).rings) == 2

    with_cluster(main)


def test_an_endpoint_follows_its_script_call_by_call() -> None:
    async def main(cluster: Cluster, client: Client, clock: VirtualClock) -> None:
        _, call = await a_call(cluster, client)
        busy = Behaviour(answer=Answer.BUSY)
        cluster.scenarios.behave(ROOM, busy, busy, Behaviour(rings=1))
        seen = []
        for _unused in range(3):
            leg = await client.make(f"calls/{call}/callLegs", f"remoteParty={ROOM}")
            await clock.sleep(3)
            seen.append(await state(client, leg))
        assert seen == [None, None, "connected"]

    with_cluster(main)


def test_deleting_a_leg_while_it_rings_stops_the_ringing() -> None:
    async def main(cluster: Cluster, client: Client, clock: VirtualClock) -> None:
        _, call = await a_call(cluster, client)
        leg = await client.make(f"calls/{call}/callLegs", f"remoteParty={ROOM}")
        await clock.sleep(1)
        await client.send("DELETE", f"callLegs/{leg}")
        assert await client.refusal("DELETE", f"callLegs/{leg}") == "callLegDoesNotExist"
        await clock.sleep(5)
        endpoint = cluster.endpoint(ROOM)
        assert not endpoint.busy
        assert endpoint.connects == []

    with_cluster(main)


def test_a_call_that_people_began_ends_with_its_last_leg() -> None:
    async def main(cluster: Cluster, client: Client, _: VirtualClock) -> None:
        cluster.scenarios.make_space("open", uri="open.space", callId="42", passcode="1")
        dial_in = cluster.scenarios.dial_in
        assert dial_in("a@example.com", "open.space@example.com") is None, "no passcode"
        assert dial_in("a@example.com", "nowhere") is None
        assert dial_in("a@example.com", "open.space@example.com", passcode="1") is not None
        assert dial_in("a@example.com", "42", passcode="1") is None, "talks already"
        assert dial_in("b@example.com", "42", passcode="1") is not None
        (call,) = ids(await client.get("calls"))
        legs = await client.get(f"calls/{call}/callLegs")
        assert [leg.findtext("remoteParty") for leg in legs] == ["a@example.com", "b@example.com"]
        shown = await client.get(f"callLegs/{ids(legs)[0]}")
        assert shown.findtext("direction") == "incoming"
        cluster.scenarios.operator_edits("open", nonMemberAccess="false")
        assert dial_in("c@example.com", "42", passcode="1") is None, "closed"
        cluster.scenarios.hang_up("a@example.com")
        assert len(await client.get("calls")) == 1
        cluster.scenarios.hang_up("b@example.com")
        assert len(await client.get("calls")) == 0

    with_cluster(main)


@pytest.mark.parametrize("active_space", list(ActiveSpace))
def test_a_second_call_for_a_space_is_answered_as_the_knob_says(active_space: ActiveSpace) -> None:
    async def main(cluster: Cluster, client: Client, _: VirtualClock) -> None:
        space, call = await a_call(cluster, client)
        if active_space is ActiveSpace.REFUSE:
            assert await client.refusal("POST", "calls", f"coSpace={space}") == "invalidOperation"
            return
        again = await client.make("calls", f"coSpace={space}")
        listed = ids(await client.get(f"calls?coSpaceFilter={space}"))
        assert listed == ([call] if active_space is ActiveSpace.EXISTING else [call, again])

    with_cluster(main, knobs=Knobs(active_space=active_space))


def test_an_api_call_lives_until_it_is_deleted_and_takes_its_legs_along() -> None:
    async def main(cluster: Cluster, client: Client, clock: VirtualClock) -> None:
        space, call = await a_call(cluster, client)
        await client.make(f"calls/{call}/callLegs", f"remoteParty={ROOM}")
        await clock.sleep(3600)
        shown = await client.get(f"calls/{call}")
        assert shown.findtext("durationSeconds") == "3600"
        assert (shown.findtext("numCallLegs"), shown.findtext("coSpace")) == ("1", space)
        await client.send("DELETE", f"calls/{call}")
        assert await client.refusal("DELETE", f"calls/{call}") == "callDoesNotExist"
        assert [leg.reason for leg in cluster.ended_legs] == ["apiInitiatedTeardown"]
        status = await client.get("system/status")
        assert status.findtext("callLegsActive") == "0"
        assert status.findtext("callLegsCompleted") == "1"

    with_cluster(main)


def test_an_empty_api_call_ends_after_the_idle_timeout_if_there_is_one() -> None:
    async def main(cluster: Cluster, client: Client, clock: VirtualClock) -> None:
        _, call = await a_call(cluster, client)
        await clock.sleep(50)
        cluster.scenarios.behave(ROOM, Behaviour(hangs_up=20))
        await client.make(f"calls/{call}/callLegs", f"remoteParty={ROOM}")
        await clock.sleep(80)
        assert len(await client.get("calls")) == 1
        await clock.sleep(10)
        assert len(await client.get("calls")) == 0

    with_cluster(main, knobs=Knobs(idle_timeout=60))


def test_a_call_shows_the_name_its_space_has_now() -> None:
    async def main(cluster: Cluster, client: Client, _: VirtualClock) -> None:
        space, call = await a_call(cluster, client)
        cluster.scenarios.operator_renames(space, "renamed")
        answer = await client.send("GET", "calls")
        assert answer.text.startswith('<calls total="1"><call id="'), "no prolog"
        assert "<name>renamed</name>" in answer.text
        single = await client.send("GET", f"calls/{call}")
        assert single.text.startswith("<?xml")

    with_cluster(main)


def test_messages_put_to_a_call_are_kept_and_bad_ones_refused() -> None:
    async def main(cluster: Cluster, client: Client, _: VirtualClock) -> None:
        space, call = await a_call(cluster, client)
        form = "messageText=Ends+in+5+min&messagePosition=top&messageDuration=20"
        await client.send("PUT", f"calls/{call}", form)
        (message,) = cluster.messages
        assert (message.space, message.text, message.duration) == (space, "Ends in 5 min", "20")
        reason = await client.refusal("PUT", f"calls/{call}", "messagePosition=left")
        assert reason == "parameterError messagePosition invalidValue"
        await client.send("PUT", f"calls/{call}", "messageDuration=permanent")
        assert (await client.get(f"calls/{call}")).findtext("messageDuration") == "permanent"

    with_cluster(main)


def test_profiles_limit_participants_time_and_recording() -> None:
    async def main(cluster: Cluster, client: Client, clock: VirtualClock) -> None:
        form = "participantLimit=1&recordingMode=disabled"
        limits = await client.make("callProfiles", form)
        short = await client.make("callLegProfiles", "maxCallDurationTime=60")
        space, call = await a_call(cluster, client)
        await client.send(
            "PUT", f"coSpaces/{space}", f"callProfile={limits}&callLegProfile={short}"
        )
        await client.make(f"calls/{call}/callLegs", f"remoteParty={ROOM}")
        refused = await client.refusal("POST", f"calls/{call}/callLegs", "remoteParty=b@x")
        assert refused == "participantLimitReached"
        refused = await client.refusal("PUT", f"calls/{call}", "recording=true")
        assert refused == "callRecordingCannotBeModified"
        await clock.sleep(70)
        assert [leg.reason for leg in cluster.ended_legs] == ["timeout"]

    with_cluster(main)


@pytest.mark.parametrize(
    ("form", "reason"),
    [
        ("", "parameterError remoteParty invalidValue"),
        ("remoteParty=a@x&bandwidth=fast", "parameterError bandwidth invalidValue"),
        ("remoteParty=a@x&confirmation=no", "parameterError confirmation invalidValue"),
        ("remoteParty=a@x&dtmfSequence=1%3B", "parameterError dtmfSequence invalidValue"),
        ("remoteParty=a@x&callLegProfile=0", "callLegProfileDoesNotExist"),
        ("remoteParty=a@x&nameLabelOverride=" + "%C3%BC" * 26,
         "parameterError nameLabelOverride invalidValue"),
    ],
)  # fmt: skip
def test_a_bad_leg_is_refused_and_rings_nobody(form: str, reason: str) -> None:
    async def main(cluster: Cluster, client: Client, _: VirtualClock) -> None:
        _space, call = await a_call(cluster, client)
        assert await client.refusal("POST", f"calls/{call}/callLegs", form) == reason
        assert len(await client.get("callLegs")) == 0

    with_cluster(main)


def test_participants_are_those_who_ring_or_talk() -> None:
    async def main(cluster: Cluster, client: Client, clock: VirtualClock) -> None:
        _space, call = await a_call(cluster, client)
        form = f"remoteParty={ROOM}&ownerId=o&importance=3"
        participant = await client.make(f"calls/{call}/participants", form)
        page = await client.get(f"calls/{call}/participants")
        assert ids(page) == [participant] == ids(await client.get("participants"))
        (leg,) = ids(await client.get(f"participants/{participant}/callLegs"))
        assert (await client.get(f"callLegs/{leg}")).findtext("configuration/ownerId") == "o"
        await clock.sleep(5)
        shown = await client.get(f"participants/{participant}")
        assert shown.findtext("status/state") == "connected"
        assert shown.findtext("uri") == f"{ROOM};x-cisco-number=1"
        assert shown.findtext("configuration/importance") == "3"
        await client.send("PUT", f"calls/{call}/participants/*", "rxAudioMute=true")
        assert (await client.get(f"callLegs/{leg}")).findtext("configuration/rxAudioMute") == "true"
        await client.send("DELETE", f"participants/{participant}")
        assert len(await client.get("callLegs")) == 0

    with_cluster(main, knobs=Knobs(party_suffix=";x-cisco-number=1"))


def test_with_an_enforced_dial_plan_a_leg_needs_a_rule() -> None:
    async def main(cluster: Cluster, client: Client, clock: VirtualClock) -> None:
        _space, call = await a_call(cluster, client)
        await client.make("outboundDialPlanRules", "domain=*.example.com&priority=1")
        for uri in ("a@x.example.com", "a@elsewhere.org"):
            await client.make(f"calls/{call}/callLegs", f"remoteParty={uri}")
        await clock.sleep(5)
        legs = await client.get("callLegs")
        assert [leg.findtext("remoteParty") for leg in legs] == ["a@x.example.com"]
        assert [leg.reason for leg in cluster.ended_legs] == ["unknownDestination"]

    with_cluster(main, knobs=Knobs(enforce_dial_plan=True))


@pytest.mark.parametrize(
    ("text", "behaviour"),
    [
        ("connect", Behaviour()),
        ("connect:3", Behaviour(rings=3)),
        ("connect:1,hangup:600", Behaviour(rings=1, hangs_up=600)),
        ("connect,drop:30", Behaviour(drops=30)),
        ("busy", Behaviour(answer=Answer.BUSY)),
        ("no-answer", Behaviour(answer=Answer.NO_ANSWER)),
    ],
)
def test_a_behaviour_can_be_written(text: str, behaviour: Behaviour) -> None:
    assert Behaviour.parse(text) == behaviour


@pytest.mark.parametrize("text", ["", "maybe", "connect:x", "connect,sings:3", "connect,hangup"])
def test_a_behaviour_that_is_none_says_what_to_write(text: str) -> None:
    with pytest.raises(ValueError, match="write connect"):
        Behaviour.parse(text)
