"""The daemon is killed at every await of a conference's life, its state kept or lost.

Whatever the moment: each room rings once and is connected, nobody is cut off before the end, and
after it no call and no open space is left. `SOAK=1` kills every seed at every crossing; without
it the crossings are dealt out over the seeds, so that each is visited once.
"""

import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from cospaced.settings import ConferenceSettings
from support.site import Invitation, Site
from support.virtual import VirtualClock, run_virtually


SEEDS = 20
TERMS = ConferenceSettings(early_join=timedelta(seconds=30), end_warnings=(timedelta(seconds=60),))
BEGIN = timedelta(seconds=60)
LENGTH = timedelta(minutes=3)
DOWN = 2.0
"""Seconds until systemd has started the daemon again."""


def _site(clock: VirtualClock, folder: Path, seed: int) -> Site:
    site = Site(clock, folder, seed=seed, terms=TERMS, rooms=("aula", "boardroom"))
    site.daemon = replace(site.daemon, poll_interval=timedelta(seconds=30))
    start = clock.now() + BEGIN
    site.invite(Invitation("kill@example.org", start, start + LENGTH))
    return site


def _crossings(folder: Path, seed: int) -> int:
    """Count the crossings of an undisturbed life."""

    async def main(clock: VirtualClock) -> int:
        site = _site(clock, folder, seed)
        async with site.running() as doom:
            await clock.sleep((BEGIN + LENGTH).total_seconds() + 10)
            return doom.crossings

    return run_virtually(main)


def _killed(folder: Path, seed: int, at: int, *, state_lost: bool) -> None:
    async def main(clock: VirtualClock) -> None:
        site = _site(clock, folder, seed)
        start = clock.now() + BEGIN
        end = start + LENGTH
        async with site.running(kill_at=at) as doom:
            async with _until(doom, site, end + timedelta(seconds=10)):
                pass
            fell = doom.fallen.is_set()
        if fell:
            if state_lost:
                site.lose_state()
            await clock.sleep(DOWN)
            async with site.running():
                await site.until(max(end, clock.now()) + timedelta(seconds=100))
        _check(site, start, end)

    run_virtually(main)


class _until:  # noqa: N801 - reads as a word
    """Wait for a moment, or for the kill."""

    def __init__(self, doom: object, site: Site, moment: object) -> None:
        self._doom, self._site, self._moment = doom, site, moment

    async def __aenter__(self) -> None:
        left = (self._moment - self._site.clock.now()).total_seconds()
        try:
            import asyncio

            async with asyncio.timeout(left):
                await self._doom.fallen.wait()
        except TimeoutError:
            return

    async def __aexit__(self, *_: object) -> None:
        return


def _check(site: Site, start: object, end: object) -> None:
    for room in site.rooms:
        endpoint = site.endpoint(room)
        rings = [ring.at.time().isoformat() for ring in endpoint.rings]
        assert len(rings) == 1, f"{room} rang at {rings}"
    cut_off = [leg for leg in site.cluster.ended_legs if leg.at < end]
    assert not cut_off, f"cut off: {cut_off}"
    site.assert_all_closed()


def _cases() -> list[tuple[int, bool]]:
    return [(seed, lost) for seed in range(SEEDS) for lost in (False, True)]


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("seed", "state_lost"), _cases())
def test_killed_anywhere_no_room_rings_twice_and_no_space_stays_open(
    tmp_path: Path, seed: int, state_lost: bool
) -> None:
    crossings = _crossings(tmp_path, seed)
    assert crossings > 100
    step = 1 if os.environ.get("SOAK") else SEEDS
    for at in range(1 + seed % step, crossings + 1, step):
        try:
            _killed(tmp_path, seed, at, state_lost=state_lost)
        except AssertionError as error:
            raise AssertionError(f"killed at crossing {at} of {crossings}: {error}") from error
