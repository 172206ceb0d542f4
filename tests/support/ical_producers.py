"""What libraries read otherwise than RFC 5545, and what producers of calendars really write.

Each case is a fault that was met: in random calendars, or in reports of people whose calendar
came out wrong in one program or another.
"""

from support.ical import Case, calendar, event, vtimezone


AT_TEN = ("DTSTART;TZID=Europe/Berlin:20261123T100000", "DTEND;TZID=Europe/Berlin:20261123T110000")
BERLIN = ["11-23T09:00/11-23T10:00", "11-24T09:00/11-24T10:00", "11-25T09:00/11-25T10:00"]
UTC_TEN = ("DTSTART:20261123T100000Z", "DTEND:20261123T110000Z")
DAYS = ["11-23T10:00/11-23T11:00", "11-24T10:00/11-24T11:00", "11-25T10:00/11-25T11:00"]
DAILY = "RRULE:FREQ=DAILY;COUNT=3"
AWAY = "America/New_York"


def in_berlin(*lines: str) -> bytes:
    return calendar(event(*AT_TEN, DAILY, *lines))


def override(named: str, start: str, *lines: str) -> str:
    return event(named, f"DTSTART:{start}", "DURATION:PT1H", *lines)


RULES = {
    "days with and without an ordinal": Case(
        calendar(
            event("DTSTART:20261106T100000Z", "DURATION:PT1H", "RRULE:FREQ=MONTHLY;BYDAY=FR,1MO")
        ),
        [
            "11-27T10:00/11-27T11:00",
            "12-04T10:00/12-04T11:00",
            "12-07T10:00/12-07T11:00",
            "12-11T10:00/12-11T11:00",
            "12-18T10:00/12-18T11:00",
        ],
    ),
    "days of a year with and without an ordinal": Case(
        calendar(
            event("DTSTART:20251205T100000Z", "DURATION:PT1H", "RRULE:FREQ=YEARLY;BYDAY=FR,49MO")
        ),
        ["12-04T10:00/12-04T11:00", "12-07T10:00/12-07T11:00", "12-11T10:00/12-11T11:00"],
        days=("2026-12-01", "2026-12-15"),
    ),
    "a week of the year means its day that DTSTART names": Case(
        calendar(
            event("DTSTART:20251202T100000Z", "DURATION:PT1H", "RRULE:FREQ=YEARLY;BYWEEKNO=49")
        ),
        ["12-01T10:00/12-01T11:00"],
    ),
    "places are counted in the whole first week": Case(
        calendar(
            event(
                "DTSTART:20261125T100000Z",
                "DURATION:PT1H",
                "RRULE:FREQ=WEEKLY;BYDAY=MO,WE,FR;BYSETPOS=2;COUNT=3",
            )
        ),
        ["11-25T10:00/11-25T11:00", "12-02T10:00/12-02T11:00", "12-09T10:00/12-09T11:00"],
    ),
    "UNTIL before DTSTART leaves DTSTART": Case(
        calendar(event(*UTC_TEN, "RRULE:FREQ=DAILY;UNTIL=20261101T000000Z")), DAYS[:1]
    ),
    "UNTIL in the hour that comes twice": Case(
        calendar(
            event(
                "DTSTART;TZID=Europe/Berlin:20261024T023000",
                "DURATION:PT1H",
                "RRULE:FREQ=DAILY;UNTIL=20261025T011000Z",
            )
        ),
        ["10-24T00:30/10-24T01:30", "10-25T00:30/10-25T01:30"],
        days=("2026-10-20", "2026-10-30"),
    ),
    "every second for a minute, long ago": Case(
        calendar(
            event(
                "DTSTART:20200101T000000Z",
                "DURATION:PT1S",
                "RRULE:FREQ=SECONDLY;UNTIL=20200101T000100Z",
            )
        ),
        [],
    ),
    "one instance apart from the change of it and all later ones": Case(
        calendar(
            event(*UTC_TEN, DAILY),
            override("RECURRENCE-ID;RANGE=THISANDFUTURE:20261124T100000Z", "20261124T150000Z"),
            override("RECURRENCE-ID:20261124T100000Z", "20261124T180000Z"),
        ),
        [DAYS[0], "11-24T18:00/11-24T19:00", "11-25T15:00/11-25T16:00"],
    ),
    "of two changes of all later ones the higher SEQUENCE counts": Case(
        calendar(
            event(*UTC_TEN, DAILY),
            override(
                "RECURRENCE-ID;RANGE=THISANDFUTURE:20261124T100000Z",
                "20261124T180000Z",
                "SEQUENCE:2",
            ),
            override(
                "RECURRENCE-ID;RANGE=THISANDFUTURE:20261124T100000Z",
                "20261124T150000Z",
                "SEQUENCE:1",
            ),
        ),
        [DAYS[0], "11-24T18:00/11-24T19:00", "11-25T18:00/11-25T19:00"],
    ),
    "a long period that began before the window": Case(
        calendar(
            event(
                "DTSTART:20261101T100000Z",
                "DURATION:PT1H",
                "RDATE;VALUE=PERIOD:20261110T100000Z/P20D",
            )
        ),
        ["11-10T10:00/11-30T10:00"],
    ),
}

FEEDS = {
    "EXDATE without a zone beside a start that has one": Case(
        in_berlin("EXDATE:20261124T100000"), [BERLIN[0], BERLIN[2]], zone=AWAY
    ),
    "an override named without a zone beside a start that has one": Case(
        calendar(
            event(*AT_TEN, DAILY), override("RECURRENCE-ID:20261124T100000", "20261124T150000Z")
        ),
        [BERLIN[0], "11-24T15:00/11-24T16:00", BERLIN[2]],
        zone=AWAY,
    ),
    "an end without a zone beside a start that has one": Case(
        calendar(event(AT_TEN[0], "DTEND:20261123T110000")), BERLIN[:1], zone=AWAY
    ),
    "EXDATE of days, of times and in UTC, in one list too": Case(
        calendar(
            event(
                *AT_TEN,
                "RRULE:FREQ=DAILY;COUNT=5",
                "EXDATE;VALUE=DATE:20261124",
                "EXDATE;TZID=Europe/Berlin:20261125T100000,",
                "EXDATE:20261126,20261127T090000Z",
            )
        ),
        BERLIN[:1],
    ),
    "EXDATE after UNTIL (the end was moved forward later)": Case(
        calendar(
            event(
                *UTC_TEN,
                "RRULE:FREQ=DAILY;UNTIL=20261124T100000Z",
                "EXDATE:20261130T100000Z",
            )
        ),
        DAYS[:2],
    ),
    "RDATE after UNTIL": Case(
        calendar(
            event(*UTC_TEN, "RRULE:FREQ=DAILY;UNTIL=20261123T100000Z", "RDATE:20261125T100000Z")
        ),
        [DAYS[0], DAYS[2]],
    ),
    "RDATE alone": Case(
        calendar(event(*UTC_TEN, "RDATE:20261124T100000Z", "RDATE:20261125T100000Z")), DAYS
    ),
    "an override of an instance that its rule no longer yields": Case(
        calendar(
            event(*UTC_TEN, "RRULE:FREQ=DAILY;COUNT=2"),
            override("RECURRENCE-ID:20261130T100000Z", "20261130T150000Z"),
        ),
        [*DAYS[:2], "11-30T15:00/11-30T16:00"],
    ),
    "an override that repeats the rule of its series (iCloud)": Case(
        calendar(
            event(*UTC_TEN, DAILY),
            override("RECURRENCE-ID:20261124T100000Z", "20261124T150000Z", "RRULE:FREQ=DAILY"),
        ),
        [DAYS[0], "11-24T15:00/11-24T16:00", DAYS[2]],
    ),
    "an override of a day by its day (Google)": Case(
        calendar(
            event("DTSTART;VALUE=DATE:20261123", DAILY),
            event("RECURRENCE-ID;VALUE=DATE:20261124", "DTSTART;VALUE=DATE:20261126"),
        ),
        ["11-22T23:00/11-23T23:00", "11-24T23:00/11-25T23:00", "11-25T23:00/11-26T23:00"],
    ),
    "an override of a day by its midnight in UTC": Case(
        calendar(
            event("DTSTART;VALUE=DATE:20261123", DAILY),
            event("RECURRENCE-ID:20261123T230000Z", "DTSTART;VALUE=DATE:20261126"),
        ),
        ["11-22T23:00/11-23T23:00", "11-24T23:00/11-25T23:00", "11-25T23:00/11-26T23:00"],
    ),
    "days of a series of days by their midnights in a zone (Exchange)": Case(
        calendar(
            event(
                "DTSTART;VALUE=DATE:20261123",
                "RRULE:FREQ=DAILY;COUNT=4",
                "EXDATE;TZID=W. Europe Standard Time:20261126T000000",
            ),
            event(
                "RECURRENCE-ID;TZID=W. Europe Standard Time:20261124T000000",
                "DTSTART;VALUE=DATE:20261130",
            ),
        ),
        ["11-23T05:00/11-24T05:00", "11-25T05:00/11-26T05:00", "11-30T05:00/12-01T05:00"],
        zone=AWAY,
    ),
    "a day that becomes an hour": Case(
        calendar(
            event("DTSTART;VALUE=DATE:20261123", DAILY),
            override("RECURRENCE-ID;VALUE=DATE:20261124", "20261124T100000Z"),
        ),
        ["11-22T23:00/11-23T23:00", DAYS[1], "11-24T23:00/11-25T23:00"],
    ),
    "a series that began long before the window": Case(
        calendar(event("DTSTART:19991122T100000Z", "DURATION:PT1H", "RRULE:FREQ=WEEKLY")),
        [f"{day}T10:00/{day}T11:00" for day in ("11-23", "11-30", "12-07", "12-14", "12-21")],
    ),
    "a rule with blanks, small letters and semicolons too many": Case(
        calendar(event(*UTC_TEN, "RRULE:freq=daily; count=3 ;;")), DAYS
    ),
    "a rule that says it is of the Gregorian calendar (RFC 7529)": Case(
        calendar(event(*UTC_TEN, "RRULE:RSCALE=GREGORIAN;FREQ=DAILY;COUNT=3;SKIP=OMIT")), DAYS
    ),
    "a rule of another calendar is told": Case(
        calendar(event(*UTC_TEN, "RRULE:RSCALE=CHINESE;FREQ=YEARLY")),
        [],
        problems=["'RSCALE=CHINESE', which is unknown"],
    ),
    "an end of the series in the year 9999": Case(
        calendar(event(*UTC_TEN, "RRULE:FREQ=DAILY;INTERVAL=20;UNTIL=99991231T235959Z")),
        [DAYS[0], "12-13T10:00/12-13T11:00"],
    ),
    "both COUNT and UNTIL: the first of them ends it": Case(
        calendar(
            event(*UTC_TEN, "RRULE:FREQ=DAILY;COUNT=3;UNTIL=20261230T000000Z"),
            event(*UTC_TEN, "RRULE:FREQ=DAILY;COUNT=30;UNTIL=20261124T100000Z", uid="u2"),
        ),
        [DAYS[0], DAYS[0], DAYS[1], DAYS[1], DAYS[2]],
    ),
    "blanks around parameters": Case(
        calendar(event("DTSTART; TZID = Europe/Berlin :20261123T100000", "DURATION:PT1H")),
        BERLIN[:1],
        zone=AWAY,
    ),
    "small letters in times": Case(
        calendar(event("dtstart:20261123t100000z", "duration:pt1h")), DAYS[:1]
    ),
}

SHOWN = "(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna"


def zoned(tzid: str, wall: str = "20261123T100000") -> str:
    return event(f"DTSTART;TZID={tzid}:{wall}", "DURATION:PT1H")


def observed(tzid: str, *observances: str) -> str:
    return "\n".join(["BEGIN:VTIMEZONE", f"TZID:{tzid}", *observances, "END:VTIMEZONE"])


def standard(start: str, before: str, after: str, *lines: str) -> str:
    offsets = (f"TZOFFSETFROM:{before}", f"TZOFFSETTO:{after}")
    return "\n".join(["BEGIN:STANDARD", f"DTSTART:{start}", *offsets, *lines, "END:STANDARD"])


FROM_NEW_YEAR = observed(
    "Mine",
    standard("20260101T000000", "+0200", "+0100", "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10"),
    standard("20260101T000000", "+0100", "+0200", "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3"),
)
ZONES = {
    "a quoted name whose commas are escaped as in text": Case(
        calendar(
            vtimezone(SHOWN.replace(",", "\\,"), "-0500", "-0400"),
            zoned(f'"{SHOWN.replace(",", chr(92) + ",")}"'),
        ),
        ["11-23T15:00/11-23T16:00"],
    ),
    "Exchange's name of UTC": Case(calendar(zoned("tzone://Microsoft/Utc")), DAYS[:1]),
    "Exchange's name of a zone of one's own": Case(
        calendar(vtimezone("tzone://Microsoft/Custom"), zoned("tzone://Microsoft/Custom")),
        BERLIN[:1],
    ),
    "Exchange's name of a zone of one's own, undefined": Case(
        calendar(zoned("tzone://Microsoft/Custom")),
        [],
        problems=["'tzone://Microsoft/Custom' is unknown"],
    ),
    "a Windows name with a number behind it": Case(
        calendar(vtimezone("GMT Standard Time 1", "+0000", "+0100"), zoned("GMT Standard Time 1")),
        DAYS[:1],
    ),
    "an IANA name whose VTIMEZONE knows one year alone (iCloud)": Case(
        calendar(
            observed("Europe/Paris", standard("20241027T010000", "+0200", "+0100")),
            zoned("Europe/Paris", "20260715T100000"),
        ),
        ["07-15T08:00/07-15T09:00"],
        days=("2026-07-10", "2026-07-20"),
    ),
    "a zone with neither rule nor change": Case(
        calendar(observed("Mine", standard("16010101T000000", "+0530", "+0530")), zoned("Mine")),
        ["11-23T04:30/11-23T05:30"],
    ),
    "a zone that has held since the year 1 (.NET), and one until the year 9999": Case(
        calendar(
            observed("Mine", standard("00010101T000000", "+0400", "+0400")),
            observed(
                "Other",
                standard("00010101T000000", "-0500", "-0500", "RDATE:99991231T235959"),
            ),
            zoned("Mine"),
            zoned("Other").replace("UID:u1", "UID:u2"),
        ),
        ["11-23T06:00/11-23T07:00", "11-23T15:00/11-23T16:00"],
    ),
    "a zone that never changes, without the offset before (Outlook for Mac)": Case(
        calendar(
            observed(
                "Mine", "BEGIN:STANDARD\nTZOFFSETTO:+1000\nDTSTART:16010101T000000\nEND:STANDARD"
            ),
            zoned("Mine"),
        ),
        ["11-23T00:00/11-23T01:00"],
    ),
    "a zone of the calendar that nobody knows, where nothing is in it": Case(
        calendar(
            event(
                *AT_TEN,
                "RRULE:FREQ=DAILY;UNTIL=20261126",
                "EXDATE;VALUE=DATE:20261126",
                "RDATE;VALUE=DATE:20261128",
            ),
            event("RECURRENCE-ID:20261124T100000", "DTSTART:20261124T120000Z", "DURATION:PT1H"),
            event(*UTC_TEN, uid="u2"),
            head=["X-WR-TIMEZONE:Middle Earth"],
        ),
        [BERLIN[0], DAYS[0], "11-24T12:00/11-24T13:00", BERLIN[2], "11-28T09:00/11-28T10:00"],
    ),
    "a zone of the calendar that nobody knows, and an event and an override in it": Case(
        calendar(
            event(*AT_TEN, DAILY),
            override("RECURRENCE-ID:20261124T100000", "20261124T120000"),
            event("DTSTART:20261123T100000", "DURATION:PT1H", uid="u2"),
            head=["X-WR-TIMEZONE:Middle Earth"],
        ),
        [BERLIN[0], BERLIN[2]],
        problems=["'Middle Earth' is unknown", "'Middle Earth' is unknown"],
    ),
    "a zone that changes, without the offsets before": Case(
        calendar(
            vtimezone("Mine").replace("TZOFFSETFROM:+0100", "").replace("TZOFFSETFROM:+0200", ""),
            zoned("Mine"),
        ),
        [],
        problems=["'Mine' cannot be understood: its VTIMEZONE has no usable TZOFFSETFROM"],
    ),
    "an offset with seconds, west of Greenwich": Case(
        calendar(observed("Mine", standard("16010101T000000", "-0000", "-003045")), zoned("Mine")),
        ["11-23T10:30/11-23T11:30"],
    ),
    "an offset of minus nothing": Case(
        calendar(observed("Mine", standard("16010101T000000", "-0000", "-0000")), zoned("Mine")),
        DAYS[:1],
    ),
    "observances that begin on New Year's Day, where their rules change nothing": Case(
        calendar(FROM_NEW_YEAR, zoned("Mine", "20260201T100000")),
        ["02-01T09:00/02-01T10:00"],
        days=("2026-01-20", "2026-02-10"),
    ),
    "a rule without a day, from 1601": Case(
        calendar(
            observed(
                "Mine",
                standard("16010930T020000", "+0200", "+0100", "RRULE:FREQ=YEARLY"),
                standard("16010331T020000", "+0100", "+0200", "RRULE:FREQ=YEARLY"),
            ),
            event("DTSTART;TZID=Mine:20260329T100000", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=3"),
        ),
        ["03-29T09:00/03-29T10:00", "03-30T09:00/03-30T10:00", "03-31T08:00/03-31T09:00"],
        days=("2026-03-20", "2026-04-10"),
    ),
}

CASES = {**RULES, **FEEDS, **ZONES}
