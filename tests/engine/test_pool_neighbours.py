"""What is not ours is taken over where it may be, and otherwise never written."""

import asyncio

import pytest
from structlog.testing import capture_logs

from cospaced.domain.seen import SeenCall
from cospaced.domain.writes import (
    CloseSpace,
    CreateCallLegProfile,
    CreateCallProfile,
    CreateParameterSet,
    CreateSpace,
    StartSync,
)
from cospaced.engine.pool import Pool
from cospaced.errors import PoolUnsettled
from support.pool_bridge import Cms, Life
from support.pool_scene import (
    ADOPTING,
    BOOKING,
    NUMBERS,
    PROFILE,
    SETTINGS,
    in_virtual_time,
    kinds,
    pool_of,
    prepared,
    sized,
    stands_once_on_each_number,
    tms_spaces,
)
from support.virtual import VirtualClock


@in_virtual_time
async def test_an_empty_range_is_made_with_the_four_writes_that_tms_takes(
    clock: VirtualClock,
) -> None:
    cms = Cms()
    life = Life(cms)
    with capture_logs() as logs:
        slots = await prepared(life, clock)
    assert kinds(life) == [
        CreateCallProfile,
        CreateCallLegProfile,
        CreateParameterSet,
        StartSync,
    ]
    assert stands_once_on_each_number(cms)
    assert slots.usable == NUMBERS
    assert {n: slot.space for n, slot in slots.by_number.items()} == {
        n: cms.on(n)[0].id for n in NUMBERS
    }
    assert (slots.made, slots.found, slots.open, slots.clashes) == (5, 0, (), ())
    assert cms.leg_profiles[slots.call_leg_profile] == PROFILE
    assert {s.call_profile for s in cms.spaces.values()} == set(cms.call_profiles)
    assert [(e["event"], e["count"]) for e in logs] == [("pool.made", 5)]
    # TMS takes one list and one look at its sync here; ours sees each slot singly besides.
    assert cms.requests["spaces"] == 2
    assert cms.requests["space"] == 5


@in_virtual_time
async def test_with_the_state_lost_a_missing_space_gets_the_profiles_of_the_others(
    clock: VirtualClock,
) -> None:
    cms = Cms()
    await prepared(Life(cms), clock)
    del cms.spaces[cms.on(1003)[0].id]
    second = Life(cms)
    await prepared(second, clock)
    assert kinds(second) == [CreateSpace]
    assert stands_once_on_each_number(cms)
    assert len({(s.call_profile, s.call_leg_profile) for s in cms.spaces.values()}) == 1


@in_virtual_time
async def test_a_static_space_in_the_range_costs_only_its_number(clock: VirtualClock) -> None:
    cms = Cms()
    lobby = cms.put_space(1003, "Lobby")
    life = Life(cms)
    with capture_logs() as logs:
        slots = await prepared(life, clock)
    assert slots.usable == (1001, 1002, 1004, 1005)
    assert [(c.number, c.space) for c in slots.clashes] == [(1003, lobby.id)]
    assert cms.spaces[lobby.id] == lobby
    assert [e["number"] for e in logs if e["event"] == "pool.clash"] == [1003]
    assert "Lobby" not in repr(logs)


@in_virtual_time
async def test_many_clashes_are_told_in_one_line(clock: VirtualClock) -> None:
    cms = Cms()
    for number in (*range(1001, 1010), 1015):
        cms.put_space(number, "static")
    with capture_logs() as logs:
        await prepared(Life(cms), clock, sized(30))
    (told,) = [e for e in logs if e["event"] == "pool.clash"]
    assert told["number"] == "1001-1009, 1015"
    assert told["count"] == 10


@in_virtual_time
async def test_a_range_without_one_usable_number_is_unsettled(clock: VirtualClock) -> None:
    cms = Cms()
    for number in NUMBERS:
        cms.put_space(number, f"TMS_Scheduled_Meeting_{number}", non_member_access=False)
    before = dict(cms.spaces)
    with pytest.raises(PoolUnsettled, match="adopt_prefix = TMS_Scheduled_Meeting_"):
        await prepared(Life(cms), clock)
    assert cms.spaces == before


@in_virtual_time
async def test_another_sites_slot_stops_everything_and_is_told_once(clock: VirtualClock) -> None:
    cms = Cms()
    other = cms.put_leg_profile("cospaced ffff0000")
    cms.put_space(1001, "cospaced_1001", non_member_access=False, call_leg_profile=other)
    life = Life(cms)
    pool = pool_of(life, clock)
    with capture_logs() as logs:
        for _ in range(2):
            with pytest.raises(PoolUnsettled, match=r"1001.*cospaced ffff0000.*site\.key"):
                await pool.prepare(life.bridge)
    assert life.writes == []
    assert [e["event"] for e in logs] == ["pool.unsettled"]
    # Settled as the text says: the daemon goes on by itself.
    cms.leg_profiles[other] = PROFILE
    assert (await pool.prepare(life.bridge)).usable == NUMBERS


@in_virtual_time
async def test_of_two_new_daemons_on_one_range_at_most_one_is_content(clock: VirtualClock) -> None:
    cms = Cms()
    one, two = Life(cms), Life(cms)
    rival = Pool(
        settings=SETTINGS, site_id="ffff0000", store=two.store, clock=clock, ours=lambda _: False
    )
    results = await asyncio.gather(
        prepared(one, clock), rival.prepare(two.bridge), return_exceptions=True
    )
    assert any(isinstance(result, PoolUnsettled) for result in results)
    assert all(len(cms.on(number)) == 1 for number in NUMBERS)


@in_virtual_time
async def test_closed_spaces_of_tms_are_taken_over_under_our_name(clock: VirtualClock) -> None:
    cms = Cms()
    tms_spaces(cms)
    ids = set(cms.spaces)
    life = Life(cms)
    with capture_logs() as logs:
        slots = await prepared(life, clock, ADOPTING)
    assert set(kinds(life)) == {CloseSpace}
    assert set(cms.spaces) == ids
    assert stands_once_on_each_number(cms)
    assert slots.usable == NUMBERS
    assert ("pool.adopted", 5) in [(e["event"], e.get("count")) for e in logs]
    second = Life(cms, life.facts)
    assert (await prepared(second, clock, ADOPTING)).usable == NUMBERS
    assert second.writes == []


@in_virtual_time
async def test_what_is_missing_among_adopted_spaces_is_made(clock: VirtualClock) -> None:
    cms = Cms()
    tms_spaces(cms)
    del cms.spaces[cms.on(1002)[0].id]
    life = Life(cms)
    assert (await prepared(life, clock, ADOPTING)).usable == NUMBERS
    assert kinds(life).count(CreateSpace) == 1
    assert stands_once_on_each_number(cms)


@in_virtual_time
async def test_a_tms_space_with_members_is_not_taken_over(clock: VirtualClock) -> None:
    cms = Cms()
    tms_spaces(cms)
    cms.members.add(cms.on(1004)[0].id)
    slots = await prepared(Life(cms), clock, ADOPTING)
    assert slots.usable == (1001, 1002, 1003, 1005)
    assert cms.on(1004)[0].name == "TMS_Scheduled_Meeting_1004"


@in_virtual_time
async def test_a_call_in_a_space_to_be_taken_over_stops_everything(clock: VirtualClock) -> None:
    cms = Cms()
    tms_spaces(cms)
    cms.calls.append(SeenCall(bridge="core1", id="call", space=cms.on(1002)[0].id))
    before = dict(cms.spaces)
    with pytest.raises(PoolUnsettled, match=r"1002.*a call is running"):
        await prepared(Life(cms), clock, ADOPTING)
    assert cms.spaces == before


@in_virtual_time
async def test_an_open_space_of_tms_stops_everything(clock: VirtualClock) -> None:
    cms = Cms()
    tms_spaces(cms)
    cms.change(cms.on(1002)[0], name="Tim's conference", non_member_access=True)
    before = dict(cms.spaces)
    with pytest.raises(PoolUnsettled, match=r"1002.*TMS still works") as raised:
        await prepared(Life(cms), clock, ADOPTING)
    assert cms.spaces == before
    assert "Tim" not in str(raised.value)


@in_virtual_time
async def test_tms_that_comes_back_to_adopted_spaces_stops_everything(
    clock: VirtualClock,
) -> None:
    cms = Cms()
    tms_spaces(cms)
    life = Life(cms)
    await prepared(life, clock, ADOPTING)
    cms.change(cms.on(1005)[0], name="Tim's conference", non_member_access=True)
    with pytest.raises(PoolUnsettled, match=r"1005.*TMS still works"):
        await prepared(Life(cms, life.facts), clock, SETTINGS)


@in_virtual_time
async def test_an_adopted_slot_open_for_our_booking_is_ours(clock: VirtualClock) -> None:
    cms = Cms()
    tms_spaces(cms)
    life = Life(cms)
    await prepared(life, clock, ADOPTING)
    running = cms.change(cms.on(1005)[0], name="Board", non_member_access=True, cdr_tag=BOOKING)
    assert (await prepared(Life(cms), clock)).open == (running,)
    # A booking that nobody knows is another daemon's, as far as one can tell.
    with pytest.raises(PoolUnsettled, match=r"1005.*no calendar"):
        await prepared(Life(cms), clock, bookings="")


@in_virtual_time
async def test_an_adoption_that_cms_refuses_costs_only_its_number(clock: VirtualClock) -> None:
    cms = Cms()
    tms_spaces(cms)
    for number in (1003, 1004, 1005):
        del cms.spaces[cms.on(number)[0].id]
    life = Life(cms)
    life.refused[CloseSpace] = "parameterError"
    slots = await prepared(life, clock, ADOPTING)
    assert slots.usable == (1003, 1004, 1005)
    assert ["parameterError" in clash.why for clash in slots.clashes] == [True, True]
