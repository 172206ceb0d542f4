"""Damaged calendars: read or refused and nothing else, and harm to one event costs no other.

Nothing ends what hangs here but the limit of each test. `SOAK=1` draws far more.
"""

import os
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cospaced.calendars.job import Expansion, Job, work_out
from cospaced.errors import CalendarError
from support.ical import calendar, event, vtimezone, window


SOAK = bool(os.environ.get("SOAK"))
pytestmark = pytest.mark.timeout(3600 if SOAK else 120)
PROFILE = settings(
    max_examples=10_000 if SOAK else 150,
    deadline=None,
    derandomize=not SOAK,
    suppress_health_check=[HealthCheck.too_slow],
)
TIMES = ("DTSTART:20261123T100000Z", "DTEND:20261123T110000Z")
UNHARMED = event("DTSTART:20261125T100000Z", "DURATION:PT1H", uid="unharmed").encode()
HARMED = calendar(
    vtimezone("Mine"),
    event(*TIMES, "RRULE:FREQ=WEEKLY", "DESCRIPTION:long", uid="a"),
    event("RECURRENCE-ID:20261130T100000Z", "DTSTART:20261130T120000Z", "DURATION:PT1H", uid="a"),
    event(
        "DTSTART;TZID=Mine:20261124T100000",
        "SUMMARY:Größe",
        "RRULE:FREQ=WEEKLY;BYDAY=MO,TU",
        "DURATION:PT1H",
        uid="b",
    ),
    UNHARMED.decode(),
    event("DTSTART;VALUE=DATE:20261124", "EXDATE;VALUE=DATE:20261126", "RRULE:FREQ=DAILY;COUNT=3"),
)
LINES = st.sampled_from((
    b"RRULE:FREQ=SECONDLY", b"RRULE:FREQ=DAILY;BYMONTHDAY=-31;BYDAY=5XX", b"RRULE", b"DTSTART:",
    b"DTSTART;TZID=Mine:99990101T000000", b"DTSTART;VALUE=DATE:00010101", b"DURATION:P99999D",
    b"EXDATE;TZID=:,,", b"RDATE;VALUE=PERIOD:20261124T100000Z/PT9999999M,/", b"RECURRENCE-ID:x",
    b"RECURRENCE-ID;RANGE=THISANDFUTURE:21000101T000000Z", b"BEGIN:VALARM", b"END:VALARM",
    b"BEGIN:VEVENT", b"END:VEVENT", b"BEGIN:VTIMEZONE", b"END:VTIMEZONE", b"BEGIN:DAYLIGHT",
    b"TZOFFSETTO:+9999", b"UID:a", b"UID:", b"SEQUENCE:-1", b"X-WR-TIMEZONE:Nowhere", b"\x00\xff",
    b"SUMMARY;LANGUAGE=de;=:\\", b"ATTENDEE;CUTYPE=ROOM:", b"RRULE:FREQ=YEARLY;UNTIL=;COUNT=-3",
    b"RRULE:FREQ=WEEKLY;BYSETPOS=400;WKST=XX", "SUMMARY:Größe".encode("latin-1"), b" folded",
))  # fmt: skip
DAMAGE = st.one_of(
    st.tuples(st.just("insert"), st.binary(min_size=1, max_size=6)),
    st.tuples(st.just("line"), LINES),
    st.tuples(st.just("delete"), st.integers(1, 60)),
    st.tuples(st.just("overwrite"), st.binary(min_size=1, max_size=6)),
)


def worked_out(data: bytes) -> Expansion:
    return work_out(Job(data=data, body=b"", covered=window(), time_zone="Europe/Berlin"))


def damaged(data: bytes, place: int, how: str, what: bytes | int) -> bytes:
    if isinstance(what, int):
        return data[:place] + data[place + what :]
    if how == "line":
        place = data.rindex(b"\r\n", 0, place) + 2
        return data[:place] + what + b"\r\n" + data[place:]
    return data[:place] + what + data[place + (len(what) if how == "overwrite" else 0) :]


@PROFILE
@given(
    st.lists(st.tuples(st.integers(0, 10**6), DAMAGE), min_size=1, max_size=5),
    st.none() | st.integers(0, 10**6),
)
def test_a_damaged_calendar_is_read_or_refused_and_nothing_else(
    damages: list[tuple[int, tuple[str, bytes | int]]], cut: int | None
):
    data = HARMED
    for anywhere, (how, what) in damages:
        data = damaged(data, 20 + anywhere % (len(data) - 20), how, what)
    data = data if cut is None else data[: cut % len(data)]
    kind = ""
    try:
        result = worked_out(data)
        assert all(o.start <= o.end for o in result.occurrences)
    except CalendarError as error:
        kind = error.kind
    assert kind in ("", "truncated", "not_a_calendar", "too_large")


@PROFILE
@given(st.lists(st.tuples(st.integers(0, 10**6), DAMAGE), min_size=1, max_size=5))
def test_damage_to_some_events_costs_no_other(damages: list[tuple[int, tuple[str, bytes | int]]]):
    before, after = HARMED.split(UNHARMED.replace(b"\n", b"\r\n"))
    head, tail = b"BEGIN:VCALENDAR\r\n", b"END:VCALENDAR\r\n"
    # What is folded onto a neighbour's last line harms it: so a line of no one stands between.
    own = b"X-BETWEEN:1\r\n"
    harmed = [own + before.removeprefix(head), own + after.removesuffix(tail)]
    for anywhere, (how, what) in damages:
        part = harmed[anywhere % 2]
        place = len(own) + anywhere % (len(part) - len(own))
        harmed[anywhere % 2] = damaged(part, place, how, what)
    frame = (head, harmed[0], b"\r\n", UNHARMED.replace(b"\n", b"\r\n"), b"\r\n", harmed[1])
    result = worked_out(b"".join((*frame, b"\r\n", tail)))
    unharmed = [o.start for o in result.occurrences if o.uid == "unharmed"]
    assert datetime(2026, 11, 25, 10, tzinfo=UTC) in unharmed
