"""Calendars that change at the worst moment: nobody is cut off, no room rings for nothing."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from cospaced.domain.booking import State
from cospaced.settings import ConferenceSettings
from cospaced.simulator.endpoints import Behaviour
from support.site import Invitation, Site, endpoint_of
from support.stories import MINUTE, SECOND, asked, booked, cut_off_before, moved, play, rings


def _write(site: Site, room: str, *events: str) -> None:
    head = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//cospaced//tests//EN\r\n"
    text = head + "".join(events) + "END:VCALENDAR\r\n"
    (site.folder / f"{room}.ics").write_text(text, newline="")


def _series(site: Site, *, start: object, days: int, sequence: int = 0, lines: str = "") -> None:
    event = (
        "BEGIN:VEVENT\r\nUID:series@example.org\r\nDTSTAMP:20261101T000000Z\r\n"
        f"DTSTART:{start:%Y%m%dT%H%M%SZ}\r\nDURATION:PT30M\r\nSUMMARY:Daily\r\n"
        f"SEQUENCE:{sequence}\r\nRRULE:FREQ=DAILY;COUNT={days}\r\n{lines}"
        "ORGANIZER:mailto:ada@example.org\r\nEND:VEVENT\r\n"
    )
    for room in ("aula", "boardroom"):
        _write(site, room, event)


def test_an_end_moved_later_just_before_closing_cuts_nobody_off(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site)
        async with site.running():
            await site.until(one.end - 12 * SECOND)
            later = moved(site, one, end=one.end + 10 * MINUTE)
            await site.until(later.end - SECOND)
            assert site.endpoint("aula").connected
            await site.until(later.end + MINUTE)

    site = play(tmp_path, story)
    site.assert_all_closed()
    assert rings(site, "aula", "boardroom") == [1, 1]


def test_an_end_that_moves_is_told_to_the_space_once_more(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site)
        async with site.running():
            await site.until(one.start + 5 * MINUTE)
            since = site.clock.now()
            moved(site, one, end=one.end + 10 * MINUTE)
            await site.clock.sleep(70)
            writes = [r for r in asked(site, since) if not r.startswith("GET")]
            assert writes == ["PUT coSpaces/*"]

    play(tmp_path, story)


def test_a_room_removed_while_it_rings_stops_ringing_and_the_others_stay(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site, rooms=("aula", "boardroom", "cellar"))
        site.endpoint("cellar").behave(Behaviour.parse("no-answer"))
        async with site.running():
            await site.until(one.start - 4 * SECOND)
            moved(site, one, rooms=("aula", "boardroom"))
            await site.until(one.start + 50 * SECOND)
            assert site.endpoint("aula").connected
            assert not site.endpoint("cellar").leg
            await site.until(one.end + MINUTE)

    site = play(tmp_path, story)
    site.assert_all_closed()
    assert rings(site, "aula", "boardroom") == [1, 1]
    assert rings(site, "cellar")[0] <= 1


def test_a_conference_left_with_one_room_goes_on(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site)
        async with site.running():
            await site.until(one.start + 5 * MINUTE)
            moved(site, one, rooms=("aula",))
            await site.until(one.end - MINUTE)
            assert site.endpoint("aula").connected
            assert not site.endpoint("boardroom").connected
            await site.until(one.end + MINUTE)

    site = play(tmp_path, story)
    site.assert_all_closed()
    assert not [x for x in cut_off_before(site, site.clock.now() - 2 * MINUTE) if "aula" in x]


def test_a_cancelled_conference_that_comes_back_in_time_goes_on(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site)
        async with site.running():
            await site.until(one.start + 5 * MINUTE)
            site.uninvite(one.uid)
            await site.eventually(lambda: bool(site.cluster.messages), within=90)
            site.invite(one)
            site.machine.polling.hurry(site.rooms)
            await site.clock.sleep(120)
            assert site.endpoint("aula").connected
            # Cancelled once more, people are warned once more.
            site.uninvite(one.uid)
            await site.eventually(lambda: len(site.cluster.messages) == 2, within=90)
            await site.clock.sleep(70)

    site = play(tmp_path, story)
    site.assert_all_closed()
    assert rings(site, "aula", "boardroom") == [1, 1]


def test_a_cancelled_conference_that_comes_back_too_late_is_opened_anew(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site)
        async with site.running():
            await site.until(one.start + MINUTE)
            site.uninvite(one.uid)
            await site.until(one.start + 5 * MINUTE)
            assert not site.endpoint("aula").connected
            site.invite(one)
            await site.until(one.start + 8 * MINUTE)
            assert site.endpoint("aula").connected
            await site.until(one.end + MINUTE)

    site = play(tmp_path, story)
    site.assert_all_closed()
    assert rings(site, "aula", "boardroom") == [2, 2]


def test_moved_to_later_with_people_in_it_it_runs_on_and_rings_nobody_at_the_old_start(
    tmp_path: Path,
) -> None:
    async def story(site: Site) -> None:
        one = booked(site)
        async with site.running():
            await site.until(one.start - 4 * MINUTE)
            number = str(site.bookings()[0].number)
            assert site.cluster.scenarios.dial_in("guest@example.org", number)
            await site.clock.sleep(20)
            later = moved(site, one, start=one.start + 60 * MINUTE, end=one.end + 60 * MINUTE)
            await site.until(one.start + 5 * MINUTE)
            assert rings(site, "aula", "boardroom") == [0, 0]
            assert site.cluster.endpoint("guest@example.org").connected
            await site.until(later.start + MINUTE)
            assert site.endpoint("aula").connected
            await site.until(later.end + MINUTE)

    site = play(tmp_path, story)
    site.assert_all_closed()
    assert rings(site, "aula", "boardroom") == [1, 1]


def test_a_start_moved_by_two_minutes_while_open_rings_once_at_the_new_start(
    tmp_path: Path,
) -> None:
    async def story(site: Site) -> None:
        one = booked(site)
        async with site.running():
            await site.until(one.start - MINUTE)
            later = moved(site, one, start=one.start + 2 * MINUTE)
            await site.until(later.start - SECOND)
            assert rings(site, "aula", "boardroom") == [0, 0]
            await site.until(later.start + 10 * SECOND)
            assert site.endpoint("aula").connected
            await site.until(later.end + MINUTE)

    site = play(tmp_path, story)
    site.assert_all_closed()
    assert rings(site, "aula", "boardroom") == [1, 1]


@pytest.mark.parametrize("by", [-7, -2, 2, 6, 20], ids=lambda by: f"{by:+d}min")
@pytest.mark.parametrize("at", [-240, -60, -3, 3, 60, 300], ids=lambda at: f"at{at:+d}s")
def test_a_start_moved_at_any_moment_rings_each_room_once_for_each_conference(
    tmp_path: Path, by: int, at: int
) -> None:
    async def story(site: Site) -> None:
        one = booked(site, minutes=15)
        async with site.running():
            await site.until(one.start + timedelta(seconds=at))
            shift = timedelta(minutes=by)
            moved(site, one, start=one.start + shift, end=one.end + shift)
            await site.until(one.end + 40 * MINUTE)

    site = play(tmp_path, story)
    site.assert_all_closed()
    held = {ring.call for room in ("aula", "boardroom") for ring in site.endpoint(room).rings}
    for room in ("aula", "boardroom"):
        calls = [ring.call for ring in site.endpoint(room).rings]
        assert len(calls) == len(set(calls)), calls
        assert calls, "it stayed dark"
    assert 1 <= len(held) <= 2


def test_a_title_made_private_leaves_the_screen(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site)
        async with site.running():
            await site.until(one.start + 5 * MINUTE)
            moved(site, one, lines=("CLASS:PRIVATE",))
            await site.clock.sleep(70)
            space = site.cluster.scenarios.space(str(site.bookings()[0].number))
            assert space.fields["name"] == "Private meeting"
            assert not space.fields.get("meetingScheduler")
            assert site.endpoint("aula").connected

    play(tmp_path, story)


def test_a_series_edited_while_an_occurrence_runs_lets_it_run_on(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        start = site.clock.now() + 10 * MINUTE
        _series(site, start=start, days=5)
        async with site.running():
            await site.until(start + 5 * MINUTE)
            _series(site, start=start + timedelta(hours=3), days=5, sequence=1)
            await site.until(start + 29 * MINUTE)
            assert site.endpoint("aula").connected
            assert site.endpoint("boardroom").connected
            await site.until(start + 32 * MINUTE)
            assert not site.endpoint("aula").connected

    assert rings(play(tmp_path, story), "aula", "boardroom") == [1, 1]


def test_a_series_split_at_the_running_occurrence_lets_it_run_on(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        start = site.clock.now() + 10 * MINUTE - timedelta(days=1)
        _series(site, start=start, days=5)
        async with site.running():
            now = start + timedelta(days=1)
            await site.until(now + 5 * MINUTE)
            # The old series ended yesterday; a new one, elsewhere, goes on from tomorrow.
            _series(site, start=start, days=1, sequence=1)
            await site.until(now + 29 * MINUTE)
            assert site.endpoint("aula").connected

    play(tmp_path, story)


def test_one_occurrence_cancelled_while_it_runs_is_warned_and_closed(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        start = site.clock.now() + 10 * MINUTE
        _series(site, start=start, days=5)
        async with site.running():
            await site.until(start + 5 * MINUTE)
            gone = f"EXDATE:{start:%Y%m%dT%H%M%SZ}\r\n"
            _series(site, start=start, days=5, sequence=1, lines=gone)
            await site.eventually(lambda: bool(site.cluster.messages), within=140)
            assert "cancelled" in site.cluster.messages[0].text
            assert site.endpoint("aula").connected
            await site.clock.sleep(75)
            assert not site.endpoint("aula").connected

    play(tmp_path, story)


def test_a_copy_that_still_differs_after_its_rooms_next_poll_leaves_and_is_told(
    tmp_path: Path,
) -> None:
    async def story(site: Site) -> None:
        one = booked(site, after=120, rooms=("aula", "boardroom", "cellar"))
        async with site.running():
            await site.clock.sleep(70)
            shift = 30 * MINUTE
            later = replace(one, sequence=1, start=one.start + shift, end=one.end + shift)
            for room in ("aula", "boardroom"):
                _write(site, room, later.text())
            await site.clock.sleep(150)
            (row,) = site.bookings()
            assert row.start == later.start
            assert row.rooms == ("aula", "boardroom")
            assert [k["room"] for k in site.happened("event.skipped")] == ["cellar"]

    play(tmp_path, story)


def test_a_calendar_full_of_nonsense_at_the_start_keeps_what_was_known(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site)
        async with site.running():
            await site.until(one.start - 2 * MINUTE)
            for room in site.rooms:
                (site.folder / f"{room}.ics").write_text("<html>502 Bad Gateway</html>")
            await site.until(one.end - SECOND)
            assert site.endpoint("aula").connected
            await site.until(one.end + MINUTE)

    site = play(tmp_path, story)
    site.assert_all_closed()
    assert rings(site, "aula", "boardroom") == [1, 1]


@pytest.mark.parametrize("lost", [False, True], ids=["state kept", "state lost"])
def test_calendars_unreadable_at_a_restart_close_nothing_that_runs(
    tmp_path: Path, lost: bool
) -> None:
    async def story(site: Site) -> None:
        one = booked(site)
        async with site.running() as doom:
            await site.until(one.start + 5 * MINUTE)
            await site.kill(doom)
        if lost:
            site.lose_state()
        for room in site.rooms:
            (site.folder / f"{room}.ics").write_text("no calendar")
        async with site.running():
            await site.until(one.start + 15 * MINUTE)
            assert site.endpoint("aula").connected
            site.write_calendars()
            await site.until(one.end - SECOND)
            assert site.endpoint("aula").connected
            await site.until(one.end + MINUTE)

    site = play(tmp_path, story)
    site.assert_all_closed()
    assert rings(site, "aula", "boardroom") == [1, 1]


def test_bookings_planned_keep_their_numbers_over_a_kill(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        now = site.clock.now()
        for n in range(9):
            start = now + timedelta(hours=2, minutes=n)
            site.invite(Invitation(f"b{n}@example.org", start, start + 30 * MINUTE))
            if n == 4:
                break
        async with site.running() as doom:
            await site.clock.sleep(30)
            before = {b.id: b.number for b in site.bookings()}
            await site.kill(doom)
        for n in (5, 6):
            start = now + timedelta(hours=2)
            site.invite(Invitation(f"a{n}@example.org", start, start + 30 * MINUTE))
        async with site.running():
            await site.clock.sleep(30)
            after = {b.id: b.number for b in site.bookings()}
            assert {key: after[key] for key in before} == before

    play(tmp_path, story)


def test_a_room_that_hung_up_just_before_a_kill_is_not_called_again(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site)
        async with site.running() as doom:
            await site.until(one.start + MINUTE)
            site.cluster.scenarios.hang_up(endpoint_of("aula"))
            await site.eventually(lambda: bool(site.happened("leg.left")), within=70)
            await site.clock.sleep(0.1)
            await site.kill(doom)
        async with site.running():
            await site.until(one.start + 5 * MINUTE)
            assert site.bookings()[0].state is State.OPEN

    assert rings(play(tmp_path, story), "aula", "boardroom") == [1, 1]


def test_terms_that_would_refuse_it_do_not_end_a_running_conference(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site)
        async with site.running():
            await site.until(one.start + 5 * MINUTE)
            strict = ConferenceSettings(min_rooms=3, max_duration=5 * MINUTE)
            site.reload(replace(site.settings, conferences=strict))
            await site.until(one.end - SECOND)
            assert site.endpoint("aula").connected
            await site.until(one.end + MINUTE)

    site = play(tmp_path, story)
    site.assert_all_closed()
    assert rings(site, "aula", "boardroom") == [1, 1]
