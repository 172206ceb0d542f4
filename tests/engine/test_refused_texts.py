"""A Call Bridge that does not take a title or an organizer: the conference is held all the same."""

from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

import pytest

from cospaced.domain.booking import State
from cospaced.simulator.faults import Fault
from cospaced.simulator.knobs import Knobs
from support.site import Site
from support.stories import MINUTE, SECOND, booked, cut_off_before, moved, play, rings


SHORT = Knobs(name_max_length=20)
LONG_TITLE = "Planning of the year after next"


def names(site: Site) -> list[str]:
    """Return what the open spaces are called."""
    spaces = site.cluster.state.database.spaces.values()
    return [space.fields["name"] for space in spaces if space.open]


def refusals(site: Site) -> int:
    """Return how often a space was refused what it was to be told."""
    puts = [r for r in site.cluster.requests if (r.method, r.node) == ("PUT", "coSpaces/*")]
    return sum(1 for put in puts if put.status == HTTPStatus.BAD_REQUEST)


def parameter_error(parameter: str) -> str:
    """Return the element of a refusal, as CMS writes it."""
    return f'parameterError parameter="{parameter}" error="invalidValue"'


def test_a_refused_title_opens_under_the_name_of_its_slot_and_rings_its_rooms(
    tmp_path: Path,
) -> None:
    async def story(site: Site) -> None:
        one = booked(site, title=LONG_TITLE)
        async with site.running():
            await site.until(one.start - 5 * MINUTE + 3 * SECOND)
            assert names(site) == [f"cospaced_{site.bookings()[0].number}"]
            await site.until(one.start + MINUTE)
            assert site.endpoint("aula").connected
            assert site.endpoint("boardroom").connected
            await site.until(one.end + MINUTE)

    site = play(tmp_path, story, knobs=SHORT)
    (told,) = site.happened("space.undecorated")
    assert told["level"] == "warning"
    assert not site.happened("booking.not_opened")
    assert not site.happened("space.edited")
    assert len(site.happened("booking.opened")) == 1
    assert refusals(site) == 1
    assert rings(site, "aula", "boardroom") == [1, 1]
    site.assert_all_closed()


def test_what_was_refused_is_known_after_a_restart(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site, title=LONG_TITLE)
        async with site.running() as doom:
            await site.until(one.start - 4 * MINUTE)
            await site.kill(doom)
        async with site.running():
            moved(site, one, end=one.end + 10 * MINUTE)
            await site.until(one.start + MINUTE)
            assert site.endpoint("aula").connected
            # The later end was told, under the same name.
            assert len(site.happened("booking.told")) == 1
            await site.until(one.end + 12 * MINUTE)

    site = play(tmp_path, story, knobs=SHORT)
    assert len(site.happened("space.undecorated")) == 1
    assert refusals(site) == 1
    site.assert_all_closed()


def killed_after_the_refusal() -> Callable[[str, str, object], bool]:
    puts = 0

    def now(side: str, what: str, _: object) -> bool:
        nonlocal puts
        puts += (side, what) == ("after", "PUT")
        return puts == 1

    return now


def test_a_kill_before_the_refusal_is_stored_costs_one_more_refusal(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site, title=LONG_TITLE)
        async with site.running() as doom:
            await site.until(one.start - 5 * MINUTE - SECOND)
            doom.when = killed_after_the_refusal()
            await doom.fallen.wait()
        async with site.running():
            await site.until(one.start + MINUTE)
            assert site.endpoint("aula").connected
            await site.until(one.end + MINUTE)

    site = play(tmp_path, story, knobs=SHORT)
    assert refusals(site) == 2
    assert len(site.happened("space.undecorated")) == 1
    site.assert_all_closed()


def test_a_title_that_is_mended_is_shown_and_one_that_is_spoilt_cuts_nobody_off(
    tmp_path: Path,
) -> None:
    async def story(site: Site) -> None:
        one = booked(site, title=LONG_TITLE)
        async with site.running():
            await site.until(one.start + 2 * MINUTE)
            moved(site, one, title="Planning")
            await site.until(one.start + 6 * MINUTE)
            assert names(site) == ["Planning"]
            moved(site, moved(site, one), title=LONG_TITLE + "!")
            await site.until(one.start + 10 * MINUTE)
            assert names(site) == [f"cospaced_{site.bookings()[0].number}"]
            assert site.endpoint("aula").connected
            await site.until(one.end + MINUTE)
        assert not cut_off_before(site, one.end)

    site = play(tmp_path, story, knobs=SHORT)
    assert len(site.happened("space.undecorated")) == 2
    assert not site.happened("booking.not_opened")
    site.assert_all_closed()


@pytest.mark.parametrize(
    ("reason", "name", "scheduler"),
    [
        (parameter_error("name"), "cospaced", "ada@example.org"),
        (parameter_error("meetingScheduler"), "Planning", ""),
        ("parameterError", "cospaced", ""),
    ],
)
def test_what_is_left_out_is_what_cms_names(
    tmp_path: Path, reason: str, name: str, scheduler: str
) -> None:
    async def story(site: Site) -> None:
        one = booked(site)
        async with site.running():
            await site.until(one.start - 6 * MINUTE)
            site.cluster.faults.next("PUT", "coSpaces/*", Fault.REFUSED, reason=reason)
            await site.until(one.start + MINUTE)
            assert site.endpoint("aula").connected
            (space,) = (s for s in site.cluster.state.database.spaces.values() if s.open)
            assert space.fields["name"].partition("_")[0] == name
            assert space.fields.get("meetingScheduler", "") == scheduler
            await site.until(one.end + MINUTE)

    site = play(tmp_path, story)
    assert len(site.happened("space.undecorated")) == 1
    site.assert_all_closed()


def test_a_passcode_that_is_refused_is_not_left_out(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site)
        async with site.running():
            await site.until(one.start - 6 * MINUTE)
            reason = parameter_error("passcode")
            rule = site.cluster.faults.next(
                "PUT", "coSpaces/*", Fault.REFUSED, reason=reason, times=None
            )
            await site.until(one.start)
            assert site.bookings()[0].state is State.OPEN
            assert not names(site)
            rule.cancel()
            await site.until(one.start + MINUTE)
            assert names(site) == ["Planning"]
            await site.until(one.end + MINUTE)

    site = play(tmp_path, story)
    (told,) = site.happened("booking.not_opened")
    assert told["reason"] == "parameterError passcode invalidValue"
    assert not site.happened("space.undecorated")
