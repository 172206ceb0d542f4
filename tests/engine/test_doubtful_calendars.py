"""Calendars that are read well and say what cannot be: believed late, or not at all."""

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from cospaced.domain.booking import State
from cospaced.ports import CalendarSource
from cospaced.settings import DaemonSettings
from support.feed_site import Answer, Feed, FeedSite
from support.site import Invitation
from support.stories import MINUTE, SECOND, booked, cut_off_before, moved, play_on, rings
from support.virtual import VirtualClock


HOUR = timedelta(hours=1)
NO_EVENTS = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nEND:VCALENDAR\r\n"
EMPTY = Feed(NO_EVENTS)
BROKEN = Feed(status=503)
GOOD = "good"
HALF = "half"


def in_turn(site: FeedSite, answers: Sequence[Feed | str]) -> Answer:
    """Answer each room with these, one for each request, again and again."""
    turns: dict[str, Iterator[Feed | str]] = {}

    async def answer(request: httpx.Request) -> Feed:
        turn = turns.setdefault(request.url.path, itertools.cycle(answers))
        told = next(turn)
        if isinstance(told, Feed):
            return told
        room = Path(request.url.path).stem
        return _half(site.publisher.text(room)) if told == HALF else site.publisher.good(request)

    return answer


def _half(whole: bytes) -> Feed:
    """Answer with the first half of a calendar's events, in a frame that is whole."""
    head, *events = whole.split(b"BEGIN:VEVENT")
    kept = b"BEGIN:VEVENT".join([head, *events[: len(events) // 2]])
    return Feed(kept.removesuffix(b"END:VCALENDAR\r\n") + b"END:VCALENDAR\r\n")


def full(site: FeedSite, *rooms: str, minutes: float = 90) -> Invitation:
    """Book two rooms soon, for long, and some (or all) a few times more tomorrow."""
    for n in range(4):
        uid = f"tomorrow{n}@example.org"
        booked(site, after=24 * 60 + 60 * n, uid=uid, rooms=rooms or site.rooms)
    return booked(site, minutes=minutes)


def calendar_lines(site: FeedSite, room: str = "aula") -> list[str]:
    """Return the events told of a room's calendar, in order."""
    return [
        event
        for _, event, keys in site.events
        if event.startswith("calendar.") and keys.get("room") == room
    ]


def planned(site: FeedSite) -> int:
    """Count the bookings that are still to come."""
    return site.machine.ledger.count(State.PLANNED)


def cancelled(site: FeedSite) -> list[str]:
    return [str(k["reason"]) for k in site.happened("booking.changed") if "cancel" in k["reason"]]


def plays(
    folder: Path, story: Callable[[FeedSite], Coroutine[Any, Any, None]], **keys: Any
) -> FeedSite:
    return play_on(FeedSite, folder, story, **keys)


@pytest.mark.parametrize(
    "turn",
    [
        [GOOD, BROKEN],
        [GOOD, EMPTY],
        [GOOD, EMPTY, GOOD, BROKEN, HALF],
        [EMPTY, EMPTY, GOOD],
        [BROKEN, EMPTY, BROKEN, GOOD],
    ],
    ids=["broken", "empty", "everything", "twice empty", "broken and empty"],
)
def test_a_calendar_that_turns_by_turns_costs_nothing_and_is_told_as_what_it_is(
    tmp_path: Path, turn: Sequence[Feed | str]
) -> None:
    async def story(site: FeedSite) -> None:
        one = full(site, minutes=150)
        later = booked(site, after=60, uid="later@example.org", rooms=("cellar", "den"))
        async with site.running():
            await site.until(one.start + 2 * MINUTE)
            site.publish(in_turn(site, turn))
            await site.until(one.end - 20 * MINUTE)
            assert site.endpoint("aula").connected
            assert rings(site) == [1, 1, 1, 1]
            assert later.end < site.clock.now()
            told = calendar_lines(site)
            assert told.count("calendar.flapping") == 1
            assert len(told) <= 6, told
            site.publish(None)
            await site.until(one.end - SECOND)
            assert not cut_off_before(site, later.end)
            assert calendar_lines(site)[-1] == "calendar.steady"
            assert len(calendar_lines(site)) <= len(told) + 2
            await site.until(one.end + MINUTE)

    site = plays(tmp_path, story, rooms=("aula", "boardroom", "cellar", "den"))
    assert not cancelled(site)
    assert rings(site) == [1, 1, 1, 1]
    site.assert_all_closed()


@pytest.mark.parametrize("seed", range(4))
def test_whatever_a_calendar_answers_in_whatever_order_costs_nothing(
    tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    lies = [GOOD, GOOD, EMPTY, HALF, BROKEN, Feed(), Feed(NO_EVENTS[:-9]), Feed(b"<html>login")]

    async def story(site: FeedSite) -> None:
        one = full(site, minutes=75)
        later = booked(site, after=35, minutes=15, uid="later@example.org", rooms=("cellar", "den"))
        async with site.running():
            await site.until(one.start - 6 * MINUTE)
        site.publish(in_turn(site, chance.choices(lies, k=97)))
        while site.clock.now() < later.end + 2 * MINUTE:
            async with site.running() as doom:
                await site.clock.sleep(chance.uniform(60, 600))
                await site.kill(doom)
            site.clock.step(timedelta(seconds=chance.uniform(-20, 20)))
            await site.clock.sleep(chance.uniform(0, 10))
        assert site.endpoint("aula").connected
        assert not cut_off_before(site, later.end - MINUTE)
        site.publish(None)
        async with site.running():
            await site.until(one.end + 2 * MINUTE)

    site = plays(tmp_path, story, rooms=("aula", "boardroom", "cellar", "den"))
    assert not cancelled(site)
    assert rings(site) == [1, 1, 1, 1]
    site.assert_all_closed()


def test_with_few_events_a_calendar_that_turns_by_turns_is_believed_late_from_then_on(
    tmp_path: Path,
) -> None:
    async def story(site: FeedSite) -> None:
        booked(site, after=300)
        async with site.running():
            site.publish(in_turn(site, [EMPTY, EMPTY, GOOD]))
            await site.clock.sleep(280 * 60)

    site = plays(tmp_path, story)
    assert 1 <= len(cancelled(site)) <= 3
    assert calendar_lines(site) == ["calendar.flapping"]


@pytest.mark.parametrize("answer", [EMPTY, HALF], ids=["empty", "half"])
def test_mass_deletion_is_believed_after_a_quarter_of_an_hour_and_not_before(
    tmp_path: Path, answer: Feed | str
) -> None:
    async def story(site: FeedSite) -> None:
        one = full(site)
        async with site.running():
            await site.until(one.start + 5 * MINUTE)
            site.publish(in_turn(site, [answer]))
            await site.until(one.start + 19 * MINUTE)
            assert site.endpoint("aula").connected
            assert planned(site) == 4
            assert not site.cluster.messages
            await site.until(one.start + 23 * MINUTE)
            assert len(site.machine.ledger.in_state(State.CANCELLED)) >= 2

    site = plays(tmp_path, story)
    assert calendar_lines(site) == ["calendar.emptied", "calendar.believed"]
    assert rings(site, "aula", "boardroom") == [1, 1]


def test_an_empty_calendar_that_fills_again_is_told_with_how_long_it_was_empty(
    tmp_path: Path,
) -> None:
    async def story(site: FeedSite) -> None:
        one = full(site)
        async with site.running():
            await site.until(one.start + 5 * MINUTE)
            site.publish(EMPTY)
            await site.clock.sleep(12 * 60)
            site.publish(None)
            await site.clock.sleep(120)

    site = plays(tmp_path, story)
    assert calendar_lines(site) == ["calendar.emptied", "calendar.refilled"]
    (told,) = (k for k in site.happened("calendar.refilled") if k["room"] == "aula")
    assert 10 * 60 < told["seconds"] < 14 * 60
    assert not cancelled(site)


def test_an_open_booking_that_was_only_missed_with_many_others_is_warned_before_it_ends(
    tmp_path: Path,
) -> None:
    async def story(site: FeedSite) -> None:
        one = full(site)
        async with site.running():
            await site.until(one.start + 5 * MINUTE)
            site.publish(EMPTY)
            await site.eventually(lambda: bool(site.cluster.messages), within=20 * 60)
            assert site.endpoint("aula").connected
            assert site.clock.now() - one.start >= 20 * MINUTE

    plays(tmp_path, story)


@pytest.mark.parametrize("down", [1, 45], ids=lambda minutes: f"{minutes} minutes down")
def test_patience_goes_on_after_a_restart_where_it_was(tmp_path: Path, down: int) -> None:
    async def story(site: FeedSite) -> None:
        one = full(site)
        async with site.running() as doom:
            await site.until(one.start + 5 * MINUTE)
            site.publish(EMPTY)
            await site.clock.sleep(10 * 60)
            await site.kill(doom)
        await site.clock.sleep(down * 60)
        async with site.running():
            await site.clock.sleep(90)
            assert planned(site) == 4
            assert site.endpoint("aula").connected
            await site.clock.sleep(7 * 60)
            assert not planned(site)

    plays(tmp_path, story)


def test_a_daemon_that_restarts_all_the_time_does_not_wait_for_ever(tmp_path: Path) -> None:
    async def story(site: FeedSite) -> None:
        one = full(site)
        async with site.running():
            await site.until(one.start + 5 * MINUTE)
        site.publish(EMPTY)
        for _ in range(14):
            async with site.running() as doom:
                await site.clock.sleep(80)
                assert planned(site) in (4, 0)
                await site.kill(doom)
        async with site.running():
            await site.clock.sleep(10)
            assert not planned(site)

    plays(tmp_path, story)


def test_polls_that_fail_meanwhile_agree_with_nothing(tmp_path: Path) -> None:
    async def story(site: FeedSite) -> None:
        one = full(site)
        async with site.running():
            await site.until(one.start + MINUTE)
            site.publish(EMPTY)
            await site.clock.sleep(120)
            site.publish(BROKEN)
            await site.clock.sleep(30 * 60)
            site.publish(EMPTY)
            await site.clock.sleep(5 * 60)
            assert planned(site) == 4
            assert site.endpoint("aula").connected
            await site.clock.sleep(10 * 60)
            assert not planned(site)

    plays(tmp_path, story)


@pytest.mark.parametrize("step", [HOUR, -HOUR], ids=["forward", "back"])
def test_a_clock_that_is_set_meanwhile_neither_ends_the_patience_nor_prolongs_it(
    tmp_path: Path, step: timedelta
) -> None:
    async def story(site: FeedSite) -> None:
        for n in range(4):
            booked(site, after=24 * 60 + 60 * n, uid=f"tomorrow{n}@example.org")
        async with site.running():
            await site.clock.sleep(120)
            site.publish(EMPTY)
            await site.clock.sleep(5 * 60)
            site.clock.step(step)
            await site.clock.sleep(7 * 60)
            assert planned(site) == 4
            await site.clock.sleep(7 * 60)
            assert not planned(site)

    plays(tmp_path, story)


def test_a_clock_that_is_set_makes_no_calendar_stale(tmp_path: Path) -> None:
    async def story(site: FeedSite) -> None:
        async with site.running():
            await site.clock.sleep(30)
            site.publish(BROKEN)
            await site.clock.sleep(5 * 60)
            site.clock.step(timedelta(days=2))
            await site.clock.sleep(5 * 60)
            assert not site.happened("calendar.stale")
            assert site.machine.polling.mute == ()
            since, _ = site.machine.polling.failing()["aula"]
            assert 8 * MINUTE < site.clock.now() - since < 11 * MINUTE
            await site.clock.sleep(8 * 60)
            assert len(site.happened("calendar.stale")) == 3

    plays(tmp_path, story)


def test_since_when_a_room_is_unread_survives_a_restart(tmp_path: Path) -> None:
    async def story(site: FeedSite) -> None:
        one = booked(site, after=45)
        async with site.running() as doom:
            await site.clock.sleep(60)
            site.publish(BROKEN, "aula")
            await site.clock.sleep(25 * 60)
            await site.kill(doom)
        async with site.running():
            await site.until(one.start + MINUTE)
            # Unread for more than half an hour, through two lives of the daemon.
            assert site.endpoint("boardroom").connected
            assert rings(site, "aula") == [0]
            site.publish(None)
            await site.clock.sleep(90)
            assert site.endpoint("aula").connected

    terms = DaemonSettings(stale_after=10 * MINUTE, stale_limit=30 * MINUTE)
    site = plays(tmp_path, story, daemon=terms)
    (told,) = site.happened("calendar.recovered")
    assert 43 * 60 < told["seconds"] < 48 * 60


def test_the_calendar_of_another_room_served_by_mistake_rings_nobody(tmp_path: Path) -> None:
    async def story(site: FeedSite) -> None:
        one = full(site, "aula", "boardroom")
        booked(site, after=48 * 60, uid="common@example.org", rooms=site.rooms)
        for n in range(4):
            booked(site, after=13 + n, uid=f"theirs{n}@example.org", rooms=("cellar",), minutes=9)
        site.settings = replace(
            site.settings, conferences=replace(site.settings.conferences, min_rooms=1)
        )
        async with site.running():
            await site.clock.sleep(60)
            known = {row.uid for row in site.bookings()}
            site.publish(Feed(site.publisher.text("cellar").replace(b"theirs", b"others")), "aula")
            await site.until(one.start + 4 * MINUTE)
            assert {row.uid for row in site.bookings()} == known
            assert site.endpoint("aula").connected
            site.publish(None)
            await site.until(one.start + 30 * MINUTE)
            assert site.endpoint("aula").connected

    site = plays(tmp_path, story)
    assert rings(site, "aula", "boardroom") == [1, 1]
    assert not cancelled(site)
    assert calendar_lines(site) == ["calendar.emptied", "calendar.refilled"]


def test_of_two_servers_behind_one_address_the_older_revision_is_not_believed(
    tmp_path: Path,
) -> None:
    async def story(site: FeedSite) -> None:
        one = full(site)
        async with site.running():
            await site.clock.sleep(60)
            old = {room: Feed(site.publisher.text(room)) for room in ("aula", "boardroom")}
            later = moved(site, one, start=one.start + 20 * MINUTE)
            for room, feed in old.items():
                site.publish(in_turn(site, [GOOD, feed]), room)
            await site.until(one.start + MINUTE)
            assert rings(site, "aula", "boardroom") == [0, 0]
            await site.until(later.start + MINUTE)
            assert site.endpoint("aula").connected
            assert [row.start for row in site.machine.ledger.in_state(State.OPEN)] == [later.start]
            await site.until(later.end - SECOND)
            assert site.endpoint("aula").connected

    site = plays(tmp_path, story)
    assert rings(site, "aula", "boardroom") == [1, 1]
    assert len([k for k in site.happened("booking.changed") if "now" in k["reason"]]) == 1


def test_an_event_that_starts_elsewhere_at_each_poll_cuts_nobody_off(tmp_path: Path) -> None:
    async def story(site: FeedSite) -> None:
        one = booked(site, minutes=60)
        async with site.running():
            await site.until(one.start + 5 * MINUTE)
            latest = one
            for n in range(20):
                latest = moved(site, latest, start=one.start + (n % 5) * MINUTE)
                await site.clock.sleep(60)
                assert site.endpoint("aula").connected
            await site.until(one.end - SECOND)
            assert site.endpoint("aula").connected
            await site.until(one.end + MINUTE)

    site = plays(tmp_path, story)
    assert rings(site, "aula", "boardroom") == [1, 1]
    site.assert_all_closed()


def test_a_file_that_ends_between_two_calendars_for_one_poll_loses_nothing(tmp_path: Path) -> None:
    async def story(site: FeedSite) -> None:
        one = booked(site)
        async with site.running():
            await site.until(one.start + 5 * MINUTE)
            both = {room: site.publisher.text(room) for room in ("aula", "boardroom")}
            for room, whole in both.items():
                rest = Feed(NO_EVENTS + whole)
                site.publish(in_turn(site, [EMPTY, rest, rest, rest]), room)
            await site.until(one.start + 25 * MINUTE)
            assert site.endpoint("aula").connected

    site = plays(tmp_path, story)
    assert rings(site, "aula", "boardroom") == [1, 1]
    assert not cancelled(site)


def test_another_calendar_named_in_the_file_counts_at_once_after_a_restart(
    tmp_path: Path,
) -> None:
    async def story(site: FeedSite) -> None:
        for n in range(4):
            booked(site, after=24 * 60 + 60 * n, uid=f"wrong{n}@example.org")
        async with site.running():
            await site.clock.sleep(30)
        for n in range(4):
            site.uninvite(f"wrong{n}@example.org")
        one = booked(site)
        rooms = tuple(
            replace(room, url=room.url.replace("http://", "http://mended."))
            for room in site.settings.rooms
        )
        site.settings = replace(site.settings, rooms=rooms)
        async with site.running():
            await site.clock.sleep(30)
            assert [row.uid for row in site.machine.ledger.in_state(State.PLANNED)] == [one.uid]

    site = plays(tmp_path, story)
    assert not site.happened("calendar.emptied")


def test_an_answer_that_a_reload_overtook_is_dropped(tmp_path: Path) -> None:
    async def story(site: FeedSite) -> None:
        one = booked(site, after=60)
        slow = Feed(lambda clock: _slowly(clock, site.publisher.text("aula")))
        async with site.running():
            await site.clock.sleep(0)
            site.publish(slow, "aula")
            await site.clock.sleep(8)
            without = tuple(room for room in site.settings.rooms if room.name != "aula")
            settings = replace(site.settings, rooms=without)
            site.machine.reload(settings, site.machine.polling._sources)
            await site.clock.sleep(60)
            assert "aula" not in site.machine.polling.readings()
            assert "aula" not in await site.store.readings()
            assert [c.room for c in site.machine.copies.of((one.uid, ""))] == ["boardroom"]

    plays(tmp_path, story)


def test_a_poll_whose_source_a_reload_closed_tells_nothing_and_is_made_again(
    tmp_path: Path,
) -> None:
    async def story(site: FeedSite) -> None:
        asked, closed = asyncio.Event(), asyncio.Event()

        async def broken_off(_: httpx.Request) -> Feed:
            asked.set()
            await closed.wait()
            raise httpx.ReadError("Connector is closed.")

        async with site.running():
            await site.clock.sleep(30)
            site.publish(broken_off, "aula")
            await asked.wait()
            one = booked(site, after=60)
            before = site.machine.polling._sources["files"]
            closed.set()
            site.publish(None, "aula")
            site.machine.reload(site.settings, {"files": _Exchanged(before)})
            await site.clock.sleep(5)
            assert site.machine.copies.of((one.uid, ""))[0].room == "aula"

    site = plays(tmp_path, story)
    assert not site.happened("calendar.failed")


class _Exchanged:
    """The source that a reload puts in another one's place."""

    def __init__(self, before: CalendarSource) -> None:
        self.poll, self.close = before.poll, before.close


def test_a_server_that_gives_no_answer_keeps_no_room_of_another_waiting(tmp_path: Path) -> None:
    async def silent(_: httpx.Request) -> Feed:
        await asyncio.sleep(1e9)
        return BROKEN

    async def story(site: FeedSite) -> None:
        dead = tuple(f"dead{n}" for n in range(300))
        site.publish(silent, *dead)
        rooms = [replace(site.room(name), url=f"http://silent.example/{name}.ics") for name in dead]
        site.settings = replace(site.settings, rooms=(*site.settings.rooms, *rooms))
        async with site.running():
            await site.clock.sleep(300)
            one = booked(site, after=60)
            await site.clock.sleep(65)
            assert [row.rooms for row in site.bookings()] == [one.rooms]

    plays(tmp_path, story)


def test_a_source_that_never_ends_a_poll_is_told_and_the_other_rooms_are_read(
    tmp_path: Path,
) -> None:
    async def story(site: FeedSite) -> None:
        booked(site, after=60)
        async with site.running():
            sources = site.machine.polling._sources
            poll = sources["files"].poll

            async def hangs(room, *rest):
                await asyncio.sleep(1e9 if room.name == "aula" else 0)
                return await poll(room, *rest)

            sources["files"].poll = hangs
            await site.clock.sleep(120)
            assert sorted(site.machine.polling.readings()) == ["boardroom", "cellar"]

    site = plays(tmp_path, story)
    (told,) = site.happened("calendar.failed")
    assert (told["room"], told["kind"]) == ("aula", "hung")


async def _slowly(clock: VirtualClock, body: bytes) -> AsyncIterator[bytes]:
    await clock.sleep(15)
    yield body
