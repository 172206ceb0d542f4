"""The recurrence examples of RFC 5545, sections 3.3.10 and 3.8.5.3, as data.

`EXAMPLES` gives for each the date and time of DTSTART in New York, the lines that make it recur,
and the instances that the text of the RFC lists: a year and the zone in force, then months and
days at the time of DTSTART (`Sep 2-11 15` are eleven), or a day and its times (`@2 09:00 12:00`).
An endless series is listed for as long as the RFC lists it, and ends in "...".

Of the errata two matter here: 3883, by which the three-hourly example ends at 21:00 UTC (as printed
it ends before the last instance it lists), and 1913, by which an ordinal in a yearly BYDAY counts
within the year where there is no BYMONTH.
"""

import calendar as names
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date


_MONTHS = {name: number for number, name in enumerate(names.month_abbr) if name}


@dataclass(frozen=True)
class Example:
    start: str
    rule: str
    listed: str

    @property
    def endless(self) -> bool:
        return self.listed.endswith("...")

    @property
    def expected(self) -> list[str]:
        """Each instance as `1997-09-02 09:00 EDT`."""
        return list(_instances(self.listed.removesuffix("..."), self.start[9:13]))


def _instances(listed: str, usual: str) -> Iterator[str]:
    year, month, zone = 0, 0, ""
    day = 0
    for word in listed.split():
        if word in _MONTHS:
            month = _MONTHS[word]
        elif word in ("EST", "EDT"):
            zone = word
        elif re.fullmatch(r"\d{4}", word):
            year = int(word)
        elif ":" in word:
            yield f"{date(year, month, day)} {word} {zone}"
        elif word.startswith("@"):
            day = int(word[1:])
        else:
            first, _, last = word.partition("-")
            for number in range(int(first), int(last or first) + 1):
                yield f"{date(year, month, number)} {usual[:2]}:{usual[2:]} {zone}"


_ALL_AUTUMN = "1997 EDT Sep 2-30 Oct 1-25 EST Oct 26-31 Nov 1-30 Dec 1-23"
_JANUARIES = "1998 EST Jan 1-31 1999 Jan 1-31 2000 Jan 1-31"
_TWENTIES = " ".join(f"{hour:02}:{minute:02}" for hour in range(9, 17) for minute in (0, 20, 40))
_WORKING_DAYS = "MO,TU,WE,TH,FR"

EXAMPLES = {
    "daily for 10 times": Example(
        "19970902T090000", "RRULE:FREQ=DAILY;COUNT=10", "1997 EDT Sep 2-11"
    ),
    "daily until Christmas Eve": Example(
        "19970902T090000", "RRULE:FREQ=DAILY;UNTIL=19971224T000000Z", _ALL_AUTUMN
    ),
    "every other day": Example(
        "19970902T090000",
        "RRULE:FREQ=DAILY;INTERVAL=2",
        "1997 EDT Sep 2 4 6 8 10 12 14 16 18 20 22 24 26 28 30"
        " Oct 2 4 6 8 10 12 14 16 18 20 22 24 EST Oct 26 28 30"
        " Nov 1 3 5 7 9 11 13 15 17 19 21 23 25 27 29 Dec 1 3 ...",
    ),
    "every 10 days, 5 times": Example(
        "19970902T090000", "RRULE:FREQ=DAILY;INTERVAL=10;COUNT=5", "1997 EDT Sep 2 12 22 Oct 2 12"
    ),
    "each day of January for three years, by the year": Example(
        "19980101T090000",
        "RRULE:FREQ=YEARLY;UNTIL=20000131T140000Z;BYMONTH=1;BYDAY=SU,MO,TU,WE,TH,FR,SA",
        _JANUARIES,
    ),
    "each day of January for three years, by the day": Example(
        "19980101T090000", "RRULE:FREQ=DAILY;UNTIL=20000131T140000Z;BYMONTH=1", _JANUARIES
    ),
    "weekly for 10 times": Example(
        "19970902T090000",
        "RRULE:FREQ=WEEKLY;COUNT=10",
        "1997 EDT Sep 2 9 16 23 30 Oct 7 14 21 EST Oct 28 Nov 4",
    ),
    "weekly until Christmas Eve": Example(
        "19970902T090000",
        "RRULE:FREQ=WEEKLY;UNTIL=19971224T000000Z",
        "1997 EDT Sep 2 9 16 23 30 Oct 7 14 21 EST Oct 28 Nov 4 11 18 25 Dec 2 9 16 23",
    ),
    "every other week": Example(
        "19970902T090000",
        "RRULE:FREQ=WEEKLY;INTERVAL=2;WKST=SU",
        "1997 EDT Sep 2 16 30 Oct 14 EST Oct 28 Nov 11 25 Dec 9 23 1998 Jan 6 20 Feb 3 17 ...",
    ),
    "Tuesday and Thursday for five weeks, by UNTIL": Example(
        "19970902T090000",
        "RRULE:FREQ=WEEKLY;UNTIL=19971007T000000Z;WKST=SU;BYDAY=TU,TH",
        "1997 EDT Sep 2 4 9 11 16 18 23 25 30 Oct 2",
    ),
    "Tuesday and Thursday for five weeks, by COUNT": Example(
        "19970902T090000",
        "RRULE:FREQ=WEEKLY;COUNT=10;WKST=SU;BYDAY=TU,TH",
        "1997 EDT Sep 2 4 9 11 16 18 23 25 30 Oct 2",
    ),
    "Monday, Wednesday, Friday of every other week": Example(
        "19970901T090000",
        "RRULE:FREQ=WEEKLY;INTERVAL=2;UNTIL=19971224T000000Z;WKST=SU;BYDAY=MO,WE,FR",
        "1997 EDT Sep 1 3 5 15 17 19 29 Oct 1 3 13 15 17 EST Oct 27 29 31"
        " Nov 10 12 14 24 26 28 Dec 8 10 12 22",
    ),
    "Tuesday and Thursday of every other week, 8 times": Example(
        "19970902T090000",
        "RRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH",
        "1997 EDT Sep 2 4 16 18 30 Oct 2 14 16",
    ),
    "the first Friday, 10 times": Example(
        "19970905T090000",
        "RRULE:FREQ=MONTHLY;COUNT=10;BYDAY=1FR",
        "1997 EDT Sep 5 Oct 3 EST Nov 7 Dec 5 1998 Jan 2 Feb 6 Mar 6 Apr 3 EDT May 1 Jun 5",
    ),
    "the first Friday until Christmas Eve": Example(
        "19970905T090000",
        "RRULE:FREQ=MONTHLY;UNTIL=19971224T000000Z;BYDAY=1FR",
        "1997 EDT Sep 5 Oct 3 EST Nov 7 Dec 5",
    ),
    "the first and last Sunday of every other month": Example(
        "19970907T090000",
        "RRULE:FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU",
        "1997 EDT Sep 7 28 EST Nov 2 30 1998 Jan 4 25 Mar 1 29 EDT May 3 31",
    ),
    "the last Monday but one": Example(
        "19970922T090000",
        "RRULE:FREQ=MONTHLY;COUNT=6;BYDAY=-2MO",
        "1997 EDT Sep 22 Oct 20 EST Nov 17 Dec 22 1998 Jan 19 Feb 16",
    ),
    "the last day but two": Example(
        "19970928T090000",
        "RRULE:FREQ=MONTHLY;BYMONTHDAY=-3",
        "1997 EDT Sep 28 EST Oct 29 Nov 28 Dec 29 1998 Jan 29 Feb 26 ...",
    ),
    "the 2nd and 15th": Example(
        "19970902T090000",
        "RRULE:FREQ=MONTHLY;COUNT=10;BYMONTHDAY=2,15",
        "1997 EDT Sep 2 15 Oct 2 15 EST Nov 2 15 Dec 2 15 1998 Jan 2 15",
    ),
    "the first and last day": Example(
        "19970930T090000",
        "RRULE:FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1",
        "1997 EDT Sep 30 Oct 1 EST Oct 31 Nov 1 30 Dec 1 31 1998 Jan 1 31 Feb 1",
    ),
    "the 10th to 15th every 18 months": Example(
        "19970910T090000",
        "RRULE:FREQ=MONTHLY;INTERVAL=18;COUNT=10;BYMONTHDAY=10,11,12,13,14,15",
        "1997 EDT Sep 10-15 1999 EST Mar 10-13",
    ),
    "Tuesdays of every other month": Example(
        "19970902T090000",
        "RRULE:FREQ=MONTHLY;INTERVAL=2;BYDAY=TU",
        "1997 EDT Sep 2 9 16 23 30 EST Nov 4 11 18 25 1998 Jan 6 13 20 27 Mar 3 10 17 24 31 ...",
    ),
    "yearly in June and July": Example(
        "19970610T090000",
        "RRULE:FREQ=YEARLY;COUNT=10;BYMONTH=6,7",
        "1997 EDT Jun 10 Jul 10 1998 Jun 10 Jul 10 1999 Jun 10 Jul 10 2000 Jun 10 Jul 10"
        " 2001 Jun 10 Jul 10",
    ),
    "every other year from January to March": Example(
        "19970310T090000",
        "RRULE:FREQ=YEARLY;INTERVAL=2;COUNT=10;BYMONTH=1,2,3",
        "1997 EST Mar 10 1999 Jan 10 Feb 10 Mar 10 2001 Jan 10 Feb 10 Mar 10"
        " 2003 Jan 10 Feb 10 Mar 10",
    ),
    "the 1st, 100th and 200th day of every third year": Example(
        "19970101T090000",
        "RRULE:FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200",
        "1997 EST Jan 1 EDT Apr 10 Jul 19 2000 EST Jan 1 EDT Apr 9 Jul 18"
        " 2003 EST Jan 1 EDT Apr 10 Jul 19 2006 EST Jan 1",
    ),
    "the 20th Monday of the year": Example(
        "19970519T090000",
        "RRULE:FREQ=YEARLY;BYDAY=20MO",
        "1997 EDT May 19 1998 May 18 1999 May 17 ...",
    ),
    "Monday of week 20": Example(
        "19970512T090000",
        "RRULE:FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO",
        "1997 EDT May 12 1998 May 11 1999 May 17 ...",
    ),
    "Thursdays of March": Example(
        "19970313T090000",
        "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=TH",
        "1997 EST Mar 13 20 27 1998 Mar 5 12 19 26 1999 Mar 4 11 18 25 ...",
    ),
    "Thursdays of summer": Example(
        "19970605T090000",
        "RRULE:FREQ=YEARLY;BYDAY=TH;BYMONTH=6,7,8",
        "1997 EDT Jun 5 12 19 26 Jul 3 10 17 24 31 Aug 7 14 21 28"
        " 1998 Jun 4 11 18 25 Jul 2 9 16 23 30 Aug 6 13 20 27"
        " 1999 Jun 3 10 17 24 Jul 1 8 15 22 29 Aug 5 12 19 26 ...",
    ),
    "every Friday the 13th, and not the day it is told of": Example(
        "19970902T090000",
        "EXDATE;TZID=America/New_York:19970902T090000\nRRULE:FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13",
        "1998 EST Feb 13 Mar 13 Nov 13 1999 EDT Aug 13 2000 Oct 13 ...",
    ),
    "the first Saturday after the first Sunday": Example(
        "19970913T090000",
        "RRULE:FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13",
        "1997 EDT Sep 13 Oct 11 EST Nov 8 Dec 13 1998 Jan 10 Feb 7 Mar 7 EDT Apr 11 May 9 Jun 13"
        " ...",
    ),
    "the day of elections": Example(
        "19961105T090000",
        "RRULE:FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8",
        "1996 EST Nov 5 2000 Nov 7 2004 Nov 2 ...",
    ),
    "the third of Tuesdays, Wednesdays and Thursdays": Example(
        "19970904T090000",
        "RRULE:FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3",
        "1997 EDT Sep 4 Oct 7 EST Nov 6",
    ),
    "the last working day but one": Example(
        "19970929T090000",
        f"RRULE:FREQ=MONTHLY;BYDAY={_WORKING_DAYS};BYSETPOS=-2",
        "1997 EDT Sep 29 EST Oct 30 Nov 27 Dec 30 1998 Jan 29 Feb 26 Mar 30 ...",
    ),
    "every three hours of a working day (erratum 3883)": Example(
        "19970902T090000",
        "RRULE:FREQ=HOURLY;INTERVAL=3;UNTIL=19970902T210000Z",
        "1997 EDT Sep @2 09:00 12:00 15:00",
    ),
    "every three hours until 17:00 UTC (as printed)": Example(
        "19970902T090000",
        "RRULE:FREQ=HOURLY;INTERVAL=3;UNTIL=19970902T170000Z",
        "1997 EDT Sep @2 09:00 12:00",
    ),
    "every 15 minutes, 6 times": Example(
        "19970902T090000",
        "RRULE:FREQ=MINUTELY;INTERVAL=15;COUNT=6",
        "1997 EDT Sep @2 09:00 09:15 09:30 09:45 10:00 10:15",
    ),
    "every hour and a half, 4 times": Example(
        "19970902T090000",
        "RRULE:FREQ=MINUTELY;INTERVAL=90;COUNT=4",
        "1997 EDT Sep @2 09:00 10:30 12:00 13:30",
    ),
    "every 20 minutes of working days, by the day": Example(
        "19970902T090000",
        "RRULE:FREQ=DAILY;BYHOUR=9,10,11,12,13,14,15,16;BYMINUTE=0,20,40",
        f"1997 EDT Sep @2 {_TWENTIES} @3 {_TWENTIES} ...",
    ),
    "every 20 minutes of working days, by the minute": Example(
        "19970902T090000",
        "RRULE:FREQ=MINUTELY;INTERVAL=20;BYHOUR=9,10,11,12,13,14,15,16",
        f"1997 EDT Sep @2 {_TWENTIES} @3 {_TWENTIES} ...",
    ),
    "every other week where weeks begin on Monday": Example(
        "19970805T090000",
        "RRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO",
        "1997 EDT Aug 5 10 19 24",
    ),
    "every other week where weeks begin on Sunday": Example(
        "19970805T090000",
        "RRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU",
        "1997 EDT Aug 5 17 19 31",
    ),
    "a day that not every month has is left out": Example(
        "20070115T090000",
        "RRULE:FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5",
        "2007 EST Jan 15 30 Feb 15 EDT Mar 15 30",
    ),
    "the 31st that DTSTART implies is left out where there is none": Example(
        "19970131T090000",
        "RRULE:FREQ=MONTHLY",
        "1997 EST Jan 31 Mar 31 EDT May 31 Jul 31 Aug 31 EST Oct 31 Dec 31 1998 Jan 31 ...",
    ),
    "every other day, 10 times (3.3.10)": Example(
        "19970902T090000",
        "RRULE:FREQ=DAILY;COUNT=10;INTERVAL=2",
        "1997 EDT Sep 2 4 6 8 10 12 14 16 18 20",
    ),
    "half past eight and nine on Sundays of January, every other year (3.3.10)": Example(
        "19970105T083000",
        "RRULE:FREQ=YEARLY;INTERVAL=2;BYMONTH=1;BYDAY=SU;BYHOUR=8,9;BYMINUTE=30",
        "1997 EST Jan @5 08:30 09:30 @12 08:30 09:30 @19 08:30 09:30 @26 08:30 09:30"
        " 1999 Jan @3 08:30 09:30 @10 08:30 09:30 @17 08:30 09:30 @24 08:30 09:30"
        " @31 08:30 09:30 ...",
    ),
    "the last working day (3.3.10)": Example(
        "19970930T090000",
        f"RRULE:FREQ=MONTHLY;BYDAY={_WORKING_DAYS};BYSETPOS=-1",
        "1997 EDT Sep 30 EST Oct 31 Nov 28 Dec 31 1998 Jan 30 Feb 27 Mar 31 ...",
    ),
}
