"""Working a calendar out anew: only what changed, from what was kept, with the same result."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cospaced.calendars.job import Job, work_out
from cospaced.errors import CalendarError
from support.ical import calendar, event, vtimezone, window


TIMES = ("DTSTART:20261123T100000Z", "DTEND:20261123T110000Z")
A = event(*TIMES, "RRULE:FREQ=WEEKLY", "DESCRIPTION:long", uid="a")
B = event(*TIMES, "ATTENDEE;PARTSTAT=DECLINED:mailto:aula@example.org", uid="b")
C = event("DTSTART;TZID=Mine:20261124T100000", "DURATION:PT1H", uid="c")
BASE = Job(
    data=calendar(vtimezone("Mine"), A, B, C, event("DTSTART:never", uid="d")),
    body=b"",
    covered=window(),
    time_zone="Europe/Berlin",
    address="aula@example.org",
)


def again(data: bytes, body: bytes, **changes: object) -> Job:
    return replace(BASE, data=data, body=body, reuse=True, **changes)  # type: ignore[arg-type] # fields by name


def test_the_kept_text_gives_the_same_occurrences_and_problems():
    first = work_out(BASE)
    second = work_out(replace(BASE, data=None, body=first.body))
    assert second == first
    assert len(first.body) < len(BASE.data)


def test_uids_whose_text_is_as_before_are_left_as_they_were():
    first = work_out(BASE)
    same = work_out(again(BASE.data, first.body))
    assert same.kept == {"a", "b", "c", "d"}
    assert (same.occurrences, same.problems) == ((), ())


def test_what_decides_nothing_changes_nothing():
    first = work_out(BASE)
    data = BASE.data.replace(b"DESCRIPTION:long", b"DESCRIPTION:longer")
    assert work_out(again(data, first.body)).kept == {"a", "b", "c", "d"}


def test_only_what_changed_is_worked_out():
    first = work_out(BASE)
    data = BASE.data.replace(b"PARTSTAT=DECLINED", b"PARTSTAT=ACCEPTED")
    second = work_out(again(data, first.body))
    assert second.kept == {"a", "c", "d"}
    assert [o.uid for o in second.occurrences] == ["b"]


def test_a_kept_text_that_is_damaged_is_done_without() -> None:
    second = work_out(again(BASE.data, b"damaged"))
    assert second == work_out(BASE)
    with pytest.raises(CalendarError):
        work_out(replace(BASE, data=None, body=b"damaged"))


def test_a_changed_time_zone_changes_the_calendar():
    first = work_out(BASE)
    data = BASE.data.replace(b"TZOFFSETTO:+0100", b"TZOFFSETTO:+0000")
    assert work_out(again(data, first.body)).kept == frozenset()


def test_dtstamps_of_the_download_are_no_revisions():
    moment = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
    stamped = [
        calendar(*(event(*TIMES, uid=uid, stamp=f"{at:%Y%m%dT%H%M%SZ}") for uid in "abc"))
        for at in (moment, moment + timedelta(minutes=1))
    ]
    first = work_out(replace(BASE, data=stamped[0], read_at=moment))
    second = work_out(again(stamped[1], first.body, read_at=moment + timedelta(minutes=1)))
    assert {o.stamp for o in first.occurrences} == {None}
    assert second.kept == {"a", "b", "c"}


@pytest.mark.parametrize("read_at", [None, datetime(2026, 11, 20, tzinfo=UTC)])
def test_dtstamps_of_files_and_of_other_days_are_revisions(read_at: datetime | None):
    data = calendar(*(event(*TIMES, uid=uid) for uid in "abc"))
    found = work_out(replace(BASE, data=data, read_at=read_at)).occurrences
    assert {o.stamp for o in found} == {datetime(2026, 11, 1, tzinfo=UTC)}


@settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
@given(
    st.lists(
        st.tuples(st.integers(0, 2000), st.binary(min_size=0, max_size=6)), min_size=1, max_size=6
    )
)
def test_a_damaged_calendar_is_read_or_refused_and_nothing_else(damage: list[tuple[int, bytes]]):
    data = BASE.data
    for anywhere, junk in damage:
        place = anywhere % len(data)
        data = data[:place] + junk + data[place + len(junk) + 1 :]
    kind = ""
    try:
        result = work_out(replace(BASE, data=data))
        assert all(o.start <= o.end for o in result.occurrences)
    except CalendarError as error:
        kind = error.kind
    assert kind in ("", "truncated", "not_a_calendar")
