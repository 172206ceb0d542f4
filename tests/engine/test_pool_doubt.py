"""Lost answers, refusals and failing syncs end in the same pool."""

import pytest
from structlog.testing import capture_logs

from cospaced.domain.writes import (
    CloseSpace,
    CreateCallLegProfile,
    CreateCallProfile,
    CreateParameterSet,
    CreateSpace,
    StartSync,
    Write,
)
from cospaced.engine.pool_bulk import SYNC_PATIENCE
from cospaced.errors import PoolUnsettled, Unreachable
from support.pool_bridge import Cms, Life
from support.pool_scene import (
    ADOPTING,
    NUMBERS,
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
async def test_a_number_held_by_an_access_method_fails_the_sync_and_costs_only_itself(
    clock: VirtualClock,
) -> None:
    cms = Cms()
    cms.taken.add("1004")
    life = Life(cms)
    slots = await prepared(life, clock)
    assert slots.usable == (1001, 1002, 1003, 1005)
    (clash,) = slots.clashes
    assert clash.number == 1004
    assert "duplicateCoSpaceUri" in clash.why
    assert len(cms.synced) == 1
    # At the next start only the one that is missing is tried again, and no set is made.
    second = Life(cms, life.facts)
    await prepared(second, clock)
    assert kinds(second) == [CreateSpace]


@pytest.mark.parametrize(
    "status", ["failed", "failedIndexRangeTooGreat", "failedCallIdConflict", "nonsense"]
)
def test_a_sync_that_fails_is_made_up_for_one_by_one(status: str) -> None:
    async def main(clock: VirtualClock) -> None:
        cms = Cms()
        cms.sync_fails = status
        life = Life(cms)
        with capture_logs() as logs:
            slots = await prepared(life, clock)
        assert slots.usable == NUMBERS
        assert stands_once_on_each_number(cms)
        assert [e["reason"] for e in logs if e["event"] == "pool.bulk_left"] == [
            f"the bulk sync ended as {status}"
        ]

    run_virtually(main)


@in_virtual_time
async def test_a_sync_that_never_ends_is_told_and_looked_at_again_not_repeated(
    clock: VirtualClock,
) -> None:
    cms = Cms(sync_seconds=SYNC_PATIENCE + 100)
    life = Life(cms)
    pool = pool_of(life, clock)
    with pytest.raises(PoolUnsettled, match="has been pending for 10 min"):
        await pool.prepare(life.bridge)
    assert clock.monotonic() < SYNC_PATIENCE + 60
    slots = await pool.prepare(life.bridge)
    assert slots.usable == NUMBERS
    assert kinds(life).count(StartSync) == 1


@pytest.mark.parametrize("after", [None, 0.0, 3.0, 20.0])
@pytest.mark.parametrize(
    "kind", [CreateCallProfile, CreateCallLegProfile, CreateParameterSet, StartSync]
)
def test_a_lost_answer_is_followed_by_a_look(kind: type[Write], after: float | None) -> None:
    """Whether the write takes effect at once, later or never."""

    async def main(clock: VirtualClock) -> None:
        cms = Cms()
        life = Life(cms)
        life.unanswered[kind] = after
        pool = pool_of(life, clock)
        try:
            slots = await pool.prepare(life.bridge)
        except Unreachable:
            await clock.sleep(60)
            slots = await pool.prepare(life.bridge)
        assert slots.usable == NUMBERS
        await clock.sleep(60)
        cms.catch_up()
        assert stands_once_on_each_number(cms)
        assert max(cms.synced.values(), default=0) <= 1
        assert cms.deleted == []

    run_virtually(main)


@pytest.mark.parametrize("after", [None, 0.0, 3.0, 20.0])
@pytest.mark.parametrize("kind", [CreateSpace, CloseSpace])
def test_a_lost_answer_to_a_single_write_makes_no_second_space(
    kind: type[Write], after: float | None
) -> None:
    async def main(clock: VirtualClock) -> None:
        cms = Cms()
        tms_spaces(cms)
        del cms.spaces[cms.on(1002)[0].id]
        life = Life(cms)
        life.unanswered[kind] = after
        slots = await prepared(life, clock, ADOPTING)
        assert slots.usable == NUMBERS
        await clock.sleep(60)
        cms.catch_up()
        assert stands_once_on_each_number(cms)

    run_virtually(main)


@pytest.mark.parametrize(
    "kind", [CreateCallProfile, CreateCallLegProfile, CreateParameterSet, StartSync]
)
def test_a_write_that_never_left_is_begun_again_at_the_next_attempt(kind: type[Write]) -> None:
    async def main(clock: VirtualClock) -> None:
        cms = Cms()
        life = Life(cms)
        life.unsent.add(kind)
        pool = pool_of(life, clock)
        with pytest.raises(Unreachable):
            await pool.prepare(life.bridge)
        assert (await pool.prepare(life.bridge)).usable == NUMBERS
        assert len(cms.call_profiles) == len(cms.leg_profiles) == len(cms.sets) == 1
        assert list(cms.synced.values()) == [1]

    run_virtually(main)


@pytest.mark.parametrize("kind", [CreateParameterSet, StartSync])
def test_a_refused_bulk_is_made_up_for_one_by_one(kind: type[Write]) -> None:
    async def main(clock: VirtualClock) -> None:
        cms = Cms()
        life = Life(cms)
        life.refused[kind] = "parameterError"
        assert (await prepared(life, clock)).usable == NUMBERS
        assert stands_once_on_each_number(cms)

    run_virtually(main)


@pytest.mark.parametrize("kind", [CreateCallProfile, CreateCallLegProfile, CreateSpace])
def test_a_cms_that_refuses_writes_is_told_with_its_reason(kind: type[Write]) -> None:
    async def main(clock: VirtualClock) -> None:
        life = Life(Cms())
        life.refused = {kind: "databaseNotReady", CreateParameterSet: "databaseNotReady"}
        with pytest.raises(PoolUnsettled, match="databaseNotReady"):
            await prepared(life, clock)

    run_virtually(main)


@in_virtual_time
async def test_a_store_that_fails_does_not_keep_the_pool_from_being_made(
    clock: VirtualClock,
) -> None:
    cms = Cms()
    life = Life(cms)
    life.store_fails = True
    pool = pool_of(life, clock)
    assert (await pool.prepare(life.bridge)).usable == NUMBERS
    assert (await pool.prepare(life.bridge)).found == 5
    assert life.facts == {}
    assert len(life.writes) == 4


@in_virtual_time
async def test_two_thousand_slots_are_read_once_each_and_made_by_two_syncs(
    clock: VirtualClock,
) -> None:
    cms = Cms()
    life = Life(cms)
    slots = await prepared(life, clock, sized(2000))
    assert len(slots.usable) == 2000
    assert kinds(life)[2:] == [CreateParameterSet, StartSync] * 2
    assert cms.requests["space"] == 2000


@in_virtual_time
async def test_a_bridge_lost_while_slots_are_read_is_told_as_unreachable(
    clock: VirtualClock,
) -> None:
    cms = Cms()
    life = Life(cms)
    await prepared(life, clock)
    life.failing_reads["space"] = Unreachable("timeout", "no answer within 10 s")
    with pytest.raises(Unreachable, match="no answer within 10 s"):
        await prepared(life, clock)


@in_virtual_time
async def test_a_sync_that_cms_no_longer_knows_is_made_up_for_one_by_one(
    clock: VirtualClock,
) -> None:
    """As after CMS was set up anew under a daemon that remembers the old one."""
    life = Life(Cms(sync_seconds=1e9))
    with pytest.raises(PoolUnsettled):
        await prepared(life, clock)
    fresh = Cms()
    assert (await prepared(Life(fresh, life.facts), clock)).usable == NUMBERS
    assert stands_once_on_each_number(fresh)


@in_virtual_time
async def test_two_lost_call_profile_answers_that_cannot_be_told_apart_are_tried_again(
    clock: VirtualClock,
) -> None:
    cms = Cms()
    life = Life(cms)
    life.unanswered[CreateCallProfile] = 1.0
    cms.later(2.0, lambda: cms.call_profiles.append("somebody-else"))
    pool = pool_of(life, clock)
    with pytest.raises(Unreachable, match="call profile"):
        await pool.prepare(life.bridge)
    await pool.prepare(life.bridge)
    assert "somebody-else" not in {space.call_profile for space in cms.spaces.values()}


@in_virtual_time
async def test_a_cms_that_shows_nothing_of_what_it_made_is_told(clock: VirtualClock) -> None:
    cms = Cms()
    cms.sync_fails = "failed"
    life = Life(cms)
    lost = [*NUMBERS]

    def forget() -> None:
        for number in lost:
            for space in cms.on(number):
                del cms.spaces[space.id]
        cms.later(0.005, forget)

    cms.later(0.0, forget)
    with pytest.raises(Unreachable, match="1001-1005"):
        await prepared(life, clock)
