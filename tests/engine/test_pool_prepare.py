"""The pool is made, found again and enlarged."""

from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from cospaced.domain.writes import CreateParameterSet, CreateSpace, StartSync
from cospaced.errors import PoolUnsettled
from support.pool_bridge import Cms, Life
from support.pool_scene import (
    ADOPTING,
    BOOKING,
    NUMBERS,
    SETTINGS,
    in_virtual_time,
    kinds,
    pool_of,
    prepared,
    sized,
    stands_once_on_each_number,
    tms_spaces,
)
from support.virtual import VirtualClock, run_virtually


@in_virtual_time
async def test_the_pool_is_found_again_without_a_single_write(clock: VirtualClock) -> None:
    cms = Cms()
    first = Life(cms)
    made = await prepared(first, clock)
    second = Life(cms, first.facts)
    with capture_logs() as logs:
        found = await prepared(second, clock)
    assert second.writes == []
    assert found.by_number == made.by_number
    assert (found.made, found.found) == (0, 5)
    assert [e["event"] for e in logs] == ["pool.found"]
    assert cms.requests["has_members"] == 0


@in_virtual_time
async def test_with_the_state_lost_the_pool_is_found_by_looking(clock: VirtualClock) -> None:
    cms = Cms()
    made = await prepared(Life(cms), clock)
    second = Life(cms)
    found = await prepared(second, clock)
    assert second.writes == []
    assert found.by_number == made.by_number
    assert found.call_leg_profile == made.call_leg_profile


@in_virtual_time
async def test_preparing_twice_tells_nothing_new(clock: VirtualClock) -> None:
    life = Life(Cms())
    pool = pool_of(life, clock)
    await pool.prepare(life.bridge)
    with capture_logs() as logs:
        await pool.prepare(life.bridge)
    assert logs == []


@in_virtual_time
async def test_a_larger_range_makes_only_the_new_slots_and_leaves_open_ones_alone(
    clock: VirtualClock,
) -> None:
    cms = Cms()
    first = Life(cms)
    await prepared(first, clock)
    running = cms.change(
        cms.on(1002)[0], name="Board", non_member_access=True, cdr_tag=BOOKING, secret="s"
    )
    second = Life(cms, first.facts)
    with capture_logs() as logs:
        slots = await prepared(second, clock, sized(8))
    assert kinds(second) == [CreateSpace] * 3
    assert cms.spaces[running.id] == running
    assert slots.usable == tuple(range(1001, 1009))
    assert slots.open == (running,)
    assert ("pool.enlarged", 3) in [(e["event"], e.get("count")) for e in logs]
    assert cms.deleted == []


@in_virtual_time
async def test_a_much_larger_range_gets_one_more_set_over_the_empty_part(
    clock: VirtualClock,
) -> None:
    cms = Cms()
    first = Life(cms)
    await prepared(first, clock)
    before = dict(cms.spaces)
    second = Life(cms, first.facts)
    await prepared(second, clock, sized(50))
    assert kinds(second) == [CreateParameterSet, StartSync]
    assert isinstance(made := second.writes[0], CreateParameterSet)
    assert (made.start, made.end) == (1006, 1050)
    assert {k: cms.spaces[k] for k in before} == before
    assert set(cms.synced.values()) == {1}
    assert stands_once_on_each_number(cms, tuple(range(1001, 1051)))


@in_virtual_time
async def test_a_smaller_range_deletes_nothing_and_still_shows_what_is_open_outside(
    clock: VirtualClock,
) -> None:
    cms = Cms()
    first = Life(cms)
    await prepared(first, clock)
    running = cms.change(cms.on(1005)[0], name="Board", non_member_access=True, cdr_tag=BOOKING)
    second = Life(cms, first.facts)
    slots = await prepared(second, clock, sized(3))
    assert second.writes == []
    assert slots.usable == (1001, 1002, 1003)
    assert slots.open == (running,)
    assert slots.by_number[1005].space == running.id
    assert not slots.by_number[1005].usable
    assert 1004 not in slots.by_number
    # Once it is closed nothing of it is looked at any more.
    cms.change(running, name="cospaced_1005", non_member_access=False, cdr_tag="")
    third = Life(cms, first.facts)
    assert set((await prepared(third, clock, sized(3))).by_number) == {1001, 1002, 1003}
    cms.requests.clear()
    await prepared(Life(cms, first.facts), clock, sized(3))
    assert cms.requests["space"] == 3


@in_virtual_time
async def test_given_profiles_are_used_and_none_is_made(clock: VirtualClock) -> None:
    cms = Cms()
    cms.call_profiles.append("aaaaaaaa-0000-4000-8000-000000000001")
    cms.leg_profiles["bbbbbbbb-0000-4000-8000-000000000001"] = "Corporate"
    given = replace(
        SETTINGS,
        call_profile=cms.call_profiles[0].upper(),
        call_leg_profile="BBBBBBBB-0000-4000-8000-000000000001",
    )
    life = Life(cms)
    slots = await prepared(life, clock, given)
    assert kinds(life) == [CreateParameterSet, StartSync]
    assert slots.call_leg_profile == "bbbbbbbb-0000-4000-8000-000000000001"
    # Taken out of the configuration again, it makes nobody else's space ours.
    cms.put_space(1006, "Lobby", call_leg_profile=slots.call_leg_profile)
    later = await prepared(Life(cms, life.facts), clock, sized(6))
    assert later.usable == NUMBERS


@pytest.mark.parametrize("key", ["call_profile", "call_leg_profile"])
def test_a_given_profile_that_does_not_exist_is_told_with_its_key(key: str) -> None:
    async def main(clock: VirtualClock) -> None:
        life = Life(Cms())
        stranger = "cccccccc-0000-4000-8000-000000000001"
        given = (
            replace(SETTINGS, call_profile=stranger)
            if key == "call_profile"
            else replace(SETTINGS, call_leg_profile=stranger)
        )
        with pytest.raises(PoolUnsettled, match=rf"\[pool\] {key}: .*cccccccc"):
            await prepared(life, clock, given)
        assert life.writes == []

    run_virtually(main)


@in_virtual_time
async def test_looking_alone_writes_nothing_and_says_what_would_be_made(
    clock: VirtualClock,
) -> None:
    cms = Cms()
    tms_spaces(cms)
    del cms.spaces[cms.on(1002)[0].id]
    cms.put_space(1002, "Lobby")
    del cms.spaces[cms.on(1005)[0].id]
    life = Life(cms)
    slots = await pool_of(life, clock, ADOPTING).look(life.bridge)
    assert life.writes == []
    assert slots.missing == (1001, 1003, 1004, 1005)
    assert [clash.number for clash in slots.clashes] == [1002]
