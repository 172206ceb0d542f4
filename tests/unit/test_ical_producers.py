"""What libraries read otherwise than RFC 5545, and what producers of calendars really write."""

import pytest

from support.ical import Case, calendar, event, expanded, texts, times
from support.ical_producers import CASES, DAYS, UTC_TEN


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_what_is_really_written_comes_out_as_it_is_meant(case: Case):
    case.check()


def test_one_uid_of_two_organizers_is_told_and_the_newest_counts():
    data = calendar(
        event(*UTC_TEN, "ORGANIZER:mailto:ada@example.org", "SEQUENCE:1"),
        event("DTSTART:20261124T100000Z", "DURATION:PT1H", "ORGANIZER:mailto:bob@example.org"),
    )
    result = expanded(data)
    assert times(result) == DAYS[:1]
    assert texts(result) == ["its UID stands for events of different organizers; the newest counts"]


def test_one_uid_of_one_organizer_is_not_told():
    data = calendar(
        event(*UTC_TEN, "ORGANIZER:mailto:ada@example.org", "SEQUENCE:1"),
        event("DTSTART:20261124T100000Z", "DURATION:PT1H", "ORGANIZER:MAILTO:Ada@example.org"),
        event("DTSTART:20261125T100000Z", "DURATION:PT1H"),
    )
    assert (times(expanded(data)), texts(expanded(data))) == (DAYS[:1], [])


def test_one_uid_of_events_that_are_no_revisions_of_one_another_is_told():
    """As timetables are exported that write one event for each week, all of one UID."""
    weeks = [event(f"DTSTART:202611{day}T100000Z", "DURATION:PT1H") for day in (23, 30)]
    result = expanded(calendar(*weeks))
    assert len(times(result)) == 1
    assert texts(result) == [
        "its UID stands for events with different starts; one of them counts (each needs its own)"
    ]
    assert texts(expanded(calendar(weeks[0], weeks[0]))) == []
    newer = event("DTSTART:20261130T100000Z", "DURATION:PT1H", stamp="20261102T000000Z")
    assert texts(expanded(calendar(weeks[0], newer))) == []
