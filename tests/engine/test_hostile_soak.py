"""Two hours of everything at once, by seed, and what must hold whatever happens.

`SOAK_SEEDS=n` plays n seeds in place of a few.
"""

import os
import random
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from cospaced.domain.booking import State
from cospaced.simulator.endpoints import Behaviour
from support.site import Invitation, Site, endpoint_of
from support.stories import MINUTE, asked, play


ROOMS = tuple(f"room{n}" for n in range(9))
SEEDS = int(os.environ.get("SOAK_SEEDS", "4"))
OURS = "apiInitiatedTeardown"


def _agenda(site: Site, chance: random.Random, *, clashing: bool) -> list[Invitation]:
    """Book the rooms over an hour and a half; each is in one conference at a time, or not."""
    begin = site.clock.now() + 10 * MINUTE
    free = dict.fromkeys(ROOMS, begin)
    made = []
    for n in range(18):
        start = begin + timedelta(minutes=5 * chance.randrange(15))
        rooms = [r for r in ROOMS if clashing or free[r] <= start]
        if len(rooms) < 2:
            continue
        chosen = tuple(sorted(chance.sample(rooms, chance.choice((2, 2, 3)) if rooms[2:] else 2)))
        end = start + timedelta(minutes=5 * chance.randrange(2, 6))
        for room in chosen:
            free[room] = max(free[room], end)
        made.append(Invitation(f"b{n}@example.org", start, end, rooms=chosen))
    for invitation in made:
        site.invite(invitation)
    return made


async def _chaos(site: Site, chance: random.Random, *, until: object) -> None:
    """Do something nasty every now and then."""
    scenarios = site.cluster.scenarios
    while site.clock.now() < until:
        await site.clock.sleep(chance.uniform(20, 200))
        match chance.randrange(5):
            case 0:
                bridge = chance.choice(site.bridges)
                scenarios.cut_off(bridge, silent=chance.random() < 0.5)
                await site.clock.sleep(chance.uniform(1, 60))
                scenarios.reconnect(bridge)
            case 1:
                for row in site.bookings():
                    if row.state is State.OPEN:
                        scenarios.dial_in(endpoint_of(chance.choice(row.rooms)), str(row.number))
            case 2:
                room = chance.choice(ROOMS)
                if site.endpoint(room).connected:
                    scenarios.hang_up(endpoint_of(room))
            case 3:
                scenarios.database("read_only")
                await site.clock.sleep(chance.uniform(1, 20))
                scenarios.database("ok")
            case _:
                room = chance.choice(ROOMS)
                text = (site.folder / f"{room}.ics").read_text()
                (site.folder / f"{room}.ics").write_text("<html>502</html>")
                await site.clock.sleep(chance.uniform(1, 100))
                (site.folder / f"{room}.ics").write_text(text, newline="")


async def _lived(site: Site, chance: random.Random, invitations: list[Invitation]) -> None:
    """Live through it, with a kill or two."""
    last = max(one.end for one in invitations)
    while site.clock.now() < last:
        async with site.running() as doom:
            for room in ROOMS:
                if chance.random() < 0.1:
                    site.endpoint(room).behave(Behaviour.parse("busy"), Behaviour())
            until = min(last, site.clock.now() + timedelta(minutes=chance.uniform(20, 60)))
            await _chaos(site, chance, until=until)
            await site.kill(doom)
        await site.clock.sleep(2)
    site.cluster.knobs = replace(
        site.cluster.knobs, busy_rate=0, lost_before_rate=0, lost_after_rate=0, silent_rate=0
    )
    async with site.running():
        await site.clock.sleep(300)
        since = site.clock.now()
        await site.clock.sleep(600)
        assert not [r for r in asked(site, since) if not r.startswith("GET")]


def _play(folder: Path, seed: int, *, clashing: bool) -> tuple[Site, list[Invitation]]:
    chance = random.Random(seed)
    made: list[Invitation] = []

    async def story(site: Site) -> None:
        site.cluster.knobs = replace(
            site.cluster.knobs,
            busy_rate=0.01,
            lost_before_rate=0.01,
            lost_after_rate=0.01,
            silent_rate=0.01,
        )
        made.extend(_agenda(site, chance, clashing=clashing))
        await _lived(site, chance, made)

    site = play(folder, story, seed=seed, rooms=ROOMS, bridges=("core1", "core2"), quantity=8)
    return site, made


@pytest.mark.timeout(120)
@pytest.mark.parametrize("seed", range(SEEDS))
def test_whatever_happens_nobody_is_cut_off_and_nobody_rings_twice(
    tmp_path: Path, seed: int
) -> None:
    site, made = _play(tmp_path, seed, clashing=False)
    site.assert_all_closed()
    assert not site.happened("booking.fault")
    for room in ROOMS:
        endpoint = site.endpoint(room)
        per_call = Counter(ring.call for ring in endpoint.rings)
        assert all(count == 1 for count in per_call.values()), f"{room}: {per_call}"
        mine = [one for one in made if room in one.rooms]
        for gone in endpoint.hang_ups:
            if gone.reason == OURS:
                inside = [one for one in mine if one.start < gone.at < one.end]
                joined = {p.leg: p.at for p in endpoint.connects}
                cut = [o for o in inside if o.start <= joined[gone.leg]]
                assert not cut, f"{room} cut off at {gone.at:%H:%M:%S} of {cut}"


@pytest.mark.timeout(120)
@pytest.mark.parametrize("seed", range(100, 100 + SEEDS))
def test_clashing_conferences_end_with_every_slot_closed(tmp_path: Path, seed: int) -> None:
    site, _ = _play(tmp_path, seed, clashing=True)
    site.assert_all_closed()
    assert not site.happened("booking.fault")
    assert not [row for row in site.bookings() if row.state is State.OPEN]
    for room in ROOMS:
        rings = Counter(ring.call for ring in site.endpoint(room).rings)
        assert all(count == 1 for count in rings.values()), f"{room}: {rings}"
