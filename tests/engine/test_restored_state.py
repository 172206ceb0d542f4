"""A state file brought back from a backup: what it says is old, and CMS and the calendars know."""

import copy
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from cospaced.domain.booking import State
from cospaced.settings import ConferenceSettings
from support.site import Invitation, Site
from support.stories import rings
from support.virtual import VirtualClock, run_virtually


TERMS = ConferenceSettings(early_join=timedelta(0), end_warnings=(timedelta(seconds=60),))
MINUTE = timedelta(minutes=1)


def site_with_one_slot(clock: VirtualClock, folder: Path) -> Site:
    site = Site(clock, folder, terms=TERMS, rooms=("aula", "boardroom"), quantity=1)
    site.daemon = replace(site.daemon, poll_interval=timedelta(seconds=30))
    return site


def test_a_backup_in_which_another_booking_had_the_slot_ends_nobodys_conference(
    tmp_path: Path,
) -> None:
    """The space says whose it is by now: the row that had it then is over."""

    async def main(clock: VirtualClock) -> Site:
        site = site_with_one_slot(clock, tmp_path)
        first = clock.now() + 2 * MINUTE
        second = first + 20 * MINUTE
        site.invite(Invitation("first@example.org", first, first + 10 * MINUTE))
        site.invite(Invitation("second@example.org", second, second + 10 * MINUTE))
        async with site.running():
            await site.until(first + 5 * MINUTE)
            backup = copy.deepcopy(site.store)
            await site.until(second + 2 * MINUTE)
            assert site.endpoint("aula").connected
        site.store = backup
        async with site.running():
            await site.until(second + 6 * MINUTE)
            states = {row.uid: row.state for row in site.bookings()}
            assert states == {
                "first@example.org": State.CLOSED,
                "second@example.org": State.OPEN,
            }
            await site.until(second + 14 * MINUTE)
        ends = {gone.at - second for gone in site.endpoint("aula").hang_ups}
        assert sorted(ends)[1] >= 10 * MINUTE, "the second conference was cut off"
        assert site.happened("booking.overtaken")
        return site

    site = run_virtually(main)
    assert rings(site) == [2, 2]
    site.assert_all_closed()


def test_a_backup_from_while_a_conference_ran_that_is_over_opens_nothing_again(
    tmp_path: Path,
) -> None:
    async def main(clock: VirtualClock) -> Site:
        site = site_with_one_slot(clock, tmp_path)
        start = clock.now() + 2 * MINUTE
        site.invite(Invitation("first@example.org", start, start + 10 * MINUTE))
        async with site.running():
            await site.until(start + 5 * MINUTE)
            backup = copy.deepcopy(site.store)
            await site.until(start + 12 * MINUTE)
        site.store = backup
        async with site.running():
            await site.until(start + 15 * MINUTE)
            assert [row.state for row in site.bookings()] == [State.CLOSED]
        return site

    site = run_virtually(main)
    assert rings(site) == [1, 1]
    site.assert_all_closed()
