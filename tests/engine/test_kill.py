"""The daemon is killed at every await of a conference's life, its state kept or lost.

Whatever the moment: each room rings once and is connected, nobody is cut off before the end, and
after it no call and no open space is left. `SOAK=1` kills every seed at every crossing; without
it the crossings are dealt out over the seeds, so that each is visited once.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cospaced.settings import ConferenceSettings
from support.rewriting import write
from support.site import Invitation, Site
from support.virtual import VirtualClock, run_virtually


SEEDS = 20
TERMS = ConferenceSettings(early_join=timedelta(seconds=30), end_warnings=(timedelta(seconds=60),))
BEGIN = timedelta(seconds=60)
LENGTH = timedelta(minutes=3)
DOWN = 2.0
"""Seconds until systemd has started the daemon again."""


ANEW = timedelta(seconds=40)
"""From the start to when its event is sent anew."""
Change = Callable[[Site, Invitation], Coroutine[Any, Any, None]]


async def _nothing(_site: Site, _one: Invitation) -> None:
    """Change nothing."""


async def _sent_anew(site: Site, one: Invitation) -> None:
    """Delete the event while it runs and send it anew: one room shows it before the other."""
    await site.until(one.start + ANEW)
    for room in site.rooms:
        write(site, room, replace(one, uid="anew@example.org"))
        await site.clock.sleep(4)


def _site(clock: VirtualClock, folder: Path, seed: int) -> tuple[Site, Invitation]:
    site = Site(clock, folder, seed=seed, terms=TERMS, rooms=("aula", "boardroom"))
    site.daemon = replace(site.daemon, poll_interval=timedelta(seconds=30))
    start = clock.now() + BEGIN
    one = Invitation("kill@example.org", start, start + LENGTH)
    site.invite(one)
    return site, one


@asynccontextmanager
async def _changing(site: Site, one: Invitation, change: Change) -> AsyncIterator[None]:
    """Change calendars in the background, whether or not a daemon runs."""
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(change(site, one))
        yield
        assert task.done(), "the story ended before its change"


def _crossings(folder: Path, seed: int, change: Change) -> tuple[int, int]:
    """Count the crossings of an undisturbed life: those before its change, and all of them."""

    async def main(clock: VirtualClock) -> tuple[int, int]:
        site, one = _site(clock, folder, seed)
        async with _changing(site, one, change), site.running() as doom:
            begin = clock.now() if change is _nothing else one.start + ANEW
            await site.until(begin)
            before = doom.crossings
            await site.until(one.end + timedelta(seconds=10))
            return before, doom.crossings

    return run_virtually(main)


def _killed(folder: Path, seed: int, at: int, change: Change, *, state_lost: bool) -> None:
    async def main(clock: VirtualClock) -> None:
        site, one = _site(clock, folder, seed)
        async with _changing(site, one, change):
            async with site.running(kill_at=at) as doom:
                await _fallen_or(doom, site, one.end + timedelta(seconds=10))
                fell = doom.fallen.is_set()
            if fell:
                if state_lost:
                    site.lose_state()
                await clock.sleep(DOWN)
                async with site.running():
                    await site.until(max(one.end, clock.now()) + timedelta(seconds=100))
        _check(site, one.end)

    run_virtually(main)


async def _fallen_or(doom: Any, site: Site, moment: datetime) -> None:
    """Wait for the kill, or for a moment."""
    try:
        async with asyncio.timeout((moment - site.clock.now()).total_seconds()):
            await doom.fallen.wait()
    except TimeoutError:
        return


def _check(site: Site, end: datetime) -> None:
    for room in site.rooms:
        endpoint = site.endpoint(room)
        rings = [ring.at.time().isoformat() for ring in endpoint.rings]
        assert len(rings) == 1, f"{room} rang at {rings}"
    cut_off = [leg for leg in site.cluster.ended_legs if leg.at < end]
    assert not cut_off, f"cut off: {cut_off}"
    puts = [r for r in site.cluster.requests if r.method == "PUT"]
    opened = {r.path for r in puts if "nonMemberAccess=true" in str(r.body)}
    assert len(opened) == 1, f"spaces opened: {opened}"
    site.assert_all_closed()


def _cases() -> list[tuple[int, bool]]:
    return [(seed, lost) for seed in range(SEEDS) for lost in (False, True)]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("change", [_nothing, _sent_anew], ids=["left alone", "sent anew"])
@pytest.mark.parametrize(("seed", "state_lost"), _cases())
def test_killed_anywhere_no_room_rings_twice_and_no_space_stays_open(
    tmp_path: Path, seed: int, state_lost: bool, change: Change
) -> None:
    before, crossings = _crossings(tmp_path, seed, change)
    assert crossings - before > 100
    step = 1 if os.environ.get("SOAK") else SEEDS
    for at in range(before + 1 + seed % step, crossings + 1, step):
        try:
            _killed(tmp_path, seed, at, change, state_lost=state_lost)
        except AssertionError as error:
            raise AssertionError(f"killed at crossing {at} of {crossings}: {error}") from error
