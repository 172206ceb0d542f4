"""Calendars that are exported anew by a script, each time with another DTSTAMP in every event."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from support.site import Invitation, Site
from support.stories import MINUTE, booked, play


Edit = Callable[[str, str], str]


@asynccontextmanager
async def exported(site: Site, edit: Edit) -> AsyncIterator[None]:
    """Have every calendar written anew each few seconds, as `edit` makes it of room and text."""

    async def export() -> None:
        while True:
            site.write_calendars()
            stamp = f"DTSTAMP:{site.clock.now():%Y%m%dT%H%M%SZ}"
            for room in site.rooms:
                path = site.folder / f"{room}.ics"
                text = path.read_text().replace("DTSTAMP:20261101T000000Z", stamp)
                path.write_text(edit(room, text), newline="")
            await site.clock.sleep(7)

    task = asyncio.get_running_loop().create_task(export())
    try:
        yield
    finally:
        task.cancel()


async def story_of(site: Site, one: Invitation) -> list[str]:
    (row,) = [row for row in site.bookings() if row.uid == one.uid]
    return [line.text for line in await site.store.story(row.id)]


@pytest.mark.parametrize("others", [0, 3])
def test_what_says_the_same_each_time_is_told_once(tmp_path: Path, others: int) -> None:
    async def story(site: Site) -> None:
        one = booked(site, after=40)
        for n in range(others):
            booked(site, after=24 * 60 + 60 * n, uid=f"other{n}@example.org")
        async with exported(site, lambda _, text: text), site.running():
            await site.until(one.start - 10 * MINUTE)
            assert len(await story_of(site, one)) == 3

    play(tmp_path, story)


@pytest.mark.parametrize("restart", [False, True], ids=["one process", "two"])
def test_a_copy_that_was_never_updated_is_left_out_and_told_once(
    tmp_path: Path, restart: bool
) -> None:
    edited = False

    async def story(site: Site) -> None:
        one = booked(site, after=40, rooms=site.rooms)
        later = one.start + 15 * MINUTE

        def edit(room: str, text: str) -> str:
            if room == "boardroom" or not edited:
                return text
            return text.replace(f"DTSTART:{one.start:%Y%m%dT%H%M}", f"DTSTART:{later:%Y%m%dT%H%M}")

        async with exported(site, edit):
            async with site.running():
                await site.clock.sleep(90)
                nonlocal edited
                edited = True
                await site.until(one.start - 25 * MINUTE)
                if not restart:
                    await site.until(one.start - 10 * MINUTE)
            if restart:
                async with site.running():
                    await site.until(one.start - 10 * MINUTE)
        (row,) = site.bookings()
        assert (row.start, row.rooms) == (later, ("aula", "cellar"))
        moves = [text for text in await story_of(site, one) if text.startswith("now ")]
        assert len(moves) == 1, "nobody is the newest by turns"
        # Who was read last is not known after a restart: the room comes back for a poll.
        assert len(site.happened("event.skipped")) == 1 + restart
        assert len(site.happened("booking.changed")) < 8

    play(tmp_path, story)
