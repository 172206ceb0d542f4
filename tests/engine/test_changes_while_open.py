"""An event changes while its conference is open: what counts, what waits, who is heard at all."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from cospaced.domain.booking import Booking, State
from cospaced.domain.story import moment_text
from cospaced.errors import StoreUnusable
from support.rewriting import seen, series, write
from support.site import Invitation, Site
from support.stories import MINUTE, SECOND, asked, booked, cut_off_before, moved, play, rings


BOTH = ("aula", "boardroom")
MALLORY = "mallory@example.org"


def row_of(site: Site, uid: str = "one@example.org") -> Booking:
    """Return the newest row of an event."""
    return max((r for r in site.bookings() if r.uid == uid), key=lambda row: row.generation)


def untouched(site: Site) -> bool:
    """Whether both rooms are in the call, having rung once, and nobody was told of an end."""
    there = all(site.endpoint(room).connected for room in BOTH)
    return there and rings(site, *BOTH) == [1, 1] and not site.cluster.messages


# --- end, title, start ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left", "text"), [(30, "in 30 seconds"), (150, "in 2 minutes"), (-300, "in 1 minute")]
)
def test_an_end_moved_nearer_than_the_warnings_is_told_before_it_comes(
    tmp_path: Path, left: float, text: str
) -> None:
    async def story(site: Site) -> None:
        one = booked(site, after=2)
        async with site.running():
            await site.until(one.start + 10 * MINUTE)
            now = site.clock.now()
            moved(site, one, end=now + timedelta(seconds=left))
            await seen(site, 2)
            assert text in site.cluster.messages[0].text
            assert not cut_off_before(site, now + timedelta(seconds=max(left, 50)))
            await site.clock.sleep(200)

    play(tmp_path, story).assert_all_closed()


def test_a_new_title_is_one_write_and_moves_nobody(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site, after=2)
        async with site.running():
            await site.until(one.start + 5 * MINUTE)
            since = site.clock.now()
            moved(site, one, title="Renamed")
            await seen(site)
            assert [r for r in asked(site, since) if not r.startswith("GET")] == ["PUT coSpaces/*"]
            number = str(row_of(site).number)
            assert site.cluster.scenarios.space(number).fields["name"] == "Renamed"
            assert untouched(site)

    play(tmp_path, story)


def test_a_start_moved_to_later_with_nobody_in_it_closes_at_once(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site, after=8)
        async with site.running():
            await site.until(one.start - 4 * MINUTE)
            hour = timedelta(hours=1)
            later = moved(site, one, start=one.start + hour, end=one.end + hour)
            await seen(site)
            states = sorted((row.generation, row.state) for row in site.bookings())
            assert states == [(0, State.CLOSED), (1, State.PLANNED)]
            await site.until(later.start + MINUTE)
            assert site.endpoint("aula").connected
            await site.until(later.end + MINUTE)

    site = play(tmp_path, story)
    site.assert_all_closed()
    assert rings(site, *BOTH) == [1, 1]


def test_a_start_moved_to_earlier_than_now_rings_at_once(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site, after=8)
        async with site.running():
            await site.until(one.start - 4 * MINUTE)
            moved(site, one, start=site.clock.now() - MINUTE)
            await seen(site)
            assert site.endpoint("aula").connected
            await site.until(one.end + MINUTE)

    site = play(tmp_path, story)
    site.assert_all_closed()
    assert rings(site, *BOTH) == [1, 1]


# --- rooms and cancellations ------------------------------------------------------------------


def test_moved_to_other_rooms_entirely_it_rings_them_and_leaves_the_old_ones(
    tmp_path: Path,
) -> None:
    async def story(site: Site) -> None:
        one = booked(site, after=2)
        async with site.running():
            await site.until(one.start + 5 * MINUTE)
            number = row_of(site).number
            moved(site, one, rooms=("cellar", "studio"))
            await seen(site, 60)
            assert [site.endpoint(r).connected for r in site.rooms] == [
                False,
                False,
                True,
                True,
            ]
            assert row_of(site).number == number
            await site.until(one.end + MINUTE)

    site = play(tmp_path, story, rooms=(*BOTH, "cellar", "studio"))
    site.assert_all_closed()
    assert rings(site) == [1, 1, 1, 1]


@pytest.mark.parametrize("apart", [1, 5, 12])
def test_a_cancellation_that_comes_room_by_room_cuts_nobody_off_unwarned(
    tmp_path: Path, apart: float
) -> None:
    async def story(site: Site) -> None:
        one = booked(site, after=2)
        async with site.running():
            await site.until(one.start + 5 * MINUTE)
            for room in BOTH:
                write(site, room)
                await seen(site, apart)
            await site.eventually(lambda: bool(site.cluster.messages), within=20)
            assert "cancelled" in site.cluster.messages[0].text
            assert not cut_off_before(site, site.clock.now() + 50 * SECOND)
            await site.clock.sleep(70)
            assert row_of(site).state is State.CLOSED

    site = play(tmp_path, story)
    site.assert_all_closed()
    assert not cut_off_before(site, site.cluster.messages[0].at + 50 * SECOND)


def test_an_occurrence_cancelled_by_its_status_is_warned_and_closed_alone(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        start = site.clock.now() + 2 * MINUTE
        for room in BOTH:
            write(site, room, series(start))
        async with site.running():
            await site.until(start + 5 * MINUTE)
            override = series(start, sequence=1, lines="STATUS:CANCELLED\r\n").replace(
                "RRULE:FREQ=DAILY;COUNT=5", f"RECURRENCE-ID:{start:%Y%m%dT%H%M%SZ}"
            )
            for room in BOTH:
                write(site, room, series(start), override)
            await seen(site, 10)
            assert "cancelled" in site.cluster.messages[0].text
            await site.clock.sleep(70)
            assert [row.state for row in sorted(site.bookings(), key=lambda row: row.start)] == [
                State.CLOSED,
                *[State.PLANNED] * 4,
            ]

    play(tmp_path, story).assert_all_closed()


# --- flickers ---------------------------------------------------------------------------------

FLICKERS = {
    "tentative": ("X-MICROSOFT-CDO-BUSYSTATUS:TENTATIVE",),
    "free": ("TRANSP:TRANSPARENT",),
}


@pytest.mark.parametrize("rooms", [("aula",), BOTH], ids=["one room", "every room"])
@pytest.mark.parametrize("flicker", list(FLICKERS))
def test_what_a_calendar_says_for_one_reading_only_moves_nobody(
    tmp_path: Path, flicker: str, rooms: tuple[str, ...]
) -> None:
    async def story(site: Site) -> None:
        one = booked(site, after=2)
        async with site.running():
            await site.until(one.start + 5 * MINUTE)
            for room in rooms:
                write(site, room, replace(one, lines=FLICKERS[flicker]))
            await seen(site, 61)
            for room in rooms:
                write(site, room, one)
            await seen(site, 120)
            assert untouched(site)
            await site.until(one.end + MINUTE)

    play(tmp_path, story).assert_all_closed()


@pytest.mark.parametrize("flicker", list(FLICKERS))
def test_what_every_calendar_goes_on_saying_is_believed(tmp_path: Path, flicker: str) -> None:
    async def story(site: Site) -> None:
        one = booked(site, after=2)
        async with site.running():
            await site.until(one.start + 5 * MINUTE)
            moved(site, one, lines=FLICKERS[flicker])
            await seen(site, 130)
            assert "cancelled" in site.cluster.messages[0].text
            await site.clock.sleep(60)
            assert row_of(site).state is State.CLOSED

    play(tmp_path, story).assert_all_closed()


def test_a_room_that_must_accept_an_update_again_stays(tmp_path: Path) -> None:
    def answer(state: str) -> tuple[str, ...]:
        return (f"ATTENDEE;CUTYPE=ROOM;PARTSTAT={state}:mailto:aula@example.org",)

    async def story(site: Site) -> None:
        rooms = [
            replace(room, address="aula@example.org") if room.name == "aula" else room
            for room in site.settings.rooms
        ]
        site.settings = replace(site.settings, rooms=tuple(rooms))
        one = booked(site, after=2, lines=answer("ACCEPTED"))
        async with site.running():
            await site.until(one.start + 5 * MINUTE)
            busy = "X-MICROSOFT-CDO-BUSYSTATUS:TENTATIVE"
            write(site, "aula", replace(one, lines=(*answer("NEEDS-ACTION"), busy), sequence=1))
            await seen(site, 5 * 60)
            assert untouched(site)
            # Declined for good, it alone leaves.
            write(site, "aula", replace(one, lines=answer("DECLINED"), sequence=1))
            await seen(site, 40)
            assert not site.endpoint("aula").connected
            assert site.endpoint("boardroom").connected
            await site.until(one.end + MINUTE)

    play(tmp_path, story).assert_all_closed()


# --- copies that disagree, and events of others -----------------------------------------------


def test_a_room_whose_server_lags_leaves_after_its_next_poll_and_is_told(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site, after=2, rooms=("aula", "boardroom", "cellar"))
        async with site.running():
            await site.until(one.start + 5 * MINUTE)
            later = replace(one, end=one.end + 10 * MINUTE, sequence=1)
            for room in BOTH:
                write(site, room, later)
            await seen(site, 120)
            assert row_of(site).end == later.end
            assert not site.endpoint("cellar").connected
            assert [told["room"] for told in site.happened("event.skipped")] == ["cellar"]
            await site.until(later.end + MINUTE)

    site = play(tmp_path, story)
    site.assert_all_closed()
    assert rings(site) == [1, 1, 1]


@pytest.mark.parametrize("behind", [20, 45, 70])
def test_a_room_whose_server_shows_a_change_some_time_later_is_not_hung_up_on(
    tmp_path: Path, behind: float
) -> None:
    """Near the end every calendar is read each ten seconds, which servers do not keep up with."""

    async def story(site: Site) -> None:
        one = booked(site, after=2)
        async with site.running():
            await site.until(one.end - 4 * MINUTE)
            later = replace(one, end=one.end + 10 * MINUTE, sequence=1)
            write(site, "aula", later)
            await seen(site, behind)
            write(site, "boardroom", later)
            await site.until(later.end - SECOND)
            assert not cut_off_before(site, site.clock.now())
            assert row_of(site).end == later.end
            await site.until(later.end + MINUTE)

    site = play(tmp_path, story)
    site.assert_all_closed()
    assert rings(site, *BOTH) == [1, 1]


def test_a_room_that_names_another_time_is_not_called_for_a_new_title(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site, after=2, rooms=("aula", "boardroom", "cellar"))
        async with site.running():
            await site.until(one.start + 5 * MINUTE)
            later = replace(one, end=one.end + 10 * MINUTE, sequence=1)
            for room in BOTH:
                write(site, room, later)
            await seen(site, 120)
            assert row_of(site).rooms == BOTH
            for room in BOTH:
                write(site, room, replace(later, title="Renamed", sequence=2))
            await seen(site, 120)
            assert (row_of(site).title, row_of(site).rooms) == ("Renamed", BOTH)
            await site.until(later.end + MINUTE)

    site = play(tmp_path, story)
    site.assert_all_closed()
    assert rings(site) == [1, 1, 1]


def test_a_room_added_as_the_start_moves_is_called_however_long_it_has_run(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site, after=2, rooms=("boardroom", "cellar"))
        async with site.running():
            await site.until(one.start + 15 * MINUTE)
            rooms = ("aula", "boardroom", "cellar")
            moved(site, one, start=one.start + MINUTE, rooms=rooms)
            await seen(site)
            assert site.endpoint("aula").connected
            await site.until(one.end + MINUTE)

    site = play(tmp_path, story)
    site.assert_all_closed()
    assert rings(site) == [1, 1, 1]


def test_a_room_that_comes_back_in_the_moment_it_is_hung_up_on_is_called_again(
    tmp_path: Path,
) -> None:
    async def story(site: Site) -> None:
        one = booked(site, after=2, rooms=("aula", "boardroom", "cellar"))
        async with site.running() as doom:
            await site.until(one.start + 5 * MINUTE)
            left = moved(site, one, rooms=BOTH)

            def back(side: str, what: str, _subject: object) -> bool:
                if (side, what) == ("before", "DELETE"):
                    moved(site, left, rooms=one.rooms)
                    site.machine.polling.hurry(site.rooms)
                return False

            doom.when = back
            site.cluster.knobs = replace(site.cluster.knobs, latency_before=(0.5, 0.5))
            await seen(site, 180)
            assert row_of(site).rooms == one.rooms
            assert site.endpoint("cellar").connected
            await site.until(one.end + MINUTE)

    site = play(tmp_path, story)
    site.assert_all_closed()
    assert rings(site) == [1, 1, 2]


def test_started_again_the_next_conference_waits_for_the_rooms_of_the_one_that_runs(
    tmp_path: Path,
) -> None:
    """What it knew of who is in which call counts until it has looked."""

    async def story(site: Site) -> None:
        one = booked(site, after=2)
        async with site.running() as doom:
            await site.until(one.start + 5 * MINUTE)
            start = site.clock.now() + MINUTE
            other = Invitation("two", start, start + 20 * MINUTE, ("aula", "cellar"), organizer="")
            site.invite(other)
            await seen(site, 30)
            await site.kill(doom)
        await site.until(other.start + SECOND)
        async with site.running():
            await site.clock.sleep(60)
            assert [ring.rang for ring in site.endpoint("aula").invites] == [True]
            assert site.endpoint("cellar").connected
            await site.until(one.end + MINUTE)

    play(tmp_path, story).assert_all_closed()


def test_an_older_sequence_with_a_later_stamp_moves_no_end(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site, after=2, sequence=3)
        async with site.running():
            await site.until(one.start + 5 * MINUTE)
            text = replace(one, sequence=2, end=one.end + 20 * MINUTE).text()
            write(site, "aula", text.replace("20261101T000000Z", "20261123T080000Z"))
            await seen(site, 2)
            assert row_of(site).end == one.end
            await site.until(one.end + MINUTE)

    play(tmp_path, story).assert_all_closed()


FORGED: dict[str, Callable[[Invitation], Invitation]] = {
    "longer": lambda one: replace(one, end=one.end + 60 * MINUTE),
    "shorter": lambda one: replace(one, end=one.start + 6 * MINUTE),
    "later": lambda one: replace(one, start=one.start + 60 * MINUTE, end=one.end + 60 * MINUTE),
    "cancelled": lambda one: replace(one, lines=("STATUS:CANCELLED",)),
    "renamed": lambda one: replace(one, title="Gotcha"),
}


@pytest.mark.parametrize("rooms", [("aula",), BOTH], ids=" ".join)
def test_an_organizer_who_goes_missing_in_a_calendar_moves_nobody(
    tmp_path: Path, rooms: tuple[str, ...]
) -> None:
    async def story(site: Site) -> None:
        one = booked(site, after=2, minutes=15)
        async with site.running():
            await site.until(one.start + 5 * MINUTE)
            before = row_of(site)
            for room in rooms:
                write(site, room, replace(one, organizer="", sequence=1))
            await _nothing_changed(site, one, before, rooms)

    play(tmp_path, story).assert_all_closed()


EVERYWHERE = ("aula", "boardroom", "cellar")


@pytest.mark.parametrize("where", [("aula",), ("cellar",), EVERYWHERE], ids=" ".join)
@pytest.mark.parametrize("forged", list(FORGED))
def test_an_event_of_another_organizer_under_its_uid_changes_nothing(
    tmp_path: Path, forged: str, where: tuple[str, ...]
) -> None:
    async def story(site: Site) -> None:
        one = booked(site, after=2, minutes=15)
        async with site.running():
            before = await _forge(site, one, forged, where)
            await _nothing_changed(site, one, before, where)

    assert rings(play(tmp_path, story), *BOTH) == [1, 1]


@pytest.mark.parametrize("where", [("aula",), EVERYWHERE], ids=" ".join)
@pytest.mark.parametrize("forged", ["longer", "cancelled"])
def test_nor_does_it_after_a_restart_which_forgets_who_was_first(
    tmp_path: Path, forged: str, where: tuple[str, ...]
) -> None:
    async def story(site: Site) -> None:
        one = booked(site, after=2, minutes=15)
        async with site.running() as doom:
            before = await _forge(site, one, forged, where)
            await seen(site, 20)
            await site.kill(doom)
        async with site.running():
            await _nothing_changed(site, one, before, where)

    assert rings(play(tmp_path, story), *BOTH) == [1, 1]


async def _forge(site: Site, one: Invitation, forged: str, where: tuple[str, ...]) -> Booking:
    """Put a forged event into some calendars while the conference runs; return its row before."""
    await site.until(one.start + 5 * MINUTE)
    for room in where:
        write(site, room, FORGED[forged](replace(one, organizer=MALLORY, sequence=9)))
    return row_of(site)


async def _nothing_changed(
    site: Site, one: Invitation, before: Booking, where: tuple[str, ...]
) -> None:
    await seen(site, 3 * 60)
    after = row_of(site)
    assert (after.id, after.organizer, after.title) == (before.id, one.organizer, one.title)
    assert (after.start, after.end, after.rooms) == (one.start, one.end, BOTH)
    assert after.cancelled_at is None
    assert untouched(site)
    assert {told["room"] for told in site.happened("event.skipped")} == set(where)
    await site.until(one.end + MINUTE)
    assert row_of(site).state is State.CLOSED


# --- neighbours -------------------------------------------------------------------------------


def test_an_end_moved_over_the_next_conference_of_its_rooms_keeps_them_until_it_comes(
    tmp_path: Path,
) -> None:
    async def story(site: Site) -> None:
        one = booked(site, after=2)
        two = Invitation(
            "two@example.org", one.end, one.end + 30 * MINUTE, organizer="bob@example.org"
        )
        site.invite(two)
        async with site.running():
            await site.until(one.start + 10 * MINUTE)
            later = moved(site, one, end=one.end + 5 * MINUTE)
            await site.until(later.end - SECOND)
            assert row_of(site).state is State.OPEN
            assert rings(site, *BOTH) == [1, 1]
            assert site.happened("endpoint.clash")
            await site.until(later.end + 15 * SECOND)
            assert rings(site, *BOTH) == [2, 2]
            assert site.endpoint("aula").connected
            await site.until(two.end + MINUTE)

    play(tmp_path, story).assert_all_closed()


def test_an_end_trimmed_to_the_next_conference_of_its_number_is_told_and_stays_so(
    tmp_path: Path,
) -> None:
    async def story(site: Site) -> None:
        one = booked(site, after=2)
        begin = one.end + 10 * MINUTE
        site.invite(Invitation("two@example.org", begin, begin + 30 * MINUTE, rooms=BOTH))
        async with site.running():
            await site.until(one.start + 10 * MINUTE)
            longer = moved(site, one, end=one.end + 30 * MINUTE)
            await seen(site)
            assert row_of(site).end == begin
            since = site.clock.now()
            # Read again and again, it is neither told to CMS nor warned again.
            for _ in range(2):
                longer = moved(site, longer)
                await seen(site)
            assert not [r for r in asked(site, since) if not r.startswith("GET")]
            story = await site.store.story(row_of(site).id)
            # As a moment, which whoever shows it puts into local time.
            assert any(f"trimmed to {moment_text(begin)}: " in line.text for line in story)
            await site.until(begin + 31 * MINUTE)

    site = play(tmp_path, story, quantity=1)
    site.assert_all_closed()
    assert not site.happened("event.fault")
    assert [m.text for m in site.cluster.messages[:2]] == [
        "This conference ends in 5 minutes.",
        "This conference ends in 1 minute.",
    ]
    assert rings(site, *BOTH) == [2, 2]


# --- moments ----------------------------------------------------------------------------------

CHANGES: dict[str, Callable[[Site, Invitation], object]] = {
    "longer": lambda site, one: moved(site, one, end=one.end + 10 * MINUTE),
    "shorter": lambda site, one: moved(site, one, end=one.end - 2 * MINUTE),
    "renamed": lambda site, one: moved(site, one, title="Renamed"),
    "a room more": lambda site, one: moved(site, one, rooms=(*BOTH, "cellar")),
    "cancelled": lambda site, one: site.uninvite(one.uid),
    "sent anew": lambda site, one: (site.uninvite(one.uid), site.invite(replace(one, uid="new"))),
}


@pytest.mark.parametrize("change", [name for name in CHANGES if name != "renamed"])
@pytest.mark.parametrize("off", [-0.2, 0.1], ids=lambda off: f"{off:+g}s")
@pytest.mark.parametrize("moment", ["opening", "start", "warning", "end"])
def test_a_change_in_the_very_second_cuts_nobody_off_and_rings_nobody_twice(
    tmp_path: Path, moment: str, off: float, change: str
) -> None:
    async def story(site: Site) -> None:
        one = booked(site, after=8, minutes=9)
        at = {
            "opening": one.start - 5 * MINUTE,
            "start": one.start,
            "warning": one.end - 5 * MINUTE,
            "end": one.end,
        }[moment]
        async with site.running():
            await site.until(at + timedelta(seconds=off))
            CHANGES[change](site, one)
            await seen(site, 0)
            await site.until(one.end + 14 * MINUTE)

    site = play(tmp_path, story)
    site.assert_all_closed()
    calls = {room: [ring.call for ring in site.endpoint(room).rings] for room in site.rooms}
    for room, rung in calls.items():
        assert len(rung) == len(set(rung)), f"{room} rang twice for one call"
    closed = [at for at, event, _ in site.events if event == "booking.closing"]
    assert not cut_off_before(site, min(closed))


def test_two_changes_between_two_polls_are_one(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site, after=2)
        async with site.running():
            await site.until(one.start + 5 * MINUTE)
            since = site.clock.now()
            site.uninvite(one.uid)
            two = moved(site, one, title="Second", end=one.end + 10 * MINUTE)
            three = moved(site, two, title="Third", rooms=(*BOTH, "cellar"))
            await seen(site)
            row = row_of(site)
            assert (row.title, row.end, row.rooms) == ("Third", three.end, site.rooms)
            writes = [r for r in asked(site, since) if not r.startswith("GET")]
            assert writes == ["PUT coSpaces/*", "POST calls/*/callLegs"]
            await site.until(three.end + MINUTE)

    site = play(tmp_path, story)
    site.assert_all_closed()
    assert rings(site) == [1, 1, 1]


@pytest.mark.parametrize("silent", [True, False], ids=["silent", "refusing"])
@pytest.mark.parametrize("change", ["longer", "a room more", "cancelled", "sent anew"])
def test_a_change_while_no_bridge_answers_is_made_when_one_does(
    tmp_path: Path, change: str, silent: bool
) -> None:
    async def story(site: Site) -> None:
        one = booked(site, after=2)
        async with site.running():
            await site.until(one.start + 5 * MINUTE)
            site.cluster.scenarios.cut_off("core1", silent=silent)
            await site.clock.sleep(5)
            CHANGES[change](site, one)
            await seen(site, 90)
            site.cluster.scenarios.reconnect("core1")
            await site.clock.sleep(20)
            if change == "cancelled":
                await site.clock.sleep(60)
                assert row_of(site).state is State.CLOSED
                return
            assert site.endpoint("aula").connected
            assert bool(site.endpoint("cellar").connected) is (change == "a room more")
            await site.until(one.end + 11 * MINUTE)

    site = play(tmp_path, story)
    site.assert_all_closed()
    assert rings(site, *BOTH) == [1, 1]


def test_an_inheritance_while_nothing_can_be_stored_is_stored_later_and_outlives_a_kill(
    tmp_path: Path,
) -> None:
    class Full:
        """A store on a full disk."""

        def __init__(self, inner: object) -> None:
            self._inner = inner
            self.full = False

        def __getattr__(self, name: str) -> object:
            if self.full and name.startswith("save"):
                raise StoreUnusable("disk full")
            return getattr(self._inner, name)

    async def story(site: Site) -> None:
        one = booked(site, after=2)
        site.store = store = Full(site.store)
        async with site.running() as doom:
            await site.until(one.start + 5 * MINUTE)
            before = row_of(site)
            store.full = True
            CHANGES["sent anew"](site, one)
            await seen(site, 20)
            assert row_of(site, "new").id == before.id
            store.full = False
            await site.clock.sleep(5)
            await site.kill(doom)
        async with site.running():
            await site.clock.sleep(30)
            assert row_of(site, "new").id == before.id
            assert untouched(site)
            await site.until(one.end + MINUTE)

    site = play(tmp_path, story)
    site.assert_all_closed()
    assert rings(site, *BOTH) == [1, 1]
