"""Calendars and what must come of them, by name; times in UTC.

Where RFC 5545 leaves open what is meant, or forbids what is written, it is what its writers mean.
"""

from support.ical import Case, calendar, event, vtimezone


AT_TEN = ("DTSTART;TZID=Europe/Berlin:20261123T100000", "DTEND;TZID=Europe/Berlin:20261123T110000")
UTC_TEN = ("DTSTART:20261123T100000Z", "DTEND:20261123T110000Z")
OTHER = event("DTSTART:20261124T100000Z", "DTEND:20261124T110000Z", uid="other")
OTHER_TIMES = "11-24T10:00/11-24T11:00"
THREE_DAYS = ["11-23T09:00/11-23T10:00", "11-24T09:00/11-24T10:00", "11-25T09:00/11-25T10:00"]
SHOWN = "(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna"


def zoned(tzid: str, day: str = "20261123") -> str:
    return event(f"DTSTART;TZID={tzid}:{day}T100000", f"DTEND;TZID={tzid}:{day}T110000")


SERIES = {
    "this and future moves every later instance": Case(
        calendar(
            event(
                "DTSTART;TZID=Europe/Berlin:20261102T100000",
                "DTEND;TZID=Europe/Berlin:20261102T110000",
                "RRULE:FREQ=WEEKLY;COUNT=6",
            ),
            event(
                "RECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Europe/Berlin:20261123T100000",
                "DTSTART;TZID=Europe/Berlin:20261123T140000",
                "DTEND;TZID=Europe/Berlin:20261123T153000",
            ),
        ),
        ["11-23T13:00/11-23T14:30", "11-30T13:00/11-30T14:30", "12-07T13:00/12-07T14:30"],
    ),
    "RDATE periods bring their own length": Case(
        calendar(
            event(
                *UTC_TEN,
                "RDATE;VALUE=PERIOD:20261124T120000Z/20261124T150000Z,20261125T080000Z/PT30M",
            )
        ),
        ["11-23T10:00/11-23T11:00", "11-24T12:00/11-24T15:00", "11-25T08:00/11-25T08:30"],
    ),
    "RDATE adds to a rule": Case(
        calendar(event(*UTC_TEN, "RRULE:FREQ=DAILY;COUNT=2", "RDATE:20261201T100000Z")),
        ["11-23T10:00/11-23T11:00", "11-24T10:00/11-24T11:00", "12-01T10:00/12-01T11:00"],
    ),
    "EXDATE in UTC": Case(
        calendar(event(*AT_TEN, "RRULE:FREQ=DAILY;COUNT=3", "EXDATE:20261124T090000Z")),
        [THREE_DAYS[0], THREE_DAYS[2]],
    ),
    "EXDATE in another zone": Case(
        calendar(
            event(
                *AT_TEN,
                "RRULE:FREQ=DAILY;COUNT=3",
                "EXDATE;TZID=America/New_York:20261124T040000",
            )
        ),
        [THREE_DAYS[0], THREE_DAYS[2]],
    ),
    "EXDATE of a day on a series of times": Case(
        calendar(event(*AT_TEN, "RRULE:FREQ=DAILY;COUNT=3", "EXDATE;VALUE=DATE:20261124")),
        [THREE_DAYS[0], THREE_DAYS[2]],
    ),
    "EXRULE takes away what it yields": Case(
        calendar(
            event(*AT_TEN, "RRULE:FREQ=DAILY;COUNT=3", "EXRULE:FREQ=DAILY;INTERVAL=2;COUNT=2")
        ),
        [THREE_DAYS[1]],
    ),
    "UNTIL in UTC counts itself": Case(
        calendar(event(*AT_TEN, "RRULE:FREQ=DAILY;UNTIL=20261125T090000Z")), THREE_DAYS
    ),
    "UNTIL a second earlier does not": Case(
        calendar(event(*AT_TEN, "RRULE:FREQ=DAILY;UNTIL=20261125T085959Z")), THREE_DAYS[:2]
    ),
    "UNTIL as a local time": Case(
        calendar(event(*AT_TEN, "RRULE:FREQ=DAILY;UNTIL=20261125T100000")), THREE_DAYS
    ),
    "UNTIL as a day counts that day": Case(
        calendar(event(*AT_TEN, "RRULE:FREQ=DAILY;UNTIL=20261125")), THREE_DAYS
    ),
    "a series keeps its wall time over the change of clocks": Case(
        calendar(
            event(
                "DTSTART;TZID=Europe/Berlin:20261022T100000",
                "DTEND;TZID=Europe/Berlin:20261022T110000",
                "RRULE:FREQ=WEEKLY;COUNT=6",
            )
        ),
        ["11-26T09:00/11-26T10:00"],
    ),
    "DTSTART counts where its rule does not yield it": Case(
        calendar(
            event(
                "DTSTART:20261124T100000Z",
                "DTEND:20261124T110000Z",
                "RRULE:FREQ=WEEKLY;BYDAY=MO;COUNT=3",
            )
        ),
        ["11-24T10:00/11-24T11:00", "11-30T10:00/11-30T11:00", "12-07T10:00/12-07T11:00"],
    ),
    "an override named in UTC": Case(
        calendar(
            event(*AT_TEN, "RRULE:FREQ=DAILY;COUNT=2"),
            event(
                "RECURRENCE-ID:20261124T090000Z",
                "DTSTART;TZID=Europe/Berlin:20261124T150000",
                "DTEND;TZID=Europe/Berlin:20261124T160000",
            ),
        ),
        ["11-23T09:00/11-23T10:00", "11-24T14:00/11-24T15:00"],
    ),
    "an override named by its day": Case(
        calendar(
            event(*AT_TEN, "RRULE:FREQ=DAILY;COUNT=2"),
            event(
                "RECURRENCE-ID;VALUE=DATE:20261124",
                "DTSTART;TZID=Europe/Berlin:20261124T150000",
                "DTEND;TZID=Europe/Berlin:20261124T160000",
            ),
        ),
        ["11-23T09:00/11-23T10:00", "11-24T14:00/11-24T15:00"],
    ),
    "an override moved into the window": Case(
        calendar(
            event(
                "DTSTART:20261102T100000Z", "DTEND:20261102T110000Z", "RRULE:FREQ=WEEKLY;COUNT=3"
            ),
            event(
                "RECURRENCE-ID:20261109T100000Z",
                "DTSTART:20261124T100000Z",
                "DTEND:20261124T110000Z",
            ),
        ),
        [OTHER_TIMES],
    ),
    "an override moved out of the window": Case(
        calendar(
            event(*UTC_TEN, "RRULE:FREQ=DAILY;COUNT=2"),
            event(
                "RECURRENCE-ID:20261124T100000Z",
                "DTSTART:20270124T100000Z",
                "DTEND:20270124T110000Z",
            ),
        ),
        ["11-23T10:00/11-23T11:00"],
    ),
    "an override without its master is an event of its own": Case(
        calendar(
            event(
                "RECURRENCE-ID:20261124T100000Z",
                "DTSTART:20261124T120000Z",
                "DTEND:20261124T130000Z",
            )
        ),
        ["11-24T12:00/11-24T13:00"],
    ),
    "an override before its master in the file": Case(
        calendar(
            event(
                "RECURRENCE-ID:20261124T100000Z",
                "DTSTART:20261124T120000Z",
                "DTEND:20261124T130000Z",
            ),
            event(*UTC_TEN, "RRULE:FREQ=DAILY;COUNT=2"),
        ),
        ["11-23T10:00/11-23T11:00", "11-24T12:00/11-24T13:00"],
    ),
    "of two events with one UID the higher SEQUENCE counts": Case(
        calendar(
            event("SEQUENCE:0", *UTC_TEN),
            event("SEQUENCE:1", "DTSTART:20261123T120000Z", "DTEND:20261123T130000Z"),
        ),
        ["11-23T12:00/11-23T13:00"],
    ),
    "of two with one SEQUENCE the later DTSTAMP counts": Case(
        calendar(
            event("DTSTART:20261123T120000Z", "DTEND:20261123T130000Z", stamp="20261102T000000Z"),
            event(*UTC_TEN, stamp="20261101T000000Z"),
        ),
        ["11-23T12:00/11-23T13:00"],
    ),
    "of two overrides of one instance the higher SEQUENCE counts": Case(
        calendar(
            event("SEQUENCE:1", *UTC_TEN, "RRULE:FREQ=DAILY;COUNT=2"),
            event(
                "SEQUENCE:2",
                "RECURRENCE-ID:20261124T100000Z",
                "DTSTART:20261124T150000Z",
                "DTEND:20261124T160000Z",
            ),
            event(
                "SEQUENCE:1",
                "RECURRENCE-ID:20261124T100000Z",
                "DTSTART:20261124T130000Z",
                "DTEND:20261124T140000Z",
            ),
        ),
        ["11-23T10:00/11-23T11:00", "11-24T15:00/11-24T16:00"],
    ),
    "an override that cannot be read takes its instance alone": Case(
        calendar(
            event(*AT_TEN, "RRULE:FREQ=DAILY;COUNT=3"),
            event(
                "RECURRENCE-ID:20261124T090000Z",
                "DTSTART;TZID=Nowhere:20261124T150000",
                "DTEND;TZID=Nowhere:20261124T160000",
            ),
        ),
        [THREE_DAYS[0], THREE_DAYS[2]],
        problems=["'Nowhere' is unknown"],
    ),
    "this and future that cannot be read ends the series there": Case(
        calendar(
            event(*AT_TEN, "RRULE:FREQ=DAILY;COUNT=3"),
            event("RECURRENCE-ID;RANGE=THISANDFUTURE:20261124T090000Z", "DTSTART:tomorrow"),
        ),
        [THREE_DAYS[0]],
        problems=["no date or time"],
    ),
    "hourly for a year": Case(
        calendar(
            event("DTSTART:20251101T000000Z", "DURATION:PT30M", "RRULE:FREQ=HOURLY;COUNT=10000")
        ),
        [
            f"11-{23 + h // 24}T{h % 24:02}:00/11-{23 + h // 24}T{h % 24:02}:30"
            for h in range(23, 47)
        ],
        days=("2026-11-24", "2026-11-25"),
    ),
}

LENGTHS = {
    "floating times are in the daemon's zone": Case(
        calendar(event("DTSTART:20261123T100000", "DTEND:20261123T110000")), THREE_DAYS[:1]
    ),
    "floating times are in the calendar's zone where it names one": Case(
        calendar(
            event("DTSTART:20261123T100000", "DTEND:20261123T110000"),
            head=["X-WR-TIMEZONE:America/New_York"],
        ),
        ["11-23T15:00/11-23T16:00"],
    ),
    "a day without an end lasts a day": Case(
        calendar(event("DTSTART;VALUE=DATE:20261123")), ["11-22T23:00/11-23T23:00"]
    ),
    "two days": Case(
        calendar(event("DTSTART;VALUE=DATE:20261123", "DTEND;VALUE=DATE:20261125")),
        ["11-22T23:00/11-24T23:00"],
    ),
    "a day that ends on itself lasts a day": Case(
        calendar(event("DTSTART;VALUE=DATE:20261123", "DTEND;VALUE=DATE:20261123")),
        ["11-22T23:00/11-23T23:00"],
    ),
    "a day of 25 hours is a day": Case(
        calendar(event("DTSTART;VALUE=DATE:20261025", "RRULE:FREQ=DAILY;COUNT=2")),
        ["10-24T22:00/10-25T23:00", "10-25T23:00/10-26T23:00"],
        days=("2026-10-20", "2026-10-30"),
    ),
    "days each week but one": Case(
        calendar(
            event(
                "DTSTART;VALUE=DATE:20261123",
                "DTEND;VALUE=DATE:20261124",
                "RRULE:FREQ=WEEKLY;COUNT=3",
                "EXDATE;VALUE=DATE:20261130",
            )
        ),
        ["11-22T23:00/11-23T23:00", "12-06T23:00/12-07T23:00"],
    ),
    "DURATION": Case(calendar(event(AT_TEN[0], "DURATION:PT1H30M")), ["11-23T09:00/11-23T10:30"]),
    "a DURATION of a day over the change of clocks is a day by the calendar": Case(
        calendar(event("DTSTART;TZID=Europe/Berlin:20261024T120000", "DURATION:P1D")),
        ["10-24T10:00/10-25T11:00"],
        days=("2026-10-20", "2026-10-30"),
    ),
    "a start in a gap is shifted by it and keeps its length": Case(
        calendar(
            event(
                "DTSTART;TZID=Europe/Berlin:20260328T023000",
                "DURATION:PT1H",
                "RRULE:FREQ=DAILY;COUNT=3",
            )
        ),
        ["03-28T01:30/03-28T02:30", "03-29T01:30/03-29T02:30", "03-30T00:30/03-30T01:30"],
        days=("2026-03-27", "2026-04-02"),
    ),
    "a start in an overlap is the first and keeps its length": Case(
        calendar(
            event(
                "DTSTART;TZID=Europe/Berlin:20261024T023000",
                "DURATION:PT1H",
                "RRULE:FREQ=DAILY;COUNT=3",
            )
        ),
        ["10-24T00:30/10-24T01:30", "10-25T00:30/10-25T01:30", "10-26T01:30/10-26T02:30"],
        days=("2026-10-23", "2026-10-28"),
    ),
    "an instance that a gap swallowed is overridden by its UTC name": Case(
        calendar(
            event(
                "DTSTART;TZID=Europe/Berlin:20260328T023000",
                "DURATION:PT1H",
                "RRULE:FREQ=DAILY;COUNT=2",
            ),
            event("RECURRENCE-ID:20260329T013000Z", "DTSTART:20260329T120000Z", "DURATION:PT1H"),
        ),
        ["03-28T01:30/03-28T02:30", "03-29T12:00/03-29T13:00"],
        days=("2026-03-27", "2026-04-02"),
    ),
    "a night over the change of clocks": Case(
        calendar(
            event(
                "DTSTART;TZID=Europe/Berlin:20261024T220000",
                "DTEND;TZID=Europe/Berlin:20261025T060000",
            )
        ),
        ["10-24T20:00/10-25T05:00"],
        days=("2026-10-23", "2026-10-28"),
    ),
    "no end": Case(calendar(event(UTC_TEN[0])), ["11-23T10:00/11-23T10:00"]),
    "an end at the start": Case(
        calendar(event(UTC_TEN[0], "DTEND:20261123T100000Z")), ["11-23T10:00/11-23T10:00"]
    ),
    "an end that is a day": Case(
        calendar(event(UTC_TEN[0], "DTEND;VALUE=DATE:20261124"), OTHER),
        ["11-23T10:00/11-24T00:00", OTHER_TIMES],
    ),
    "longer than the window": Case(
        calendar(event("DTSTART:20261101T100000Z", "DTEND:20261231T110000Z")),
        ["11-01T10:00/12-31T11:00"],
    ),
    "over when the window begins": Case(
        calendar(event("DTSTART:20261122T220000Z", "DTEND:20261122T230000Z")), []
    ),
}

ZONES = {
    "a Windows name without VTIMEZONE": Case(
        calendar(zoned("W. Europe Standard Time")), THREE_DAYS[:1]
    ),
    "a Windows name with VTIMEZONE": Case(
        calendar(vtimezone("W. Europe Standard Time"), zoned("W. Europe Standard Time")),
        THREE_DAYS[:1],
    ),
    "a quoted name of its own": Case(
        calendar(vtimezone(SHOWN), zoned(f'"{SHOWN}"')), THREE_DAYS[:1]
    ),
    "a quoted name of its own in summer": Case(
        calendar(vtimezone(SHOWN), zoned(f'"{SHOWN}"', "20260723")),
        ["07-23T08:00/07-23T09:00"],
        days=("2026-07-20", "2026-07-30"),
    ),
    "the same name without quotes": Case(calendar(vtimezone(SHOWN), zoned(SHOWN)), THREE_DAYS[:1]),
    "what Windows shows for a zone": Case(
        calendar(zoned(f'"{SHOWN}"'), OTHER), [*THREE_DAYS[:1], OTHER_TIMES]
    ),
    "a name that nothing defines": Case(
        calendar(zoned('"(UTC+01:00) Entenhausen"'), OTHER),
        [OTHER_TIMES],
        problems=["'(UTC+01:00) Entenhausen' is unknown"],
    ),
    "an IANA name whose VTIMEZONE is another zone": Case(
        calendar(vtimezone("Europe/Berlin", "-0500", "-0400"), zoned("Europe/Berlin")),
        ["11-23T15:00/11-23T16:00"],
    ),
    "an IANA name whose VTIMEZONE is a simplification": Case(
        calendar(vtimezone("Europe/Berlin", "+0200", "+0200"), zoned("Europe/Berlin")),
        THREE_DAYS[:1],
    ),
    "American rules under a customised name": Case(
        calendar(
            vtimezone("Customized Time Zone", "-0500", "-0400"), zoned("Customized Time Zone")
        ),
        ["11-23T15:00/11-23T16:00"],
    ),
    "a vendor's name that ends in an IANA name": Case(
        calendar(zoned("/vendor.example/20260101/Europe/Berlin")), THREE_DAYS[:1]
    ),
    "UTC as a zone": Case(
        calendar(
            event(
                "DTSTART;VALUE=DATE-TIME;TZID=UTC:20261123T100000",
                "DTEND;VALUE=DATE-TIME;TZID=UTC:20261123T110000",
            )
        ),
        ["11-23T10:00/11-23T11:00"],
    ),
}

BROKEN_EVENTS = {
    "an end before the start": Case(
        calendar(event(UTC_TEN[0], "DTEND:20261123T090000Z"), OTHER),
        [OTHER_TIMES],
        problems=["DTEND is before DTSTART"],
    ),
    "a negative duration": Case(
        calendar(event(UTC_TEN[0], "DURATION:-PT1H"), OTHER),
        [OTHER_TIMES],
        problems=["'-PT1H' is negative"],
    ),
    "a start that is no date": Case(
        calendar(event("DTSTART:20269999T100000Z", UTC_TEN[1]), OTHER),
        [OTHER_TIMES],
        problems=["month must be in 1..12"],
    ),
    "a rule that is none": Case(
        calendar(event(*UTC_TEN, "RRULE:FREQ=SOMETIMES"), OTHER),
        [OTHER_TIMES],
        problems=["SOMETIMES"],
    ),
    "no start": Case(
        calendar(event("SUMMARY:x"), OTHER), [OTHER_TIMES], problems=["DTSTART is missing"]
    ),
    "an end in the year 9999": Case(
        calendar(event(UTC_TEN[0], "DTEND:99991231T235959Z"), OTHER),
        [OTHER_TIMES],
        problems=["in the year 9999"],
    ),
    "no BEGIN:VEVENT": Case(
        calendar("UID:u1\nDTSTART:20261123T100000Z\nEND:VEVENT", OTHER),
        [OTHER_TIMES],
        problems=["BEGIN:VEVENT is missing"],
    ),
    "no END:VEVENT": Case(
        calendar("BEGIN:VEVENT\nUID:u1\nDTSTART:20261123T100000Z", OTHER),
        [OTHER_TIMES],
        problems=["END:VEVENT is missing"],
    ),
    "every second since 2020": Case(
        calendar(event("DTSTART:20200101T000000Z", "DURATION:PT1S", "RRULE:FREQ=SECONDLY"), OTHER),
        [OTHER_TIMES],
        problems=["more than 100000 instances"],
    ),
    "every second a milliard times": Case(
        calendar(
            event(
                "DTSTART:20261123T000000Z", "DURATION:PT1S", "RRULE:FREQ=SECONDLY;COUNT=1000000000"
            ),
            OTHER,
        ),
        [OTHER_TIMES],
        problems=["more than 100000 instances"],
    ),
    "every minute since 2020": Case(
        calendar(event("DTSTART:20200101T000000Z", "DURATION:PT1M", "RRULE:FREQ=MINUTELY"), OTHER),
        [OTHER_TIMES],
        problems=["more than 100000 instances"],
    ),
    "every minute of the window": Case(
        calendar(event("DTSTART:20261120T000000Z", "DURATION:PT1M", "RRULE:FREQ=MINUTELY"), OTHER),
        [OTHER_TIMES],
        problems=["more than 10000 times"],
    ),
    "each second of each day by lists": Case(
        calendar(
            event(
                "DTSTART:20261120T000000Z",
                "DURATION:PT1S",
                f"RRULE:FREQ=DAILY;BYHOUR={','.join(map(str, range(24)))}"
                f";BYMINUTE={','.join(map(str, range(60)))}"
                f";BYSECOND={','.join(map(str, range(60)))}",
            ),
            OTHER,
        ),
        [OTHER_TIMES],
        problems=["more than 100000 instances"],
    ),
    "30 February each day": Case(
        calendar(
            event(
                "DTSTART:20260101T000000Z",
                "DURATION:PT1H",
                "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
            ),
            OTHER,
        ),
        [OTHER_TIMES],
    ),
    "30 February each second": Case(
        calendar(
            event(
                "DTSTART:20260101T000000Z",
                "DURATION:PT1H",
                "RRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30",
            ),
            OTHER,
        ),
        [OTHER_TIMES],
        problems=["more than 100000 instances"],
    ),
    "Tuesdays from a Monday on in steps of a week": Case(
        calendar(event(*UTC_TEN, "RRULE:FREQ=DAILY;INTERVAL=7;BYDAY=TU"), OTHER),
        ["11-23T10:00/11-23T11:00", OTHER_TIMES],
    ),
    "a month that steps of a year never lead to": Case(
        calendar(event(*UTC_TEN, "RRULE:FREQ=MONTHLY;INTERVAL=12;BYMONTH=12"), OTHER),
        ["11-23T10:00/11-23T11:00", OTHER_TIMES],
    ),
    "the thirteenth month": Case(
        calendar(event(*UTC_TEN, "RRULE:FREQ=YEARLY;BYMONTH=11,13"), OTHER),
        [OTHER_TIMES],
        problems=["BYMONTH=13, which there is not"],
    ),
    "the day before the first": Case(
        calendar(event(*UTC_TEN, "RRULE:FREQ=MONTHLY;BYMONTHDAY=0"), OTHER),
        [OTHER_TIMES],
        problems=["BYMONTHDAY=0, which there is not"],
    ),
    "INTERVAL=0": Case(
        calendar(event(*UTC_TEN, "RRULE:FREQ=DAILY;INTERVAL=0"), OTHER),
        [OTHER_TIMES],
        problems=["INTERVAL=0"],
    ),
    "a flood of RDATEs": Case(
        calendar(event(*UTC_TEN, "RDATE:" + ",".join(["20261123T100000Z"] * 50_000)), OTHER),
        [OTHER_TIMES],
        problems=["50000 RDATE and EXDATE values"],
    ),
}

TEXT = {
    "a line that lost its fold": Case(
        calendar(event(*UTC_TEN, "DESCRIPTION:line one\nline two: without a blank"), OTHER),
        ["11-23T10:00/11-23T11:00", OTHER_TIMES],
    ),
    "a character cut by folding": Case(
        calendar(event(*UTC_TEN, "SUMMARY:Müller")).replace(b"\xc3\xbc", b"\xc3\r\n \xbc"),
        ["11-23T10:00/11-23T11:00"],
    ),
    "a byte order mark": Case(b"\xef\xbb\xbf" + calendar(OTHER), [OTHER_TIMES]),
    "byte order marks of two files that were joined": Case(
        2 * (b"\xef\xbb\xbf" + calendar(OTHER)), [OTHER_TIMES]
    ),
    "UTF-16": Case(calendar(OTHER).decode().encode("utf-16"), [OTHER_TIMES]),
    "Latin-1 letters": Case(
        calendar(OTHER.replace("END:VEVENT", "SUMMARY:Müller\nEND:VEVENT"))
        .decode()
        .encode("latin-1"),
        [OTHER_TIMES],
    ),
    "a NUL": Case(calendar(OTHER.replace("END:VEVENT", "SUMMARY:a\0b\nEND:VEVENT")), [OTHER_TIMES]),
    "LF alone": Case(calendar(OTHER).replace(b"\r\n", b"\n"), [OTHER_TIMES]),
    "CR alone": Case(calendar(OTHER).replace(b"\r\n", b"\r"), [OTHER_TIMES]),
    "empty lines": Case(calendar(OTHER).replace(b"\r\n", b"\r\n\r\n"), [OTHER_TIMES]),
    "lower case": Case(
        calendar(OTHER.lower().replace("t100000z", "T100000Z").replace("t110000z", "T110000Z")),
        [OTHER_TIMES],
    ),
    "no UID": Case(calendar(OTHER.replace("UID:other\n", "")), [OTHER_TIMES]),
    "two calendars in one file": Case(
        calendar(OTHER) + calendar(event("DTSTART:20261125T100000Z", "DTEND:20261125T110000Z")),
        [OTHER_TIMES, "11-25T10:00/11-25T11:00"],
    ),
}

CASES = {**SERIES, **LENGTHS, **ZONES, **BROKEN_EVENTS, **TEXT}

NO_CALENDARS = {
    "END:VCALENDAR is missing": (calendar(OTHER).replace(b"END:VCALENDAR\r\n", b""), "truncated"),
    "cut in an event": (calendar(OTHER, OTHER)[:-60], "truncated"),
    "cut between two calendars": (
        calendar(OTHER).replace(b"END:VCALENDAR\r\n", b"") + calendar(OTHER),
        "truncated",
    ),
    "nothing": (b"", "not_a_calendar"),
    "blanks": (b" \r\n\r\n", "not_a_calendar"),
    "a web page": (b"<html><body>Login</body></html>", "not_a_calendar"),
    "an event alone": (OTHER.encode(), "not_a_calendar"),
}
