"""The story of a booking as `cospaced why` tells it, after what happened on a whole site."""

import asyncio
import re
from dataclasses import replace
from pathlib import Path

from cospaced.commands.terminal import Terminal
from cospaced.commands.why import rendered
from cospaced.domain.booking import State
from cospaced.engine.questions import Questions
from cospaced.settings import ConferenceSettings, DaemonSettings, ExtendMode, PasscodeMode
from cospaced.simulator.endpoints import Behaviour
from support.site import Site
from support.stories import MINUTE, SECOND, booked, moved, play


STORIES = Path(__file__).parents[1] / "data" / "stories"
GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
TOOK = re.compile(r"\b\d+ ms\b")


async def why(site: Site, text: str = "aula") -> str:
    """Return the page, ids named in the order of their appearance, and without milliseconds."""
    assert site.machine is not None
    questions = Questions(
        rows=site.machine.ledger.all,
        story=site.machine.ledger.story,
        settings=lambda: site.settings,
        now=site.clock.now,
    )
    page = rendered(await questions.answer("why", text), site.settings, Terminal())
    ids: dict[str, str] = {}
    page = GUID.sub(lambda found: ids.setdefault(found[0], f"<{len(ids)}>"), page)
    return TOOK.sub("_ ms", page) + "\n"


def golden(name: str) -> str:
    """Return the page as it should read; where it is to read differently, edit the file."""
    return (STORIES / f"{name}.txt").read_text()


def told(page: str, *kinds: str) -> list[str]:
    """Return the entries of some kinds without their dates."""
    rows = [line[11:] for line in page.splitlines() if line.startswith("2026-")]
    return [row for row in rows if row.split()[1] in kinds]


def in_berlin(site: Site) -> None:
    daemon = replace(site.settings.daemon, time_zone="Europe/Berlin")
    site.settings = replace(site.settings, daemon=daemon)


def test_a_room_that_was_busy_and_given_up_is_explained_request_by_request(tmp_path: Path) -> None:
    pages: list[str] = []

    async def story(site: Site) -> None:
        in_berlin(site)
        one = booked(site)
        site.endpoint("aula").behave(Behaviour.parse("busy"))
        async with site.running():
            await site.until(one.start + 2 * MINUTE)
            pages.append(await why(site))

    play(tmp_path, story, terms=ConferenceSettings(dial_attempts=2, passcode=PasscodeMode.RANDOM))
    assert pages == [golden("busy")]


def test_a_removed_room_a_later_end_and_the_close_stand_in_the_story(tmp_path: Path) -> None:
    pages: list[str] = []

    async def story(site: Site) -> None:
        one = booked(site, rooms=("aula", "boardroom", "cellar"))
        async with site.running():
            await site.until(one.start + MINUTE)
            shorter = moved(site, one, rooms=("aula", "boardroom"), end=one.end - 20 * MINUTE)
            await site.until(shorter.end + 5 * SECOND)
            pages.append(await why(site, site.bookings()[0].id))

    play(tmp_path, story)
    assert pages == [golden("removed")]


def test_a_restart_in_the_middle_is_told_and_what_was_before_it_is_kept(tmp_path: Path) -> None:
    pages: list[str] = []

    async def story(site: Site) -> None:
        one = booked(site)
        async with site.running() as doom:
            doom.when = lambda side, _, subject: side == "after" and "callLegs" in str(subject)
            await asyncio.wait_for(doom.fallen.wait(), 3600)
        await site.clock.sleep(3)
        async with site.running():
            await site.until(one.start + MINUTE)
            pages.append(await why(site))

    play(tmp_path, story)
    assert pages == [golden("restarted")]


def test_a_refused_booking_says_why_and_when_a_number_became_free(tmp_path: Path) -> None:
    pages: list[str] = []

    async def story(site: Site) -> None:
        first = booked(site, uid="first@example.org", rooms=("cellar", "boardroom"))
        async with site.running():
            await site.clock.sleep(90)
            booked(site, uid="second@example.org", after=11, rooms=("aula", "boardroom"))
            await site.clock.sleep(90)
            pages.append(await why(site))
            site.uninvite(first.uid)
            await site.clock.sleep(150)
            pages.append(await why(site))

    play(tmp_path, story, quantity=1)
    refused, planned = pages
    head, *_ = refused.splitlines()
    assert "no number" in head
    assert head.endswith("aula, boardroom  Planning")
    reason = "no number of the pool's 1 is free in its time"
    assert told(refused, "decided")[0].endswith(f"decided   refused: {reason}")
    assert f"refused: {reason}" in head
    assert told(planned, "decided")[-1].endswith("decided   number 8001 has become free")


def test_a_booking_that_is_moved_to_where_no_number_is_free_is_told_as_refused(
    tmp_path: Path,
) -> None:
    pages: list[str] = []

    async def story(site: Site) -> None:
        first = booked(site, uid="first@example.org", after=60, rooms=("cellar", "boardroom"))
        second = booked(site, uid="second@example.org", after=180, rooms=("aula", "boardroom"))
        async with site.running():
            await site.clock.sleep(90)
            second = moved(site, second, start=first.start, end=first.end)
            await site.clock.sleep(90)
            pages.append(await why(site))
            moved(site, second, start=first.end + 60 * MINUTE, end=first.end + 90 * MINUTE)
            await site.clock.sleep(90)
            pages.append(await why(site))

    site = play(tmp_path, story, quantity=1)
    (refused,) = site.happened("booking.refused")
    assert refused["level"] == "warning"
    refusal, placed = (told(page, "decided")[-1] for page in pages)
    assert refusal.endswith(":00, refused: no number of the pool's 1 is free in its time")
    assert placed.endswith(":00, on number 8001")


def test_a_copy_that_disagrees_is_left_out_and_told(tmp_path: Path) -> None:
    pages: list[str] = []

    async def story(site: Site) -> None:
        one = booked(site, after=60, rooms=("aula", "boardroom", "cellar"))
        async with site.running():
            await site.clock.sleep(90)
            before = (site.folder / "cellar.ics").read_bytes()
            moved(site, one, start=one.start + 15 * MINUTE)
            # The cellar's mailbox never took the update.
            (site.folder / "cellar.ics").write_bytes(before)
            await site.clock.sleep(200)
            pages.append(await why(site))

    play(tmp_path, story)
    assert pages == [golden("disagreeing")]


def test_extensions_are_told_and_why_there_is_none(tmp_path: Path) -> None:
    pages: list[str] = []

    async def story(site: Site) -> None:
        one = booked(site)
        async with site.running():
            await site.until(one.end - MINUTE)
            site.cluster.scenarios.hang_up("aula@rooms.example.org")
            await site.until(one.end + 16 * MINUTE)
            pages.append(await why(site))

    terms = ConferenceSettings(extend_mode=ExtendMode.AUTOMATIC)
    play(tmp_path, story, terms=terms)
    rows = [row for row in told(pages[0], "decided") if "xtend" in row]
    why_not = "1 connected, at least 2 make it worth while"
    assert rows == [
        "08:35:00  decided   Extended the booking to 08:55:00, extension 1",
        f"08:50:00  decided   The booking is not extended: {why_not}",
    ]


def test_a_cms_that_does_not_answer_for_an_hour_costs_a_few_lines(tmp_path: Path) -> None:
    pages: list[str] = []

    async def story(site: Site) -> None:
        one = booked(site, after=10, minutes=120)
        async with site.running():
            await site.until(one.start - 6 * MINUTE)
            site.cluster.scenarios.kill_bridge("core1")
            await site.until(one.start + 30 * MINUTE)
            pages.append(await why(site))
            assert site.bookings()[0].state is State.PLANNED

    play(tmp_path, story)
    assert "The booking is due and cannot open: no Call Bridge answers" in pages[0]
    assert len(told(pages[0], "decided", "asked", "answered", "looked")) < 6


def test_a_room_whose_calendar_is_unreadable_for_too_long_is_told_as_not_dialled(
    tmp_path: Path,
) -> None:
    pages: list[str] = []

    async def story(site: Site) -> None:
        one = booked(site, after=40)
        async with site.running():
            await site.clock.sleep(90)
            (site.folder / "aula.ics").unlink()
            await site.until(one.start + MINUTE)
            pages.append(await why(site, "boardroom"))

    daemon = DaemonSettings(stale_after=5 * MINUTE, stale_limit=20 * MINUTE)
    play(tmp_path, story, daemon=daemon)
    assert "not dialled: its calendar has been unreadable for too long" in pages[0]
    assert "aula@rooms.example.org in room aula is not dialled: its calendar" in pages[0]


def test_no_story_holds_a_title_an_organizer_a_passcode_or_a_secret(tmp_path: Path) -> None:
    pages: list[str] = []

    async def story(site: Site) -> None:
        one = booked(site, title="Redundancies", lines=("CLASS:PRIVATE",))
        async with site.running():
            await site.until(one.start + MINUTE)
            moved(site, one, title="Redundancies II")
            await site.until(one.end + MINUTE)
            row = site.bookings()[0]
            pages.extend([await why(site, row.id), row.passcode, row.secret])

    play(tmp_path, story, terms=ConferenceSettings(passcode=PasscodeMode.RANDOM))
    page, passcode, secret = pages
    assert "new title" in page
    assert "Private meeting" in page
    for hidden in ("Redundancies", "ada@example.org", passcode, secret):
        assert hidden
        assert hidden not in page


def test_of_an_event_that_is_no_booking_nothing_is_remembered(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site, rooms=("aula",))
        async with site.running():
            await site.clock.sleep(90)
            moved(site, one, end=one.end + MINUTE)
            await site.clock.sleep(90)
            assert site.machine is not None
            assert site.machine.copies.keys()
            assert site.machine.copies._fresh == {}
            assert site.bookings() == []

    play(tmp_path, story)


def test_people_who_came_early_are_told_and_a_bridge_that_hides_the_call_too(
    tmp_path: Path,
) -> None:
    pages: list[str] = []

    async def story(site: Site) -> None:
        one = booked(site)
        async with site.running():
            await site.until(one.start - MINUTE)
            number = str(site.bookings()[0].number)
            space = site.cluster.state.database.by_uri(number)
            assert space is not None
            site.cluster.scenarios.dial_in("boardroom@rooms.example.org", space.id, bridge="core2")
            await site.until(one.start - 5 * SECOND)
            site.cluster.scenarios.cut_off("core2")
            await site.until(one.start + 30 * SECOND)
            pages.append(await why(site))

    play(tmp_path, story, bridges=("core1", "core2"))
    assert re.search(r"looked +Found call <\d> on Call Bridge core2", pages[0])
    reason = "core2, which holds the call, cannot be asked who is in it"
    assert re.search(rf"aula@rooms.example.org +not dialled: {reason}", pages[0])
    assert told(pages[0], "decided")[-1].endswith(f"in room aula is not dialled: {reason}")
