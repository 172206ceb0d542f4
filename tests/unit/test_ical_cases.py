"""What calendars say and what must come of it: one case a line of reasoning."""

import pytest

from cospaced.errors import CalendarError
from support.ical import Case, calendar, expanded, times, vtimezone
from support.ical_cases import CASES, NO_CALENDARS, zoned


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_calendar_comes_out_as_rfc_5545_and_its_writers_mean_it(case: Case):
    case.check()


@pytest.mark.parametrize(("data", "kind"), NO_CALENDARS.values(), ids=NO_CALENDARS.keys())
def test_what_is_no_whole_calendar_is_an_error_and_never_a_shorter_one(data: bytes, kind: str):
    with pytest.raises(CalendarError) as caught:
        expanded(data)
    assert caught.value.kind == kind


def test_zones_of_one_name_stay_apart_between_calendars_in_one_process():
    european = calendar(vtimezone("Customized"), zoned("Customized"))
    american = calendar(vtimezone("Customized", "-0500", "-0400"), zoned("Customized"))
    expected = [["11-23T09:00/11-23T10:00"], ["11-23T15:00/11-23T16:00"]]
    assert [times(expanded(data)) for data in (european, american)] == expected
    assert [times(expanded(data)) for data in (american, european)] == expected[::-1]


def test_zones_of_one_name_stay_apart_between_calendars_in_one_file():
    both = calendar(vtimezone("Mine"), zoned("Mine")) + calendar(
        vtimezone("Mine", "-0500", "-0400"), zoned("Mine").replace("UID:u1", "UID:u2")
    )
    assert times(expanded(both)) == ["11-23T09:00/11-23T10:00", "11-23T15:00/11-23T16:00"]


def test_an_empty_calendar_is_a_calendar():
    assert expanded(calendar()).occurrences == ()
