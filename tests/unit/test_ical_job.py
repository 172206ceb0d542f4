"""Working a calendar out anew: only what changed, from what was kept, with the same result."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

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


class Counting:
    """Counts the UIDs that are worked out: a guard is entered for each."""

    def __init__(self) -> None:
        self.entered = 0

    def __call__(self) -> AbstractContextManager[None]:
        self.entered += 1
        return nullcontext()


MOVED = event(
    "RECURRENCE-ID:20261130T100000Z", "DTSTART:20261130T120000Z", "DURATION:PT1H", uid="a"
)
PARTS = [vtimezone("Mine"), vtimezone("Other"), A, MOVED, B, C, event("DTSTART:never", uid="d")]
CHANGES = {
    "nothing": (PARTS, ""),
    "one event": ([*PARTS[:4], B.replace("100000Z", "103000Z"), *PARTS[5:]], "b"),
    "an override": ([*PARTS[:3], MOVED.replace("120000Z", "130000Z"), *PARTS[4:]], "a"),
    "an override that is gone": ([*PARTS[:3], *PARTS[4:]], "a"),
    "the time zone of one event": ([vtimezone("Mine", "+0000"), *PARTS[1:]], "c"),
    "a time zone of none": ([PARTS[0], vtimezone("Other", "+0000"), *PARTS[2:]], ""),
    "a time zone more": ([vtimezone("Third"), *PARTS], ""),
    "an event more": ([*PARTS, event(*TIMES, uid="e")], "e"),
    "an event less": ([*PARTS[:4], *PARTS[5:]], ""),
    "the order of all": (PARTS[::-1], ""),
    "what decides nothing": ([p.replace("DESCRIPTION:long", "LOCATION:Aula") for p in PARTS], ""),
}


@pytest.mark.parametrize(("parts", "worked_out"), CHANGES.values(), ids=CHANGES.keys())
def test_only_the_uids_whose_text_or_time_zone_changed_are_worked_out_again(
    parts: list[str], worked_out: str
):
    first = work_out(replace(BASE, data=calendar(*PARTS)))
    counting = Counting()
    second = work_out(again(calendar(*parts), first.body), counting)
    assert counting.entered == len(worked_out)
    whole = work_out(replace(BASE, data=calendar(*parts)))
    assert second.occurrences == tuple(o for o in whole.occurrences if o.uid in worked_out)
    kept = [o for o in first.occurrences if o.uid in second.kept]
    everything = sorted([*kept, *second.occurrences], key=lambda o: (o.start, o.key))
    assert everything == list(whole.occurrences)


def test_a_time_zone_that_floating_times_are_in_counts_for_all_of_them():
    floating = [event("DTSTART:20261123T100000", "DURATION:PT1H", uid=uid) for uid in "ab"]
    head = ["X-WR-TIMEZONE:Mine"]
    first = work_out(replace(BASE, data=calendar(vtimezone("Mine"), *floating, head=head)))
    data = calendar(vtimezone("Mine", "+0000"), *floating, head=head)
    counting = Counting()
    assert len(work_out(again(data, first.body), counting).occurrences) == 2
    assert counting.entered == 2


def test_the_order_in_the_file_decides_nothing():
    twins = [event(f"DTSTART:20261123T{hour}0000Z", "DURATION:PT1H") for hour in (10, 12)]
    found = [work_out(replace(BASE, data=calendar(*order))) for order in (twins, twins[::-1])]
    assert found[0].occurrences == found[1].occurrences
    assert len(found[0].occurrences) == 1


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
