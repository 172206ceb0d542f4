"""Which occurrences go on as last read where a calendar holds what cannot be understood."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from cospaced.calendars.exchange import items
from cospaced.calendars.exchange.jobs import Details
from cospaced.calendars.graph import events
from cospaced.calendars.job import Job, work_out
from cospaced.calendars.zones import UTC_ZONE
from cospaced.domain.calendar import EventProblem, Loss, Occurrence, Reading
from cospaced.domain.timespan import Timespan
from cospaced.domain.unreadable import as_read, with_held
from support.ical import calendar, event, window


NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
DAILY = ("DTSTART:20261123T100000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=4")
MOVED = ("RECURRENCE-ID:20261124T100000Z", "DTSTART:20261124T120000Z", "DTEND:20261124T130000Z")
LATER = ("RECURRENCE-ID;RANGE=THISANDFUTURE:20261125T100000Z", *MOVED[1:])
OUTLOOKS = "040000008200e00074c5b7101a82e00807ea0b18" + "0a" * 36
"""An id of Outlook's, with the day of an occurrence in it."""
BAD = "DTEND:20261124T110000Z"


def read(data: bytes) -> Reading:
    got = work_out(Job(data=data, body=b"", covered=window(), time_zone="Europe/Berlin"))
    covered = Timespan(NOW, NOW + timedelta(days=30))
    return Reading(occurrences=got.occurrences, problems=got.problems, covered=covered, read_at=NOW)


def changed(before: bytes, after: bytes) -> Reading:
    """Return what is believed of a calendar that is read twice."""
    return with_held(read(after), read(before).occurrences)


def days(reading: Reading) -> list[str]:
    return sorted(f"{one.start:%dT%H}" for one in reading.occurrences if one.uid == "u1")


def held(reading: Reading) -> list[str]:
    return [rid[8:10] for _, rid in (one.key for one in reading.standing.held)]


@pytest.mark.parametrize(
    "after",
    [
        calendar(event(*DAILY[:2], "RRULE:FREQ=SECONDLY")),
        calendar(event(DAILY[0], "DTEND:20251123T110000Z", DAILY[2])),
        calendar(event(*DAILY[1:])),
        calendar(event(*DAILY).replace("END:VEVENT", ""), event(*DAILY, uid="other")),
        calendar(event(*DAILY).replace("BEGIN:VEVENT\n", "")),
    ],
    ids=["bomb", "ends before it starts", "no start", "no END:VEVENT", "no BEGIN:VEVENT"],
)
def test_a_series_that_cannot_be_understood_goes_on_as_last_read(after: bytes) -> None:
    before = calendar(event(*DAILY))
    reading = changed(before, after)
    assert days(reading) == ["23T10", "24T10", "25T10", "26T10"]
    assert held(reading) == ["23", "24", "25", "26"]
    assert all(one.reason for one in reading.standing.held)
    assert not held(changed(before, calendar())), "gone is gone"


@pytest.mark.parametrize(
    "after",
    [
        calendar(event("STATUS:CANCELLED")),
        calendar(event(DAILY[0], "DURATION:-PT1H"), head=["METHOD:CANCEL"]),
        calendar(event(*DAILY[:2], "RRULE:FREQ=SECONDLY", "SUMMARY:Canceled: x")),
        calendar(event("ATTENDEE;CUTYPE=ROOM;PARTSTAT=DECLINED:mailto:aula@x.org")),
    ],
    ids=["cancelled", "by its method", "by its title", "declined"],
)
def test_what_is_called_off_is_so_whatever_else_is_wrong_with_it(after: bytes) -> None:
    reading = changed(calendar(event(*DAILY)), after)
    assert reading.problems
    assert held(reading) == []


@pytest.mark.parametrize(
    "named",
    [
        MOVED[0],
        "RECURRENCE-ID;VALUE=DATE:20261124",
        "RECURRENCE-ID;TZID=Europe/Berlin:20261124T110000",
    ],
)
def test_of_a_series_with_one_bad_override_all_others_can_be_taken_out(named: str) -> None:
    before = calendar(event(*DAILY), event(*MOVED))
    bad = event(named, MOVED[1], BAD)
    reading = changed(before, calendar(event(*DAILY, "EXDATE:20261125T100000Z"), bad))
    assert days(reading) == ["23T10", "24T12", "26T10"]
    assert held(reading) == ["24"]


def test_a_bad_day_of_a_series_of_days_is_known_by_its_day() -> None:
    days = ("DTSTART;VALUE=DATE:20261123", "RRULE:FREQ=DAILY;COUNT=3")
    bad = event("RECURRENCE-ID;VALUE=DATE:20261124", "DTSTART;VALUE=DATE:tomorrow")
    reading = changed(calendar(event(*days)), calendar(event(*days), bad))
    assert held(reading) == ["24"]
    assert len(reading.occurrences) == 3


def test_a_bad_change_of_this_and_all_later_ones_hides_those_alone() -> None:
    before = calendar(event(*DAILY), event(*LATER))
    bad = event(*LATER[:2], BAD)
    reading = changed(before, calendar(event(*DAILY, "EXDATE:20261124T100000Z"), bad))
    assert held(reading) == ["25", "26"]
    assert "24T10" not in days(reading)


def test_a_bad_master_beside_a_good_one_hides_nothing() -> None:
    before = calendar(event(*DAILY))
    after = calendar(event(*DAILY, "EXDATE:20261125T100000Z"), event(DAILY[0], "DURATION:-PT1H"))
    assert read(after).problems
    assert days(changed(before, after)) == ["23T10", "24T10", "26T10"]


def test_organizers_that_differ_are_told_and_hide_nothing() -> None:
    both = [event(*DAILY, f"ORGANIZER:mailto:{who}@x.org") for who in ("ann", "bea")]
    after = [one.replace("END:", "EXDATE:20261125T100000Z\nEND:") for one in both]
    reading = changed(calendar(*both), calendar(*after))
    assert reading.problems
    assert held(reading) == []


def test_an_older_revision_is_not_shown_in_place_of_one_that_cannot_be_read() -> None:
    moved = event(*MOVED, "SEQUENCE:1")
    before = calendar(event(*DAILY), moved)
    after = calendar(event(*DAILY), moved.replace("END:VEVENT", ""), event(*DAILY, uid="other"))
    reading = changed(before, after)
    assert held(reading) == ["24"]
    assert [o.start.hour for o in reading.occurrences if o.recurrence_id[8:10] == "24"][-1] == 12


def test_a_source_never_sees_what_is_held() -> None:
    shown = read(calendar(event(*DAILY)))
    hidden = Occurrence(uid="hidden", start=NOW, end=NOW + timedelta(hours=1))
    problem = replace(read(calendar(event(*DAILY[1:]))).problems[0], uid="hidden")
    reading = with_held(replace(shown, problems=(problem,)), (*shown.occurrences, hidden))
    assert hidden in reading.occurrences
    assert as_read(reading).occurrences == shown.occurrences
    assert with_held(as_read(reading), reading.occurrences) == reading
    mended = with_held(replace(as_read(reading), problems=()), reading.occurrences)
    assert (mended.occurrences, mended.standing.held) == (shown.occurrences, ())


@pytest.mark.parametrize("name", ["bad@example.org", OUTLOOKS])
def test_exchange_and_graph_name_what_they_cannot_read_as_they_name_what_they_can(
    name: str,
) -> None:
    uid = name.upper().replace("07EA0B18", "00000000") if name == OUTLOOKS else name
    item = SimpleNamespace(id="item", type="Occurrence", recurrence_id=None, original_start=None)
    of_all = EventProblem(uid=uid, text="why")
    known = Details(change_key="1", uid=name)
    assert items.problem(item, known, "why", UTC_ZONE) == of_all
    assert items.problem(item, None, "why", UTC_ZONE) == replace(of_all, uid="item")
    assert events.problem({"iCalUId": name, "id": "item"}, "why") == of_all
    assert events.problem({"iCalUId": None, "id": "item"}, "why") == replace(of_all, uid="item")


@pytest.mark.parametrize(("kind", "of"), [("Single", ""), ("Exception", "2026-11-24T10:00:00Z")])
def test_exchange_and_graph_say_which_occurrence_they_cannot_read(kind: str, of: str) -> None:
    original = NOW + timedelta(days=1, hours=1) if of else None
    item = SimpleNamespace(
        id="item", type=kind, recurrence_id=original, original_start=None, is_all_day=False
    )
    lost = EventProblem(uid="u1", text="why", loss=Loss.ONE, recurrence_id=of)
    assert items.problem(item, Details(change_key="1", uid="u1"), "why", UTC_ZONE) == lost
    event = {"type": kind.replace("Single", "singleInstance").replace("Exc", "exc")}
    event |= {"iCalUId": "u1", "originalStart": f"{original:%Y-%m-%dT%H:%M:%S}" if original else ""}
    assert events.problem(event, "why") == lost
