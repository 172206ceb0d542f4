"""A daemon killed at any moment of the making ends, after its restart, with the same pool."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from cospaced.engine.pool import Pool
from cospaced.settings import PoolSettings
from support.pool_bridge import Cms, Life
from support.virtual import VirtualClock, run_virtually


Scene = Callable[[VirtualClock], Coroutine[Any, Any, tuple[Cms, dict[str, str], PoolSettings]]]

SETTINGS = PoolSettings(
    domain="example.org",
    numeric_id_base=1001,
    numeric_id_quantity=5,
    adopt_prefix="TMS_Scheduled_Meeting_",
)
BOOKING = "0b8a4f5e-7c1d-5a2b-9e3f-111111111111"


def pool_of(life: Life, clock: VirtualClock, settings: PoolSettings) -> Pool:
    return Pool(
        settings=settings,
        site_id="a1b2c3d4",
        store=life.store,
        clock=clock,
        ours=lambda tag: tag == BOOKING,
    )


async def empty(_: VirtualClock) -> tuple[Cms, dict[str, str], PoolSettings]:
    return Cms(), {}, SETTINGS


async def enlarged_by_few(clock: VirtualClock) -> tuple[Cms, dict[str, str], PoolSettings]:
    cms = Cms()
    life = Life(cms)
    await pool_of(life, clock, SETTINGS).prepare(life.bridge)
    running = cms.on(1002)[0]
    cms.change(running, name="Board", non_member_access=True, cdr_tag=BOOKING)
    return cms, life.facts, replace(SETTINGS, numeric_id_quantity=8)


async def enlarged_by_many(clock: VirtualClock) -> tuple[Cms, dict[str, str], PoolSettings]:
    cms, facts, settings = await enlarged_by_few(clock)
    return cms, facts, replace(settings, numeric_id_quantity=30)


async def failing_sync(_: VirtualClock) -> tuple[Cms, dict[str, str], PoolSettings]:
    cms = Cms()
    cms.sync_fails = "failed"
    return cms, {}, SETTINGS


async def half_of_tms(_: VirtualClock) -> tuple[Cms, dict[str, str], PoolSettings]:
    cms = Cms()
    for number in (1001, 1002):
        cms.put_space(number, f"TMS_Scheduled_Meeting_{number}", call_leg_profile="tms")
    return cms, {}, SETTINGS


SCENES = [empty, enlarged_by_few, enlarged_by_many, failing_sync, half_of_tms]


async def live(life: Life, clock: VirtualClock, settings: PoolSettings) -> bool:
    """Prepare until done or until this life ends; say whether it was done."""
    work = asyncio.create_task(pool_of(life, clock, settings).prepare(life.bridge))
    over = asyncio.create_task(life.over.wait())
    await asyncio.wait((work, over), return_when=asyncio.FIRST_COMPLETED)
    done = work.done()
    life.buried = True
    for task in (work, over):
        task.cancel()
    results = await asyncio.gather(work, over, return_exceptions=True)
    if done and isinstance(results[0], BaseException):
        raise results[0]
    return done


def checkpoints(scene: Scene) -> int:
    async def main(clock: VirtualClock) -> int:
        cms, facts, settings = await scene(clock)
        life = Life(cms, facts)
        assert await live(life, clock, settings)
        return life.checkpoints

    return run_virtually(main)


@pytest.mark.parametrize("late", [False, True], ids=["lost", "late"])
@pytest.mark.parametrize("kept", [True, False], ids=["state-kept", "state-lost"])
@pytest.mark.parametrize("scene", SCENES)
def test_a_kill_at_any_moment_ends_in_the_same_pool(scene: Scene, kept: bool, late: bool) -> None:
    for moment in range(1, checkpoints(scene) + 1):
        run_virtually(partial(killed, scene=scene, kept=kept, late=late, moment=moment))


async def killed(clock: VirtualClock, *, scene: Scene, kept: bool, late: bool, moment: int) -> None:
    cms, facts, settings = await scene(clock)
    before = dict(cms.spaces)
    first = Life(cms, facts, end_at=moment, late=late)
    assert not await live(first, clock, settings)
    second = Life(cms, facts if kept else {})
    assert await live(second, clock, settings)
    at_end = dict(cms.spaces)
    third = Life(cms, second.facts)
    assert await live(third, clock, settings)
    assert third.writes == [], "a whole pool is written no more"
    await clock.sleep(60)
    cms.catch_up()
    assert cms.spaces == at_end, "nothing comes late"
    assert first.leaks == 0
    assert cms.deleted == []
    assert max(cms.synced.values(), default=0) <= 1
    # Only a daemon that remembers nothing can miss a profile that is still on its way.
    assert set(cms.leg_profiles.values()) == {"cospaced a1b2c3d4"}
    assert len(cms.leg_profiles) <= (2 if late and not kept else 1)
    assert len(cms.call_profiles) <= 2
    for number in settings.numbers:
        (space,) = cms.on(number)
        assert space.call_id == str(number)
        if space.id in before and space.cdr_tag:
            assert space == before[space.id], "an open slot is left alone"
        else:
            assert space.name == f"cospaced_{number}"
            assert not space.non_member_access
