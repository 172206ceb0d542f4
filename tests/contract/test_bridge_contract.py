"""The Bridge port's contract, on CmsBridge and ObservingBridge over the simulator."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest
from structlog.testing import capture_logs

from cospaced.cms.bridge import CmsBridge
from cospaced.cms.observing import ObservingBridge
from cospaced.cms.shadow import Shadow
from cospaced.domain.booking import SpaceForm
from cospaced.domain.seen import LegState
from cospaced.domain.writes import (
    CloseSpace,
    CreateCallLegProfile,
    CreateCallProfile,
    CreateParameterSet,
    CreateSpace,
    DialEndpoint,
    DropLeg,
    EndCall,
    OpenSpace,
    Result,
    ShowMessage,
    StartCall,
    StartSync,
    Write,
)
from cospaced.host.web import Web
from cospaced.ports import Bridge
from cospaced.settings import Secret
from cospaced.simulator.cluster import Cluster
from cospaced.simulator.knobs import Knobs
from support.virtual import SeededEntropy, VirtualClock, run_virtually


ABSENT = "00000000-0000-0000-0000-000000000000"
FORM = SpaceForm(
    name="Größe & Co",
    passcode="4711",
    secret="86db1bdd-5cf7-4ea8-b88d-479195f4701a",
    cdr_tag="booking-1",
    scheduler="anna@example.com",
)


@dataclass(frozen=True, kw_only=True)
class Scene:
    clock: VirtualClock
    cluster: Cluster
    bridge: Bridge
    other: Bridge
    """Another Call Bridge of the cluster."""

    async def done(self, write: Write, bridge: Bridge | None = None) -> str:
        outcome = await (bridge or self.bridge).write(write)
        assert outcome.result is Result.DONE, outcome
        return outcome.id

    async def a_space(self, number: int = 881001) -> str:
        return await self.done(
            CreateSpace(number=number, name=f"slot_{number}", call_profile="", call_leg_profile="")
        )

    async def a_call(self) -> str:
        space = await self.a_space()
        await self.done(OpenSpace(space=space, form=FORM))
        return await self.done(StartCall(space=space))


Story = Callable[[Scene], Awaitable[None]]
Play = Callable[..., None]


def _play(story: Story, kind: str, knobs: Knobs | None = None) -> None:
    async def main(clock: VirtualClock) -> None:
        cluster = Cluster(clock, SeededEntropy(1), bridges=("one", "two"), knobs=knobs)
        shadow = Shadow(clock)
        bridges: list[Bridge] = []
        for entry in cluster.bridges:
            real = CmsBridge(
                entry.name,
                entry.address,
                cluster.username,
                Secret(cluster.password),
                web=Web(transport=cluster.transport()),
                clock=clock,
            )
            bridges.append(real if kind == "cms" else ObservingBridge(real, shadow))
        await story(Scene(clock=clock, cluster=cluster, bridge=bridges[0], other=bridges[1]))
        if kind == "observing":
            assert cluster.requests.writes == 0
        for bridge in bridges:
            await bridge.close()

    run_virtually(main)


@pytest.fixture(params=["cms", "observing"])
def play(request: pytest.FixtureRequest) -> Play:
    return lambda story, **options: _play(story, request.param, **options)


def test_an_opened_space_reads_back_as_it_was_told_on_every_bridge(play: Play) -> None:
    async def story(scene: Scene) -> None:
        space = await scene.a_space()
        await scene.done(OpenSpace(space=space, form=FORM))
        for bridge in (scene.bridge, scene.other, scene.bridge.auditing):
            seen = await bridge.space(space)
            assert seen is not None
            assert (seen.name, seen.passcode, seen.secret) == ("Größe & Co", "4711", FORM.secret)
            assert (seen.cdr_tag, seen.scheduler) == ("booking-1", "anna@example.com")
            assert seen.non_member_access
            assert (seen.uri, seen.call_id) == ("881001", "881001")
            assert [one.name for one in await bridge.spaces()] == ["Größe & Co"]

    play(story)


def test_a_space_opened_again_without_a_passcode_has_none(play: Play) -> None:
    async def story(scene: Scene) -> None:
        space = await scene.a_space()
        await scene.done(OpenSpace(space=space, form=FORM))
        bare = SpaceForm(name="n", passcode="", secret="s-2", cdr_tag="b", scheduler="")
        await scene.done(OpenSpace(space=space, form=bare))
        seen = await scene.bridge.space(space)
        assert seen is not None
        assert (seen.passcode, seen.secret, seen.scheduler) == ("", "s-2", "")

    play(story)


def test_a_closed_space_has_its_placeholder_and_nothing_of_the_booking(play: Play) -> None:
    async def story(scene: Scene) -> None:
        space = await scene.a_space()
        await scene.done(OpenSpace(space=space, form=FORM))
        await scene.done(CloseSpace(space=space, name="slot_881001"))
        seen = await scene.bridge.space(space)
        assert seen is not None
        assert seen.name == "slot_881001"
        assert not seen.non_member_access
        assert (seen.passcode, seen.cdr_tag, seen.scheduler) == ("", "", "")
        assert seen.secret not in ("", FORM.secret)

    play(story)


def test_a_made_space_is_found_by_name_and_number_and_is_locked(play: Play) -> None:
    async def story(scene: Scene) -> None:
        await scene.a_space(881001)
        space = await scene.a_space(881002)
        for wanted in ("slot_881002", "881002"):
            assert [one.id for one in await scene.bridge.spaces(wanted)] == [space]
        assert len(await scene.bridge.spaces()) == 2
        seen = await scene.bridge.space(space)
        assert seen is not None
        assert not seen.non_member_access
        assert not await scene.bridge.has_members(space)

    play(story)


def test_a_started_call_is_listed_for_its_space_on_its_bridge_alone(play: Play) -> None:
    async def story(scene: Scene) -> None:
        space = await scene.a_space()
        assert await scene.bridge.calls(space) == ()
        call = await scene.done(StartCall(space=space))
        (seen,) = await scene.bridge.calls(space)
        assert (seen.bridge, seen.id, seen.space) == ("one", call, space)
        assert await scene.bridge.calls() == (seen,)
        assert await scene.other.calls(space) == ()
        other = await scene.a_space(881002)
        assert await scene.bridge.calls(other) == ()
        await scene.clock.sleep(7)
        assert await scene.bridge.call_age(call) == 7

    play(story)


def test_a_dialled_endpoint_has_a_leg_with_our_owner_and_connects(play: Play) -> None:
    async def story(scene: Scene) -> None:
        call = await scene.a_call()
        leg = await scene.done(
            DialEndpoint(call=call, endpoint="board@example.com", owner_id="owner-1", dtmf="1#")
        )
        (listed,) = await scene.bridge.legs(call)
        assert (listed.bridge, listed.id, listed.call) == ("one", leg, call)
        assert listed.remote_party == "board@example.com"
        await scene.clock.sleep(5)
        seen = await scene.bridge.leg(leg)
        assert seen is not None
        assert (seen.owner_id, seen.state) == ("owner-1", LegState.CONNECTED)
        assert (seen.call, seen.incoming, seen.subtype) == (call, False, "")

    play(story)


def test_a_dropped_leg_is_gone_and_dropping_it_again_is_done(play: Play) -> None:
    async def story(scene: Scene) -> None:
        call = await scene.a_call()
        leg = await scene.done(DialEndpoint(call=call, endpoint="a@x", owner_id="o"))
        await scene.clock.sleep(5)
        await scene.done(DropLeg(leg=leg))
        assert await scene.bridge.legs(call) == ()
        assert await scene.bridge.leg(leg) is None
        await scene.done(DropLeg(leg=leg))

    play(story)


def test_an_ended_call_is_gone_with_its_legs_and_ending_it_again_is_done(play: Play) -> None:
    async def story(scene: Scene) -> None:
        call = await scene.a_call()
        leg = await scene.done(DialEndpoint(call=call, endpoint="a@x", owner_id="o"))
        await scene.done(EndCall(call=call))
        assert await scene.bridge.calls() == ()
        assert await scene.bridge.legs(call) == ()
        assert await scene.bridge.leg(leg) is None
        assert await scene.bridge.call_age(call) is None
        await scene.done(EndCall(call=call))

    play(story)


def test_a_message_can_be_shown_in_a_call(play: Play) -> None:
    async def story(scene: Scene) -> None:
        call = await scene.a_call()
        assert await scene.done(ShowMessage(call=call, text="Ends in 5 minutes")) == ""

    play(story)


def test_a_synchronised_set_makes_its_spaces(play: Play) -> None:
    async def story(scene: Scene) -> None:
        profile = await scene.done(CreateCallProfile())
        leg_profile = await scene.done(CreateCallLegProfile(name="cospaced 1a2b"))
        assert profile in [one.id for one in await scene.bridge.call_profiles()]
        named = {one.id: one.name for one in await scene.bridge.call_leg_profiles()}
        assert named[leg_profile] == "cospaced 1a2b"
        made = await scene.done(
            CreateParameterSet(
                start=881001,
                end=881045,
                name_prefix="slot_",
                call_profile=profile,
                call_leg_profile=leg_profile,
            )
        )
        (seen,) = await scene.bridge.parameter_sets()
        assert (seen.id, seen.start, seen.end) == (made, 881001, 881045)
        assert (seen.uri_mapping, seen.name_mapping) == ("$index$", "slot_$index$")
        assert (seen.call_profile, seen.call_leg_profile) == (profile, leg_profile)
        sync = await scene.done(StartSync(parameter_set=made))
        await scene.clock.sleep(3)
        assert await scene.bridge.sync_status(sync) == "complete"
        spaces = await scene.bridge.spaces()
        assert sorted(int(one.call_id) for one in spaces) == list(range(881001, 881046))
        assert {one.name for one in spaces} == {f"slot_{n}" for n in range(881001, 881046)}
        single = await scene.bridge.space(spaces[0].id)
        assert single is not None
        assert (single.call_profile, single.call_leg_profile) == (profile, leg_profile)
        assert not single.non_member_access

    play(story)


def test_what_does_not_exist_is_none_or_empty(play: Play) -> None:
    async def story(scene: Scene) -> None:
        for absent in (ABSENT, ""):
            assert await scene.bridge.space(absent) is None
            assert await scene.bridge.leg(absent) is None
            assert await scene.bridge.call_age(absent) is None
            assert await scene.bridge.legs(absent) == ()
            assert not await scene.bridge.has_members(absent)
        assert (await scene.bridge.write(EndCall(call=""))).result is Result.REFUSED

    play(story, knobs=Knobs(missing_status=404))
    play(story)


def test_a_bridge_tells_its_status_its_peers_and_its_own_name(play: Play) -> None:
    async def story(scene: Scene) -> None:
        await scene.clock.sleep(30)
        status = await scene.bridge.status()
        assert status.uptime >= 30
        assert status.version
        peers = await scene.bridge.peers()
        assert [(peer.name, peer.address) for peer in peers] == [
            (entry.name, entry.address) for entry in scene.cluster.bridges
        ]
        assert await scene.bridge.unique_name() == "one"
        assert await scene.other.unique_name() == "two"
        assert (scene.bridge.name, scene.bridge.auditing.name) == ("one", "one")

    play(story)


def test_members_of_a_real_space_are_seen(play: Play) -> None:
    async def story(scene: Scene) -> None:
        space = scene.cluster.scenarios.make_space("Team").id
        assert not await scene.bridge.has_members(space)
        scene.cluster.scenarios.add_member("Team", "anna@example.com")
        assert await scene.bridge.has_members(space)

    play(story)


# Real spaces and calls under an observing bridge.


def test_real_spaces_calls_and_legs_are_seen_and_may_be_changed_for_the_eye_alone(
    play: Play,
) -> None:
    async def story(scene: Scene) -> None:
        scenarios = scene.cluster.scenarios
        space = scenarios.make_space("Team", uri="team", nonMemberAccess="true").id
        scenarios.dial_in("anna@example.com", "team", bridge="one")
        (call,) = await scene.bridge.calls(space)
        (leg,) = await scene.bridge.legs(call.id)
        await scene.done(DialEndpoint(call=call.id, endpoint="b@x", owner_id="o"))
        assert len(await scene.bridge.legs(call.id)) == 2
        await scene.done(DropLeg(leg=leg.id))
        assert [one.remote_party for one in await scene.bridge.legs(call.id)] == ["b@x"]
        assert await scene.bridge.leg(leg.id) is None
        await scene.done(OpenSpace(space=space, form=FORM))
        assert [one.name for one in await scene.other.spaces()] == ["Größe & Co"]
        await scene.done(EndCall(call=call.id))
        assert await scene.bridge.calls(space) == ()

    play(story)


def test_what_is_withheld_is_logged_without_secrets_titles_and_organizers() -> None:
    async def story(scene: Scene) -> None:
        space = await scene.a_space()
        with capture_logs() as logs:
            await scene.done(OpenSpace(space=space, form=FORM))
            call = await scene.done(StartCall(space=space))
            await scene.done(DialEndpoint(call=call, endpoint="b@x", owner_id="o"))
        text = str(logs)
        for hidden in ("4711", FORM.secret, FORM.name, "anna@example.com"):
            assert hidden not in text
        assert [entry["event"] for entry in logs] == ["observe.withheld"] * 3
        assert logs[0]["booking"] == "booking-1"
        assert logs[0]["url"].startswith(f"PUT /api/v1/coSpaces/{space} nonMemberAccess=true")
        assert logs[1]["url"] == f"POST /api/v1/calls coSpace={space}"
        assert (logs[2]["endpoint"], logs[2]["call"]) == ("b@x", call)

    _play(story, "observing")


# On CMS alone.


@pytest.mark.parametrize("version", ["2.0(RC)", "2.6.1", "2.9.4", "3.8"])
def test_opening_and_dialling_n_rooms_takes_2_plus_n_writes_and_closing_2(version: str) -> None:
    async def story(scene: Scene) -> None:
        space = await scene.a_space()
        scene.cluster.requests.clear()
        await scene.done(OpenSpace(space=space, form=FORM))
        call = await scene.done(StartCall(space=space))
        for endpoint in ("a@x", "b@x", "c@x"):
            await scene.done(DialEndpoint(call=call, endpoint=endpoint, owner_id=endpoint))
        assert scene.cluster.requests.writes == 5
        await scene.clock.sleep(5)
        states = [await scene.bridge.leg(leg.id) for leg in await scene.bridge.legs(call)]
        assert [one.state for one in states if one] == [LegState.CONNECTED] * 3
        scene.cluster.requests.clear()
        await scene.done(CloseSpace(space=space, name="slot_881001"))
        await scene.done(EndCall(call=call))
        assert scene.cluster.requests.writes == 2

    _play(story, "cms", Knobs(software_version=version))


def test_a_balanced_dial_makes_a_participant() -> None:
    async def story(scene: Scene) -> None:
        group = scene.cluster.scenarios.group_bridges("g")
        call = await scene.a_call()
        participant = await scene.done(
            DialEndpoint(
                call=call, endpoint="a@x", owner_id="o", call_bridge_group=group, balanced=True
            )
        )
        assert participant
        await scene.clock.sleep(5)
        legs = [
            leg
            for bridge in (scene.bridge, scene.other)
            for call in await bridge.calls()
            for leg in await bridge.legs(call.id)
            if leg.remote_party == "a@x"
        ]
        assert len(legs) == 1

    _play(story, "cms")
