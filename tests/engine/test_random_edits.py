"""Random edits of what runs, seen room by room, and what must hold whatever they are.

`SOAK_SEEDS=n` plays n seeds in place of two, `SOAK=1` two hundred.
"""

import asyncio
import os
import random
from datetime import datetime
from pathlib import Path

import pytest

from cospaced.domain.booking import State
from support.edited_calendars import EditedCalendars
from support.site import Site
from support.stories import MINUTE, SECOND, play


ROOMS = ("aula", "boardroom", "cellar", "den", "eyrie")
SEEDS = int(os.environ.get("SOAK_SEEDS", "200" if os.environ.get("SOAK") else "2"))
OURS = "apiInitiatedTeardown"
SURE = 75 * SECOND
"""A calendar that has said the same for so long was read since it began to."""
SETTLED = 150 * SECOND
"""So long after the last edit, everything is as all calendars want it."""


def running(calendars: EditedCalendars, room: str, at: datetime) -> list[str]:
    """Return the event that a room's calendar has shown for long as running, in any revision.

    Other calendars may be ahead of it, but not so far that it has to leave what they hold. Where it
    has shown another event of late, what the room is in may be that one.
    """
    shown = calendars.shown(room, at - SURE, at)
    late = {uid for c in calendars.shown(room, at - 4 * MINUTE, at) for uid in c}
    return [
        uid
        for uid in shown[-1]
        if late == {uid}
        and all((one := c.get(uid)) and one.start <= at < one.end - SECOND for c in shown)
    ]


def check_hang_ups(site: Site, calendars: EditedCalendars) -> None:
    for room in ROOMS:
        for gone in site.endpoint(room).hang_ups:
            if gone.reason == OURS:
                events = running(calendars, room, gone.at)
                assert not events, f"{room} is hung up on at {gone.at:%H:%M:%S} of {events}"


def check_rings(site: Site) -> None:
    for room in ROOMS:
        endpoint = site.endpoint(room)
        left = {gone.leg: gone.at for gone in endpoint.hang_ups}
        for ring in endpoint.invites:
            inside = [p for p in endpoint.connects if p.at < ring.at < left.get(p.leg, ring.at)]
            assert not inside, f"{room} is called at {ring.at:%H:%M:%S} though it is in a call"


def check_now(site: Site, calendars: EditedCalendars) -> None:
    """Check the rooms whose calendars all agree, and have for a while, on what runs."""
    now = site.clock.now()
    since = now - SETTLED
    shown = {room: calendars.shown(room, since - MINUTE, now) for room in ROOMS}
    for room in ROOMS:
        contents = shown[room][-1]
        for one in contents.values():
            agreed = all(shown[r] == [shown[r][-1]] and one.uid in shown[r][-1] for r in one.rooms)
            alone = all(set(shown[r][-1]) == {one.uid} for r in one.rooms if agreed)
            if agreed and alone and one.start < since and now < one.end - SECOND:
                assert site.endpoint(room).connected, f"{room} is not in {one} at {now:%H:%M:%S}"


def check_rows(site: Site, known: dict[str, object]) -> None:
    """Check that open bookings keep what people know of them, each on a number of its own."""
    rows = [row for row in site.bookings() if row.state is State.OPEN]
    numbers = [row.number for row in rows]
    assert len(set(numbers)) == len(numbers), f"a number is shared: {numbers}"
    for row in rows:
        told = (row.number, row.passcode, row.secret)
        assert known.setdefault(row.id, told) == told


async def _lived(site: Site, calendars: EditedCalendars, until: datetime, *, killed: bool) -> None:
    """Check everything each few seconds; the daemon may be killed now and then."""
    known: dict[str, object] = {}
    while site.clock.now() < until:
        lasts = calendars.chance.uniform(5, 15) * MINUTE if killed else until - site.clock.now()
        stop = min(until, site.clock.now() + lasts)
        async with site.running() as doom:
            while site.clock.now() < stop:
                await site.clock.sleep(5)
                check_rows(site, known)
                check_now(site, calendars)
            if killed:
                await site.kill(doom)
        await site.clock.sleep(2)


def _played(folder: Path, seed: int, *, killed: bool) -> Site:
    async def story(site: Site) -> None:
        calendars = EditedCalendars(site, random.Random(seed))
        stop = site.clock.now() + 30 * MINUTE
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(calendars.edit(stop))
            await _lived(site, calendars, stop + 2 * MINUTE, killed=killed)
        last = max((one.end for one in calendars.truth.values()), default=stop)
        await _lived(site, calendars, max(last, stop) + 5 * MINUTE, killed=False)
        check_hang_ups(site, calendars)

    site = play(folder, story, seed=seed, rooms=ROOMS, quantity=8)
    check_rings(site)
    site.assert_all_closed()
    assert not site.happened("booking.fault")
    assert not site.happened("event.fault")
    return site


@pytest.mark.timeout(120)
@pytest.mark.parametrize("killed", [False, True], ids=["", "killed"])
@pytest.mark.parametrize("seed", range(SEEDS))
def test_whatever_is_edited_rooms_are_in_what_their_calendars_say(
    tmp_path: Path, seed: int, killed: bool
) -> None:
    _played(tmp_path, seed, killed=killed)


@pytest.mark.timeout(120)
def test_one_seed_is_one_log(tmp_path: Path) -> None:
    first, again = (_played(tmp_path, 0, killed=True).events for _ in range(2))
    assert first == again
