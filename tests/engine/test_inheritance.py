"""What runs gets another UID or recurrence id: it goes on, whoever sees which half first."""

import os
import random
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count, pairwise, permutations
from pathlib import Path
from typing import Any

import pytest

from cospaced.domain.booking import Booking, State
from cospaced.domain.identity import booking_id, home_number
from cospaced.settings import Choice
from support.rewriting import seen, series, write
from support.site import SITE_KEY, Invitation, Site
from support.stories import MINUTE, SECOND, booked, cut_off_before, moved, play, rings


BOTH = ("aula", "boardroom")


def running(site: Site) -> Booking:
    """Return the one open booking."""
    (row,) = [row for row in site.bookings() if row.state is State.OPEN]
    return row


def spaces_opened(site: Site) -> int:
    """Return how many spaces were ever opened."""
    return len(site.happened("booking.opened"))


def kept(before: Booking, after: Booking) -> bool:
    """Whether everything that people and CMS know of a booking is as it was."""

    def known(row: Booking) -> tuple[object, ...]:
        legs = {d.target.endpoint: (d.attempt, d.leg) for d in row.dials if d.attempt}
        return (row.id, row.number, row.passcode, row.secret, row.call_bridge, legs)

    return known(before) == known(after)


def check_one_conference(site: Site, *, rooms: tuple[str, ...] = BOTH) -> None:
    """Check that each room rang once, in one space, and nobody was cut off before its end."""
    assert rings(site, *rooms) == [1] * len(rooms)
    assert spaces_opened(site) == 1
    assert not site.happened("event.fault")
    (closed_at,) = [at for at, event, _ in site.events if event == "booking.closing"]
    assert not cut_off_before(site, closed_at)
    site.assert_all_closed()


ORDERS = list(permutations(["aula+", "aula-", "boardroom+", "boardroom-"]))


@pytest.mark.parametrize(
    ("order", "apart"),
    [(order, 12) for order in ORDERS]
    # The other half are these with the rooms' names changed over.
    + [(order, apart) for order in ORDERS[:12] for apart in (1, 25)],
    ids=lambda value: value if isinstance(value, int) else " ".join(value),
)
def test_an_event_deleted_and_sent_anew_goes_on_in_whatever_order_it_is_seen(
    tmp_path: Path, order: tuple[str, ...], apart: float
) -> None:
    # A room that lost the event while nobody knew of another one has been removed from it.
    removed = apart > 15 and order[0][-1] == "-"
    stays = tuple(room for room in BOTH if not (removed and order[0].startswith(room)))

    def held(
        room: str, done: tuple[str, ...], old: Invitation, new: Invitation
    ) -> list[Invitation]:
        events = [] if f"{room}-" in done else [old]
        return [*events, new] if f"{room}+" in done else events

    async def story(site: Site) -> None:
        one = booked(site, after=2, minutes=8)
        new = replace(one, uid="two@example.org", title="Anew")
        async with site.running():
            await site.until(one.start + MINUTE)
            before = running(site)
            for n in range(1, 5):
                for room in BOTH:
                    write(site, room, *held(room, order[:n], one, new))
                site.machine.polling.hurry(BOTH)
                await site.clock.sleep(apart)
            await site.clock.sleep(30)
            after = running(site)
            assert removed or kept(before, after)
            assert (after.id, after.number) == (before.id, before.number)
            assert (after.uid, after.title, after.rooms) == (new.uid, "Anew", BOTH)
            await site.until(one.end + MINUTE)

    site = play(tmp_path, story)
    assert rings(site, *stays) == [1] * len(stays)
    assert spaces_opened(site) == 1
    cut_off = cut_off_before(site, site.clock.now() - MINUTE - SECOND)
    assert not [leg for leg in cut_off if leg.startswith(stays)]
    site.assert_all_closed()


def until(moment: datetime) -> str:
    """Return a daily rule that ends before a moment."""
    return f"FREQ=DAILY;UNTIL={moment - SECOND:%Y%m%dT%H%M%SZ}"


async def _splits(site: Site, **new: Any) -> tuple[Booking, datetime]:
    """Split a daily series at the occurrence that runs; the rest has another UID."""
    today = site.clock.now() + 2 * MINUTE
    start = today - timedelta(days=2)
    for room in BOTH:
        write(site, room, series(start))
    await site.until(today + 5 * MINUTE)
    before = running(site)
    rooms = new.pop("rooms", BOTH)
    for room in site.rooms:
        old = [series(start, rule=until(today), sequence=1)] if room in BOTH else []
        rest = [series(today, uid="rest@example.org", **new)] if room in rooms else []
        write(site, room, *old, *rest)
    await seen(site)
    return before, today


def test_a_series_split_at_what_runs_goes_on_under_the_uid_of_the_rest(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        async with site.running():
            before, today = await _splits(site, minutes=40)
            after = running(site)
            assert kept(before, after)
            assert after.uid == "rest@example.org"
            assert after.recurrence_id == f"{today:%Y-%m-%dT%H:%M:%SZ}"
            assert after.end == today + 40 * MINUTE
            await site.until(today + 39 * MINUTE)
            assert site.endpoint("aula").connected
            await site.until(today + 42 * MINUTE)

    check_one_conference(play(tmp_path, story))


def test_a_room_of_the_rest_alone_is_dialled_and_one_that_it_lacks_dropped(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        async with site.running():
            _, today = await _splits(site, rooms=("aula", "cellar"))
            assert site.endpoint("cellar").connected
            await site.eventually(lambda: not site.endpoint("boardroom").connected, within=120)
            assert site.endpoint("aula").connected
            await site.until(today + 32 * MINUTE)

    site = play(tmp_path, story)
    assert rings(site) == [1, 1, 1]
    assert spaces_opened(site) == 1


@pytest.mark.parametrize("organizer", ["ada@example.org", ""])
@pytest.mark.parametrize("to_series", [True, False])
def test_a_single_event_that_becomes_a_series_goes_on_and_the_other_way_round(
    tmp_path: Path, to_series: bool, organizer: str
) -> None:
    async def story(site: Site) -> None:
        start = site.clock.now() + 2 * MINUTE
        single = Invitation("one", start, start + 30 * MINUTE, organizer=organizer).text()
        recurring = single.replace("END:VEVENT", "RRULE:FREQ=DAILY;COUNT=5\r\nEND:VEVENT")
        first, second = (single, recurring) if to_series else (recurring, single)
        for room in BOTH:
            write(site, room, first)
        async with site.running():
            await site.until(start + 5 * MINUTE)
            before = running(site)
            for room in BOTH:
                write(site, room, second)
                await seen(site)
            after = running(site)
            assert kept(before, after)
            assert bool(after.recurrence_id) is to_series
            await site.until(start + 32 * MINUTE)

    check_one_conference(play(tmp_path, story))


def test_a_series_moved_by_minutes_while_an_occurrence_runs_goes_on(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        start = site.clock.now() + 2 * MINUTE
        for room in BOTH:
            write(site, room, series(start))
        async with site.running():
            await site.until(start + 5 * MINUTE)
            before = running(site)
            for room in BOTH:
                write(site, room, series(start - 10 * MINUTE, sequence=1))
                await seen(site)
            after = running(site)
            assert kept(before, after)
            assert after.end == start + 20 * MINUTE
            await site.until(start + 22 * MINUTE)

    check_one_conference(play(tmp_path, story))


def test_a_series_that_is_back_is_followed_again(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        start = site.clock.now() + 2 * MINUTE
        for room in BOTH:
            write(site, room, series(start))
        async with site.running():
            await site.until(start + 5 * MINUTE)
            other = Invitation("other", start + timedelta(days=1), start + timedelta(days=2))
            for room in BOTH:
                write(site, room, other)
            await seen(site)
            # Half of a calendar gone at once is believed after a quarter of an hour.
            await site.until(start + 22 * MINUTE)
            assert running(site).detached
            for room in BOTH:
                write(site, room, series(start, minutes=40, sequence=1))
            await seen(site)
            assert running(site).end == start + 40 * MINUTE
            await site.until(start + 42 * MINUTE)

    check_one_conference(play(tmp_path, story))


@pytest.mark.parametrize(
    ("other", "goes_on"),
    [
        ({"organizer": "ada@example.org"}, True),
        ({"organizer": "mallory@example.org"}, False),
        ({"organizer": ""}, False),
        ({"rooms": ("cellar", "studio")}, False),
    ],
)
def test_only_an_event_of_the_same_organizer_with_a_common_room_is_an_heir(
    tmp_path: Path, other: dict[str, Any], goes_on: bool
) -> None:
    async def story(site: Site) -> None:
        one = booked(site, after=2)
        async with site.running():
            await site.until(one.start + 5 * MINUTE)
            before = running(site)
            site.uninvite(one.uid)
            site.invite(replace(one, uid="two", **other))
            await seen(site, 100)
            row = running(site)
            assert row.uid == "two"
            assert (row.id == before.id) is goes_on
            if not goes_on:
                assert "cancelled" in site.cluster.messages[0].text
            await site.until(one.end + MINUTE)

    play(tmp_path, story, rooms=(*BOTH, "cellar", "studio")).assert_all_closed()


def test_two_events_without_organizer_are_two_conferences(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site, after=2, organizer="")
        async with site.running():
            await site.until(one.start + 5 * MINUTE)
            site.uninvite(one.uid)
            site.invite(replace(one, uid="two"))
            await seen(site, 100)
            assert {row.uid: row.state for row in site.bookings()} == {
                one.uid: State.CLOSED,
                "two": State.OPEN,
            }

    play(tmp_path, story)


@pytest.mark.parametrize("later", [10, 300])
def test_a_copy_of_what_runs_waits_as_long_as_that_holds_its_rooms(
    tmp_path: Path, later: float
) -> None:
    async def story(site: Site) -> None:
        one = booked(site, after=2)
        async with site.running():
            await site.until(one.start + 5 * MINUTE)
            before = running(site)
            site.invite(replace(one, uid="two"))
            await seen(site, later)
            assert kept(before, running(site))
            site.uninvite(one.uid)
            await seen(site)
            assert kept(before, running(site))
            assert running(site).uid == "two"
            ended = [row for row in site.bookings() if row.state is State.CANCELLED]
            assert [row.reason for row in ended] == [f"its event goes on in booking {before.id}"]
            await site.until(one.end + MINUTE)

    site = play(tmp_path, story)
    check_one_conference(site)
    assert len(site.happened("booking.waits")) == 1


def test_with_no_number_left_the_one_that_runs_is_the_number_of_its_heir(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site, after=2)
        async with site.running():
            await site.until(one.start + 5 * MINUTE)
            before = running(site)
            site.invite(replace(one, uid="two"))
            await seen(site, 20)
            assert [row.state for row in site.bookings() if row.uid == "two"] == [State.REFUSED]
            site.uninvite(one.uid)
            await seen(site)
            assert kept(before, running(site))
            assert running(site).uid == "two"
            await site.until(one.end + MINUTE)

    check_one_conference(play(tmp_path, story, quantity=1))


def test_a_copy_of_what_runs_to_its_end_says_why_it_was_not_held(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site, after=2)
        async with site.running():
            await site.until(one.start + 5 * MINUTE)
            site.invite(replace(one, uid="two", end=one.end - 5 * MINUTE))
            await site.until(one.end + MINUTE)
            (row,) = [row for row in site.bookings() if row.uid == "two"]
            assert row.state is State.MISSED
            assert "of its organizer is open in its rooms" in row.reason

    check_one_conference(play(tmp_path, story))


@pytest.mark.parametrize("minutes", [9, 30])
def test_a_copy_that_lasts_longer_is_opened_when_what_runs_has_ended(
    tmp_path: Path, minutes: int
) -> None:
    """However late that is: its rooms were held until then, by a conference of ours."""

    async def story(site: Site) -> None:
        one = booked(site, after=2, minutes=minutes)
        async with site.running():
            await site.until(one.start + MINUTE)
            site.invite(replace(one, uid="two", end=one.end + 20 * MINUTE))
            await site.until(one.end + MINUTE)
            assert running(site).uid == "two"
            assert site.endpoint("aula").connected
            await site.until(one.end + 22 * MINUTE)

    site = play(tmp_path, story)
    site.assert_all_closed()
    assert rings(site, *BOTH) == [2, 2]


def test_a_copy_that_lasts_longer_rings_its_rooms_though_cms_was_away_when_what_ran_ended(
    tmp_path: Path,
) -> None:
    async def story(site: Site) -> None:
        one = booked(site, after=2, minutes=30)
        async with site.running():
            await site.until(one.start + MINUTE)
            site.invite(replace(one, uid="two", end=one.end + 30 * MINUTE))
            await site.until(one.end - 20 * SECOND)
            site.cluster.scenarios.cut_off("core1", silent=False)
            await site.until(one.end + MINUTE)
            site.cluster.scenarios.reconnect("core1")
            await site.until(one.end + 5 * MINUTE)
            assert running(site).uid == "two"
            assert site.endpoint("aula").connected
            await site.until(one.end + 32 * MINUTE)

    site = play(tmp_path, story)
    site.assert_all_closed()
    assert rings(site, *BOTH) == [2, 2]


def test_an_event_with_a_room_more_is_opened_once_it_is_sure_to_be_another(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site, after=2)
        async with site.running():
            await site.until(one.start + 5 * MINUTE)
            site.invite(replace(one, uid="two", rooms=("aula", "cellar")))
            await seen(site, 80)
            assert not site.endpoint("cellar").rings
            await site.clock.sleep(20)
            assert site.endpoint("cellar").connected
            assert site.happened("endpoint.clash")
            await site.until(one.end + MINUTE)

    site = play(tmp_path, story)
    site.assert_all_closed()
    assert spaces_opened(site) == 2


def reload_terms(site: Site, **terms: Any) -> None:
    """Change settings of conferences, as a reload does."""
    conferences = replace(site.settings.conferences, **terms)
    site.reload(replace(site.settings, conferences=conferences))


def test_two_events_of_few_rooms_do_not_take_a_conference_by_turns(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site, after=2)
        async with site.running():
            await site.until(one.start + 5 * MINUTE)
            reload_terms(site, min_rooms=1)
            site.invite(replace(moved(site, one, rooms=("aula",)), uid="two"))
            await site.clock.sleep(5 * 60)
            assert running(site).uid == one.uid
            assert not site.happened("booking.inherited")
            # Nothing but its own event's end lets the other one have it.
            site.uninvite(one.uid)
            await seen(site)
            assert running(site).uid == "two"
            await site.until(one.end + MINUTE)
            assert len(site.happened("booking.inherited")) == 1

    site = play(tmp_path, story)
    assert rings(site, "aula") == [1]
    assert spaces_opened(site) == 1
    site.assert_all_closed()


def test_an_event_that_only_newer_rules_let_count_has_a_conference_of_its_own(
    tmp_path: Path,
) -> None:
    async def story(site: Site) -> None:
        one = booked(site, after=2)
        async with site.running():
            await site.until(one.start + 5 * MINUTE)
            reload_terms(site, tentative=Choice.BOOK)
            site.invite(replace(moved(site, one, lines=("STATUS:TENTATIVE",)), uid="two"))
            await site.clock.sleep(10 * 60)
            assert not site.happened("booking.inherited")
            # By the rules that it keeps, the first one's event counts no more.
            assert [row.uid for row in site.bookings() if row.state is State.CLOSED] == [one.uid]
            assert running(site).uid == "two"
            await site.until(one.end + MINUTE)

    play(tmp_path, story).assert_all_closed()


def test_rules_made_stricter_take_no_conference_from_an_event_that_stands(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site, after=2)
        async with site.running():
            await site.until(one.start + 5 * MINUTE)
            reload_terms(site, min_rooms=3)
            site.invite(replace(one, uid="two", rooms=site.rooms))
            await seen(site, 120)
            assert one.uid in [row.uid for row in site.bookings() if row.state is State.OPEN]
            assert not site.happened("booking.inherited")

    play(tmp_path, story)


def test_what_was_booked_before_keeps_the_number_that_people_know(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site, after=6)
        two = replace(one, uid="two", start=one.start + 10 * MINUTE, end=one.end + 10 * MINUTE)
        site.invite(two)
        async with site.running():
            await site.clock.sleep(30)
            numbers = {row.uid: row.number for row in site.bookings()}
            await site.until(two.start - 6 * MINUTE)
            site.uninvite(one.uid)
            await site.until(two.start + 2 * MINUTE)
            assert running(site).number == numbers["two"]
            await site.until(two.end + MINUTE)

    play(tmp_path, story).assert_all_closed()


def test_an_event_moved_away_and_replaced_is_a_booking_of_its_own_later(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site, after=2, minutes=15)
        hour = timedelta(hours=1)
        async with site.running():
            await site.until(one.start + 5 * MINUTE)
            before = running(site)
            later = replace(one, start=one.start + hour, end=one.end + hour, sequence=1)
            site.invite(later)
            site.invite(replace(one, uid="two"))
            await seen(site)
            assert kept(before, running(site))
            await site.until(later.start + MINUTE)
            row = running(site)
            assert row.uid == one.uid
            assert row.id == booking_id(one.uid, "", 1) != before.id
            await site.until(later.end + MINUTE)

    site = play(tmp_path, story)
    site.assert_all_closed()
    assert rings(site, *BOTH) == [2, 2]


def test_moved_away_and_back_with_people_in_it_it_goes_on(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site, after=2)
        hour = timedelta(hours=1)
        async with site.running():
            await site.until(one.start + 5 * MINUTE)
            before = running(site)
            site.invite(replace(one, start=one.start + hour, end=one.end + hour, sequence=1))
            await seen(site)
            site.invite(replace(one, sequence=2, end=one.end + 5 * MINUTE))
            await seen(site)
            after = running(site)
            assert kept(before, after)
            assert after.end == one.end + 5 * MINUTE
            await site.until(one.end + 7 * MINUTE)

    check_one_conference(play(tmp_path, story))


def test_sent_anew_before_the_start_the_rooms_ring_at_the_start_in_the_space_that_is_open(
    tmp_path: Path,
) -> None:
    async def story(site: Site) -> None:
        one = booked(site, after=8)
        hour = timedelta(hours=1)
        async with site.running():
            await site.until(one.start - 4 * MINUTE)
            before = running(site)
            assert site.cluster.scenarios.dial_in("guest@example.org", str(before.number))
            # Moved away with somebody in it: the rooms are called off, and then called after all.
            site.invite(replace(one, start=one.start + hour, end=one.end + hour, sequence=1))
            await seen(site)
            site.uninvite(one.uid)
            site.invite(replace(one, uid="two"))
            await seen(site)
            assert (running(site).uid, running(site).id) == ("two", before.id)
            await site.until(one.start + 10 * SECOND)
            assert site.endpoint("aula").connected
            assert site.cluster.endpoint("guest@example.org").connected
            await site.until(one.end + MINUTE)

    check_one_conference(play(tmp_path, story))


def test_a_conference_whose_call_people_ended_is_not_inherited(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site, after=2)
        async with site.running():
            await site.until(one.start + 5 * MINUTE)
            site.cluster.scenarios.operator_ends_call(str(running(site).number))
            await site.clock.sleep(70)
            site.uninvite(one.uid)
            site.invite(replace(one, uid="two"))
            await seen(site, 20)
            assert running(site).uid == "two"
            assert site.endpoint("aula").connected
            await site.until(one.end + MINUTE)

    site = play(tmp_path, story)
    site.assert_all_closed()
    assert rings(site, *BOTH) == [2, 2]


@pytest.mark.parametrize("rooms", [BOTH, (*BOTH, "cellar")])
def test_an_event_moved_to_where_its_conference_still_runs_goes_on_in_that_one(
    tmp_path: Path, rooms: tuple[str, ...]
) -> None:
    """It is to be later first; at its new start, time alone has brought the two together."""

    async def story(site: Site) -> None:
        one = booked(site, after=2, minutes=30)
        start, end = one.start + 20 * MINUTE, one.start + 50 * MINUTE
        async with site.running():
            await site.until(one.start + 5 * MINUTE)
            before = running(site)
            moved(site, one, start=start, end=end, rooms=rooms)
            await seen(site)
            assert running(site).detached
            await site.until(start)
            after = running(site)
            assert (after.id, after.number, after.rooms) == (before.id, before.number, rooms)
            assert (after.start, after.end) == (start, end)
            await site.until(end + MINUTE)

    check_one_conference(play(tmp_path, story), rooms=rooms)


def test_identities_that_change_to_and_fro_touch_nobody(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site, after=2)
        two = replace(one, uid="two")
        async with site.running():
            await site.until(one.start + 2 * MINUTE)
            before = running(site)
            for event, gone in ((two, one), (one, two), (two, one), (one, two)):
                site.invite(event)
                await seen(site, 3)
                site.uninvite(gone.uid)
                await seen(site, 20)
                assert kept(before, running(site))
                assert running(site).uid == event.uid
            await site.until(one.end + MINUTE)

    check_one_conference(play(tmp_path, story))


def test_the_story_says_what_was_decided_and_why(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site, after=2)
        async with site.running():
            await site.until(one.start + 2 * MINUTE)
            site.uninvite(one.uid)
            site.invite(replace(one, uid="two"))
            await seen(site)
            await site.machine.ledger.persist_all()
            lines = [line.text for line in await site.store.story(running(site).id)]
            assert "its event is another one now, of the same organizer: it goes on" in lines

    play(tmp_path, story)


@pytest.mark.parametrize("lost", [False, True], ids=["state kept", "state lost"])
@pytest.mark.parametrize("changed", ["before the crash", "while it was down", "after it"])
def test_a_crash_around_the_change_touches_nobody(tmp_path: Path, changed: str, lost: bool) -> None:
    async def story(site: Site) -> None:
        one = booked(site, after=2)

        async def change() -> None:
            site.uninvite(one.uid)
            site.invite(replace(one, uid="two", rooms=("aula", "boardroom", "cellar")))
            await seen(site)

        async with site.running() as doom:
            await site.until(one.start + 5 * MINUTE)
            before = running(site)
            if changed == "before the crash":
                await change()
            await site.kill(doom)
        if changed == "while it was down":
            await change()
        if lost:
            site.lose_state()
        async with site.running():
            await site.clock.sleep(20)
            if changed == "after it":
                await change()
            await site.clock.sleep(20)
            after = running(site)
            assert (after.id, after.uid, after.number) == (before.id, "two", before.number)
            assert (after.passcode, after.secret) == (before.passcode, before.secret)
            await site.until(one.end + MINUTE)

    site = play(tmp_path, story)
    site.assert_all_closed()
    assert rings(site, *BOTH) == [1, 1]
    assert lost or rings(site, "cellar") == [1]
    assert spaces_opened(site) == 1


@pytest.mark.parametrize("organizer", ["mallory@example.org", ""])
def test_with_the_state_lost_a_space_of_another_organizer_is_not_taken_over(
    tmp_path: Path, organizer: str
) -> None:
    async def story(site: Site) -> None:
        one = booked(site, after=2)
        async with site.running() as doom:
            await site.until(one.start + 5 * MINUTE)
            before = running(site)
            await site.kill(doom)
        site.uninvite(one.uid)
        site.invite(replace(one, uid="two", organizer=organizer))
        site.lose_state()
        async with site.running():
            await site.clock.sleep(100)
            (row,) = [row for row in site.bookings() if row.uid == "two"]
            assert row.id != before.id
            assert row.number != before.number
            assert "ends in" in site.cluster.messages[0].text
            await site.until(one.end + MINUTE)

    play(tmp_path, story).assert_all_closed()


def test_with_the_state_lost_the_next_conference_of_an_organizer_takes_no_space_over(
    tmp_path: Path,
) -> None:
    async def story(site: Site) -> None:
        one = booked(site, after=2, minutes=10)
        two = replace(one, uid="two", start=one.end, end=one.end + 20 * MINUTE)
        site.invite(two)
        async with site.running() as doom:
            await site.until(one.end - SECOND)
            first = next(row for row in site.bookings() if row.uid == one.uid)
            await site.kill(doom)
        site.lose_state()
        await site.clock.sleep(5)
        async with site.running():
            await site.clock.sleep(5 * 60)
            row = running(site)
            assert (row.uid, row.id) == ("two", booking_id("two", ""))
            assert first.id not in [row.id for row in site.bookings() if row.state is State.OPEN]
            await site.until(two.end + MINUTE)

    play(tmp_path, story).assert_all_closed()


def at_home_on(site: Site, number: int, stem: str) -> str:
    """Return a UID whose first choice is a number."""
    uids = (f"{stem}{n}@example.org" for n in count())
    return next(u for u in uids if home_number(SITE_KEY, u, site.settings.pool) == number)


def test_with_the_state_lost_the_number_of_the_row_that_goes_on_elsewhere_is_free_at_once(
    tmp_path: Path,
) -> None:
    async def story(site: Site) -> None:
        one = booked(site, after=2)
        async with site.running() as doom:
            await site.until(one.start + 5 * MINUTE)
            before = running(site)
            await site.kill(doom)
        mine, other = before.number, sum(site.settings.pool.numbers) - (before.number or 0)
        site.uninvite(one.uid)
        # In the order of their UIDs: a takes the other number, b later on the one of what runs,
        # and c overlaps them both.
        heir = replace(one, uid=at_home_on(site, other, "a"))
        later = one.end + 10 * MINUTE
        second = Invitation(at_home_on(site, mine or 0, "b"), later, later + 20 * MINUTE)
        third = Invitation("c@example.org", one.end - 15 * MINUTE, later + 10 * MINUTE)
        site.invite(heir)
        for event in (second, third):
            site.invite(replace(event, organizer="bob@example.org"))
        site.lose_state()
        async with site.running():
            await site.eventually(lambda: bool(site.happened("booking.refused")))
            await site.eventually(lambda: bool(site.happened("booking.inherited")))
            rows = {row.uid: row for row in site.bookings() if row.state is not State.CANCELLED}
            assert (rows[heir.uid].id, rows[heir.uid].number) == (before.id, mine)
            assert (rows[second.uid].number, rows[third.uid].number) == (mine, other)
            assert rows[third.uid].state is State.PLANNED
            assert len(site.happened("booking.refused")) == 1

    play(tmp_path, story, quantity=2)


def test_a_room_whose_server_shows_the_change_much_later_stays_in(tmp_path: Path) -> None:
    everywhere = (*BOTH, "cellar")

    async def story(site: Site) -> None:
        one = booked(site, after=2, minutes=10, rooms=everywhere)
        new = replace(one, uid="two")
        async with site.running():
            await site.until(one.start + 2 * MINUTE)
            before = running(site)
            for room in BOTH:
                write(site, room, new)
            await seen(site, 75)
            assert kept(before, running(site))
            write(site, "cellar", new)
            await seen(site, 120)
            after = running(site)
            assert kept(before, after)
            assert (after.uid, after.rooms) == ("two", everywhere)
            await site.until(one.end + MINUTE)

    check_one_conference(play(tmp_path, story), rooms=everywhere)


def test_a_series_split_after_what_runs_leaves_it_what_it_is(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        start = site.clock.now() + 2 * MINUTE
        tomorrow = start + timedelta(days=1)
        for room in BOTH:
            write(site, room, series(start))
        async with site.running():
            await site.until(start + 5 * MINUTE)
            before = running(site)
            for room in BOTH:
                old = series(start, rule=until(tomorrow), sequence=1)
                write(site, room, old, series(tomorrow, uid="rest@example.org"))
            await seen(site, 60)
            after = running(site)
            assert kept(before, after)
            assert after.uid == before.uid
            await site.until(start + 32 * MINUTE)

    check_one_conference(play(tmp_path, story))


@pytest.mark.parametrize("seed", range(int(os.environ.get("SOAK_SEEDS", "4"))))
def test_identities_that_come_and_go_at_random_end_in_one_conference(
    tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)

    async def story(site: Site) -> None:
        one = booked(site, after=2, minutes=25)
        daily = one.text().replace("END:VEVENT", "RRULE:FREQ=DAILY;COUNT=3\r\nEND:VEVENT")
        faces: list[Invitation | str] = [one, replace(one, uid="two"), replace(one, uid="3"), daily]
        async with site.running() as doom:
            await site.until(one.start + MINUTE)
            while site.clock.now() < one.start + 10 * MINUTE:
                events = chance.choices(faces, k=chance.choice((0, 1, 1, 1, 2)))
                write(site, chance.choice(BOTH), *dict.fromkeys(map(_text, events)))
                await seen(site, chance.uniform(0.5, 40))
            await site.kill(doom)
        last = chance.choice(faces)
        for room in BOTH:
            write(site, room, last)
        async with site.running():
            await site.clock.sleep(4 * 60)
            row = running(site)
            assert row.rooms == BOTH
            assert all(site.endpoint(room).connected for room in BOTH)
            await site.until(one.end + MINUTE)
        assert not site.happened("event.fault")
        assert not site.happened("booking.fault")

    site = play(tmp_path, story)
    site.assert_all_closed()
    for room in BOTH:
        endpoint = site.endpoint(room)
        for one, again in pairwise(endpoint.rings):
            left = [gone.at for gone in endpoint.hang_ups if one.at < gone.at <= again.at]
            assert left, f"{room} rang again at {again.at} while it was in"


def _text(event: Invitation | str) -> str:
    return event if isinstance(event, str) else event.text()


@pytest.mark.parametrize("uid", [f"{n}@example.org" for n in range(4)])
def test_an_event_that_is_back_is_followed_after_a_restart_whatever_ran_for_it_before(
    tmp_path: Path, uid: str
) -> None:
    """A conference of it is over already, so that two rows bear its name."""

    async def story(site: Site) -> None:
        one = booked(site, after=2, minutes=8, uid=uid)
        async with site.running():
            await site.until(one.end + MINUTE)
            again = moved(site, one, start=one.end + 5 * MINUTE, end=one.end + 45 * MINUTE)
            await site.until(again.start + MINUTE)
            before = running(site)
            site.uninvite(uid)
            site.invite(replace(again, uid="other@example.org"))
            await seen(site)
            assert running(site).uid == "other@example.org"
            site.uninvite("other@example.org")
            await seen(site, 20)
            site.invite(again)
            await seen(site)
            assert running(site).uid == uid
        async with site.running():
            await site.clock.sleep(30)
            moved(site, again, end=again.end + 10 * MINUTE)
            await seen(site)
            assert kept(before, running(site))
            assert running(site).end == again.end + 10 * MINUTE
            await site.until(again.end + 12 * MINUTE)

    site = play(tmp_path, story)
    assert rings(site, *BOTH) == [2, 2]
    site.assert_all_closed()
