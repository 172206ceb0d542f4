"""Every example of RFC 5545 that says when something takes place, by name.

The dates are those that its text lists. Where it gives none (periods, durations, overrides, zones,
the last three rules of the list) they were reckoned by hand from its words.
"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from cospaced.domain.timespan import Timespan
from support.ical import calendar, event, expanded, texts
from support.rfc5545 import EXAMPLES, Example


NEW_YORK = ZoneInfo("America/New_York")
ALWAYS = Timespan(datetime(1960, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC))


def found(data: bytes, covered: Timespan = ALWAYS, zone: str = "America/New_York") -> list[str]:
    """Each occurrence as its start and end in New York, the end's day where it is another."""
    result = expanded(data, covered, zone=zone)
    assert texts(result) == []
    shown = []
    for one in result.occurrences:
        start, end = one.start.astimezone(NEW_YORK), one.end.astimezone(NEW_YORK)
        day = "" if start.date() == end.date() else f"{end:%Y-%m-%d} "
        shown.append(f"{start:%Y-%m-%d %H:%M} - {day}{end:%H:%M %Z}")
    return shown


def last(example: Example) -> datetime:
    return datetime.fromisoformat(example.expected[-1][:16]).replace(tzinfo=NEW_YORK)


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES.keys())
def test_the_recurrence_rule_yields_what_the_rfc_lists(example: Example):
    text = event(f"DTSTART;TZID=America/New_York:{example.start}", "DURATION:PT5M", example.rule)
    covered = Timespan(ALWAYS.start, last(example) + timedelta(minutes=1))
    result = expanded(calendar(text), covered if example.endless else ALWAYS)
    assert texts(result) == []
    starts = [f"{o.start.astimezone(NEW_YORK):%Y-%m-%d %H:%M %Z}" for o in result.occurrences]
    assert starts == example.expected


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES.keys())
def test_an_endless_rule_goes_on_and_any_other_does_not(example: Example):
    text = event(f"DTSTART;TZID=America/New_York:{example.start}", "DURATION:PT5M", example.rule)
    begin = last(example) + timedelta(minutes=5)
    days = 30 if "MINUTELY" in example.rule or "FREQ=DAILY;BYHOUR" in example.rule else 8 * 366
    later = expanded(calendar(text), Timespan(begin, begin + timedelta(days=days)))
    assert bool(later.occurrences) is example.endless


SERIES = ("DTSTART:19960401T010000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=5")
DATES = {
    "3.8.5.1: EXDATE takes away": (
        (*SERIES, "EXDATE:19960402T010000Z,19960403T010000Z,19960404T010000Z"),
        ["1996-03-31 20:00 - 21:00 EST", "1996-04-04 20:00 - 21:00 EST"],
    ),
    "3.8.5.2: RDATE in UTC": (
        ("DTSTART:19970713T123000Z", "DURATION:PT1H", "RDATE:19970714T123000Z"),
        ["1997-07-13 08:30 - 09:30 EDT", "1997-07-14 08:30 - 09:30 EDT"],
    ),
    "3.8.5.2: RDATE with a zone": (
        (
            "DTSTART:19970713T123000Z",
            "DURATION:PT1H",
            "RDATE;TZID=America/New_York:19970714T083000",
        ),
        ["1997-07-13 08:30 - 09:30 EDT", "1997-07-14 08:30 - 09:30 EDT"],
    ),
    "3.8.5.2: RDATE of periods": (
        (
            "DTSTART:19960402T020000Z",
            "DURATION:PT1H",
            "RDATE;VALUE=PERIOD:19960403T020000Z/19960403T040000Z,\n 19960404T010000Z/PT3H",
        ),
        [
            "1996-04-01 21:00 - 22:00 EST",
            "1996-04-02 21:00 - 23:00 EST",
            "1996-04-03 20:00 - 23:00 EST",
        ],
    ),
    "3.8.5.2: RDATE of days": (
        (
            "DTSTART;VALUE=DATE:19970101",
            "RDATE;VALUE=DATE:19970101,19970120,19970217,19970421,19970526,19970704",
            "RDATE;VALUE=DATE:19970901,19971014,19971128,19971129,19971225",
        ),
        [
            "1997-01-01 00:00 - 1997-01-02 00:00 EST",
            "1997-01-20 00:00 - 1997-01-21 00:00 EST",
            "1997-02-17 00:00 - 1997-02-18 00:00 EST",
            "1997-04-21 00:00 - 1997-04-22 00:00 EDT",
            "1997-05-26 00:00 - 1997-05-27 00:00 EDT",
            "1997-07-04 00:00 - 1997-07-05 00:00 EDT",
            "1997-09-01 00:00 - 1997-09-02 00:00 EDT",
            "1997-10-14 00:00 - 1997-10-15 00:00 EDT",
            "1997-11-28 00:00 - 1997-11-29 00:00 EST",
            "1997-11-29 00:00 - 1997-11-30 00:00 EST",
            "1997-12-25 00:00 - 1997-12-26 00:00 EST",
        ],
    ),
    "3.3.9: a period by its end": (
        ("DTSTART:19961231T180000Z", "RDATE;VALUE=PERIOD:19970101T180000Z/19970102T070000Z"),
        ["1996-12-31 13:00 - 13:00 EST", "1997-01-01 13:00 - 1997-01-02 02:00 EST"],
    ),
    "3.3.9: a period by its length": (
        ("DTSTART:19961231T180000Z", "RDATE;VALUE=PERIOD:19970101T180000Z/PT5H30M"),
        ["1996-12-31 13:00 - 13:00 EST", "1997-01-01 13:00 - 18:30 EST"],
    ),
    "3.3.6: fifteen days, five hours and twenty seconds": (
        ("DTSTART:19970714T000000Z", "DURATION:P15DT5H0M20S"),
        ["1997-07-13 20:00 - 1997-07-29 01:00 EDT"],
    ),
    "3.3.6: seven weeks": (
        ("DTSTART:19970714T000000Z", "DURATION:P7W"),
        ["1997-07-13 20:00 - 1997-08-31 20:00 EDT"],
    ),
    "3.3.6: a day by the calendar and 24 hours by the clock (days)": (
        ("DTSTART;TZID=America/New_York:20070310T120000", "DURATION:P1D"),
        ["2007-03-10 12:00 - 2007-03-11 12:00 EDT"],
    ),
    "3.3.6: a day by the calendar and 24 hours by the clock (hours)": (
        ("DTSTART;TZID=America/New_York:20070310T120000", "DURATION:PT24H"),
        ["2007-03-10 12:00 - 2007-03-11 13:00 EDT"],
    ),
    "3.8.2.5: an hour": (
        ("DTSTART:19980118T230000Z", "DURATION:PT1H0M0S"),
        ["1998-01-18 18:00 - 19:00 EST"],
    ),
    "3.8.2.5: a quarter of an hour": (
        ("DTSTART:19980118T230000Z", "DURATION:PT15M"),
        ["1998-01-18 18:00 - 18:15 EST"],
    ),
    "3.3.4: a day": (
        ("DTSTART;VALUE=DATE:19970714",),
        ["1997-07-14 00:00 - 1997-07-15 00:00 EDT"],
    ),
    "3.3.5: a floating time": (
        ("DTSTART:19980118T230000", "DURATION:PT5M"),
        ["1998-01-18 23:00 - 23:05 EST"],
    ),
    "3.3.5: a time in UTC": (
        ("DTSTART:19980119T070000Z", "DURATION:PT5M"),
        ["1998-01-19 02:00 - 02:05 EST"],
    ),
    "3.3.5: a time with a zone": (
        ("DTSTART;TZID=America/New_York:19980119T020000", "DURATION:PT5M"),
        ["1998-01-19 02:00 - 02:05 EST"],
    ),
    "3.3.5: a leap second is no second more": (
        ("DTSTART:19970630T235960Z", "DURATION:PT5M"),
        ["1997-06-30 19:59 - 20:04 EDT"],
    ),
    "3.3.5: a time that comes twice is the first": (
        ("DTSTART;TZID=America/New_York:20071104T013000", "DURATION:PT5M"),
        ["2007-11-04 01:30 - 01:35 EDT"],
    ),
    "3.3.5: a time that does not come is shifted by the gap": (
        ("DTSTART;TZID=America/New_York:20070311T023000", "DURATION:PT5M"),
        ["2007-03-11 03:30 - 03:35 EDT"],
    ),
    "3.6.1: half a working day": (
        ("DTSTART:19970903T163000Z", "DTEND:19970903T190000Z"),
        ["1997-09-03 12:30 - 15:00 EDT"],
    ),
    "3.6.1: over midnight in UTC": (
        ("DTSTART:19970401T163000Z", "DTEND:19970402T010000Z"),
        ["1997-04-01 11:30 - 20:00 EST"],
    ),
    "3.6.1: days up to one that is not among them": (
        ("DTSTART;VALUE=DATE:20070628", "DTEND;VALUE=DATE:20070709"),
        ["2007-06-28 00:00 - 2007-07-09 00:00 EDT"],
    ),
}


@pytest.mark.parametrize(("lines", "expected"), DATES.values(), ids=DATES.keys())
def test_dates_periods_and_durations_are_as_the_rfc_has_them(
    lines: tuple[str, ...], expected: list[str]
):
    assert found(calendar(event(*lines))) == expected


def test_an_anniversary_comes_each_year():
    data = calendar(event("DTSTART;VALUE=DATE:19971102", "RRULE:FREQ=YEARLY"))
    assert found(data)[:2] == [
        "1997-11-02 00:00 - 1997-11-03 00:00 EST",
        "1998-11-02 00:00 - 1998-11-03 00:00 EST",
    ]
    assert len(found(data)) == 33


@pytest.mark.parametrize(
    ("master", "named", "start", "expected"),
    [
        (
            "DTSTART;VALUE=DATE:19960401",
            "RECURRENCE-ID;VALUE=DATE:19960401",
            "DTSTART;VALUE=DATE:19960403",
            ["04-02", "04-03", "04-03"],
        ),
        (
            "DTSTART:19960119T120000Z",
            "RECURRENCE-ID;RANGE=THISANDFUTURE:19960120T120000Z",
            "DTSTART:19960120T150000Z",
            ["01-19 07:00", "01-20 10:00", "01-21 10:00"],
        ),
        (
            "DTSTART:19980331T133000Z",
            "RECURRENCE-ID;RANGE=THISANDFUTURE:19980401T133000Z",
            "DTSTART:19980402T133000Z",
            ["03-31 08:30", "04-02 08:30", "04-03 08:30"],
        ),
    ],
    ids=["3.8.4.4: one day", "3.8.4.4: this and future", "3.2.13: this and future"],
)
def test_overrides_are_as_the_rfc_has_them(
    master: str, named: str, start: str, expected: list[str]
):
    result = expanded(
        calendar(event(master, "RRULE:FREQ=DAILY;COUNT=3"), event(named, start)),
        ALWAYS,
        zone="America/New_York",
    )
    shown = "%m-%d" if "VALUE=DATE" in master else "%m-%d %H:%M"
    assert [f"{o.start.astimezone(NEW_YORK):{shown}}" for o in result.occurrences] == expected


def test_a_change_of_length_for_this_and_future_holds_for_all_of_them():
    series = event("DTSTART:19960119T120000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=3")
    longer = event(
        "RECURRENCE-ID;RANGE=THISANDFUTURE:19960120T120000Z",
        "DTSTART:19960120T120000Z",
        "DURATION:PT2H",
    )
    assert found(calendar(series, longer)) == [
        "1996-01-19 07:00 - 08:00 EST",
        "1996-01-20 07:00 - 09:00 EST",
        "1996-01-21 07:00 - 09:00 EST",
    ]


def observance(kind: str, start: str, *lines: str) -> str:
    offsets = ("-0400", "-0500") if kind == "STANDARD" else ("-0500", "-0400")
    return "\n".join([
        f"BEGIN:{kind}",
        f"DTSTART:{start}",
        *lines,
        f"TZOFFSETFROM:{offsets[0]}",
        f"TZOFFSETTO:{offsets[1]}",
        f"END:{kind}",
    ])  # fmt: skip


def yearly(day: str, month: int, until: str = "") -> str:
    end = f";UNTIL={until}" if until else ""
    return f"RRULE:FREQ=YEARLY;BYDAY={day};BYMONTH={month}{end}"


LAST_OCTOBER = observance("STANDARD", "19671029T020000", yearly("-1SU", 10))
ZONES = {
    "New York since 1967": (
        observance("STANDARD", "19671029T020000", yearly("-1SU", 10, "20061029T060000Z")),
        observance("DAYLIGHT", "19670430T020000", yearly("-1SU", 4, "19730429T070000Z")),
        observance("DAYLIGHT", "19740106T020000", "RDATE:19750223T020000"),
        observance("DAYLIGHT", "19760425T020000", yearly("-1SU", 4, "19860427T070000Z")),
        observance("DAYLIGHT", "19870405T020000", yearly("1SU", 4, "20060402T070000Z")),
        observance("DAYLIGHT", "20070311T020000", yearly("2SU", 3)),
        observance("STANDARD", "20071104T020000", yearly("1SU", 11)),
    ),
    "New York in 2007 alone": (
        observance("STANDARD", "20071104T020000"),
        observance("DAYLIGHT", "20070311T020000"),
    ),
    "New York since 2007": (
        observance("STANDARD", "20071104T020000", yearly("1SU", 11)),
        observance("DAYLIGHT", "20070311T020000", yearly("2SU", 3)),
    ),
    "a zone that gave up daylight saving after 1997": (
        LAST_OCTOBER,
        observance("DAYLIGHT", "19870405T020000", yearly("1SU", 4, "19980404T070000Z")),
    ),
    "a zone whose daylight saving has another rule from 1999 on": (
        LAST_OCTOBER,
        observance("DAYLIGHT", "19870405T020000", yearly("1SU", 4, "19980404T070000Z")),
        observance("DAYLIGHT", "19990424T020000", yearly("-1SU", 4)),
    ),
}
MOMENTS = {
    "New York since 1967": {
        "19690427T015959": "-5", "19690427T030000": "-4", "19691026T015959": "-4",
        "19691026T020000": "-5", "19740106T030000": "-4", "19741027T030000": "-5",
        "19750223T030000": "-4", "19750201T120000": "-5", "19751026T020000": "-5",
        "19760425T030000": "-4", "19870405T030000": "-4", "19870401T120000": "-5",
        "20060402T030000": "-4", "20061029T020000": "-5", "20070311T030000": "-4",
        "20071104T020000": "-5", "20260308T030000": "-4", "20261101T020000": "-5",
    },
    "New York in 2007 alone": {
        "20070311T015959": "-5", "20070311T030000": "-4", "20071104T015959": "-4",
        "20071104T020000": "-5", "20080701T120000": "-5",
    },
    "New York since 2007": {
        "20070311T015959": "-5", "20070311T030000": "-4", "20080309T030000": "-4",
        "20081102T015959": "-4", "20081102T020000": "-5", "20260701T120000": "-4",
    },
    "a zone that gave up daylight saving after 1997": {
        "19970406T030000": "-4", "19971026T020000": "-5", "19980701T120000": "-5",
        "20260701T120000": "-5",
    },
    "a zone whose daylight saving has another rule from 1999 on": {
        "19970701T120000": "-4", "19980701T120000": "-5", "19990423T120000": "-5",
        "19990426T120000": "-4", "20260425T120000": "-5", "20260426T030000": "-4",
        "20261025T020000": "-5",
    },
}  # fmt: skip


@pytest.mark.parametrize("name", ZONES)
def test_the_time_zones_of_the_rfc_change_when_it_says(name: str):
    zone = "\n".join(["BEGIN:VTIMEZONE", "TZID:Example", *ZONES[name], "END:VTIMEZONE"])
    walls = MOMENTS[name]
    events = [event(f"DTSTART;TZID=Example:{wall}", uid=wall) for wall in walls]
    result = expanded(calendar(zone, *events), ALWAYS)
    assert texts(result) == []
    offsets = {
        o.uid: f"{(datetime.fromisoformat(o.uid + 'Z') - o.start) / timedelta(hours=1):g}"
        for o in result.occurrences
    }
    assert offsets == walls


def test_the_time_zone_of_new_york_is_the_one_that_is_known_by_that_name():
    """From 1967 to 1993 both say the same of noon on each Sunday, when clocks have changed."""
    zone = "\n".join(
        [
            "BEGIN:VTIMEZONE",
            "TZID:Example",
            *ZONES["New York since 1967"],
            "END:VTIMEZONE",
        ]
    )
    series = [
        event(f"DTSTART;TZID={tzid}:19671029T120000", "RRULE:FREQ=WEEKLY;BYDAY=SU", uid=tzid)
        for tzid in ("Example", "America/New_York")
    ]
    covered = Timespan(datetime(1967, 1, 1, tzinfo=UTC), datetime(1994, 1, 1, tzinfo=UTC))
    result = expanded(calendar(zone, *series), covered)
    starts: dict[str, list[datetime]] = {"Example": [], "America/New_York": []}
    for one in result.occurrences:
        starts[one.uid].append(one.start)
    assert len(starts["Example"]) == 1366
    assert starts["Example"] == starts["America/New_York"]


def test_the_planning_example_of_section_4_is_in_new_york():
    zone = "\n".join(
        [
            "BEGIN:VTIMEZONE",
            "TZID:America/New_York",
            observance("STANDARD", "19981025T020000"),
            observance("DAYLIGHT", "19990404T020000"),
            "END:VTIMEZONE",
        ]
    )
    planned = event(
        "DTSTART;TZID=America/New_York:19980312T083000",
        "DTEND;TZID=America/New_York:19980312T093000",
    )
    fair = event("DTSTART:19960918T143000Z", "DTEND:19960920T220000Z", uid="fair")
    assert found(calendar(zone, planned, fair)) == [
        "1996-09-18 10:30 - 1996-09-20 18:00 EDT",
        "1998-03-12 08:30 - 09:30 EST",
    ]
