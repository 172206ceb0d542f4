"""Calendar situations and the bookings that must come of them, whatever the calendars are.

Everything happens in the four weeks around 25 October 2026, when Berlin sets its clocks back (New
York does a week later). Expected times are written out in UTC: nothing here computes a zone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

from cospaced.domain.calendar import Answer, Busy
from cospaced.domain.fold import Wanted
from cospaced.domain.timespan import Timespan
from support.events import (
    ADA,
    HOUR,
    MINUTE,
    Changed,
    Event,
    Every,
    OwnZone,
    Person,
    Repeats,
    UnknownZone,
)


NOW = datetime(2026, 10, 12, 6, 0, tzinfo=UTC)
"""A Monday, 8:00 in Berlin."""
WINDOW = Timespan(NOW - timedelta(days=1), NOW + timedelta(days=30))
ROOMS = ("aula", "boardroom", "cellar")

Calendars = Mapping[str, tuple[Event, ...]]
"""What stands in each room's calendar."""


@dataclass(frozen=True, kw_only=True)
class Situation:
    """Calendars as they change from poll to poll, and what follows in the end.

    `skipped` are room and reason of the copies that are part of no booking; `problems` a word of
    what is told of each event that was left out.
    """

    then: tuple[Calendars, ...]
    bookings: tuple[Wanted, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()
    problems: tuple[str, ...] = field(default=())


def at(text: str) -> datetime:
    """Return a wall time of 2026 from `10-13 09:00`, or of another year where it is named."""
    return datetime.fromisoformat(text if len(text) > len("10-13 09:00") else f"2026-{text}")


def booking(start: str, *, minutes: int = 60, of: str = "", **keys: object) -> Wanted:
    """Return what is wanted; `start` and `of` (the original start) are times in UTC."""
    begin = at(start).replace(tzinfo=UTC)
    fields: dict[str, object] = {
        "uid": "one@example.org",
        "recurrence_id": f"{at(of):%Y-%m-%dT%H:%M:%SZ}" if of else "",
        "organizer": ADA.mail,
        "organizer_name": ADA.name,
        "title": "Planning",
        "private": False,
        "start": begin,
        "end": begin + minutes * MINUTE,
        "rooms": ("aula",),
    }
    return Wanted(**(fields | keys))  # type: ignore[arg-type] # fields by name


def series(*starts: str, **keys: object) -> tuple[Wanted, ...]:
    """Return occurrences that take place when they always would."""
    return tuple(booking(start, of=start, **keys) for start in starts)  # type: ignore[arg-type] # by name


def invited(event: Event, *rooms: str) -> Calendars:
    """Put one event into the calendars of all its rooms, or of some of them."""
    return dict.fromkeys(rooms or event.rooms, (event,))


def _now(*events: Event, **keys: object) -> Situation:
    """Return a situation of one calendar that does not change."""
    return Situation(then=({"aula": events},), **keys)  # type: ignore[arg-type] # fields by name


NINE = at("10-13 09:00")
"""In Berlin: 7:00 in UTC."""
PLAIN = Event(start=NINE)
WEEKLY = Event(start=NINE, repeats=Repeats(every=Every.WEEK, times=3))
BOTH = replace(PLAIN, rooms=("aula", "boardroom"))
SHIRE_TIME = OwnZone(
    name="Customized Time Zone",
    standard=timedelta(hours=3),
    daylight=timedelta(hours=4),
)
GLOBAL_ID = "040000008200E00074C5B7101A82E008{date}10B5D8B7F1C2DC010000000000000000100000006F3A"
LONG_TITLE = "Quarterly review of everything that is under way " * 20

SINGLE: Mapping[str, Situation] = {
    "a single event": _now(PLAIN, bookings=(booking("10-13 07:00"),)),
    "an event in New York's time": _now(
        replace(PLAIN, zone="America/New_York"), bookings=(booking("10-13 13:00"),)
    ),
    "an event in UTC": _now(replace(PLAIN, zone="UTC"), bookings=(booking("10-13 09:00"),)),
    "an event in a zone that the calendar made up": _now(
        replace(PLAIN, zone=SHIRE_TIME), bookings=(booking("10-13 05:00"),)
    ),
    "an event in a zone that nobody knows": _now(
        replace(PLAIN, id="lost@example.org", zone=UnknownZone()),
        replace(PLAIN, start=at("10-14 09:00")),
        bookings=(booking("10-14 07:00"),),
        problems=("Middle-earth/Shire",),
    ),
    "a night in which the clocks are set back": _now(
        replace(PLAIN, start=at("10-24 23:00"), length=8 * HOUR),
        bookings=(booking("10-24 21:00", minutes=540),),
    ),
    "an hour that comes twice is the first": _now(
        replace(PLAIN, start=at("10-25 02:30"), length=15 * MINUTE),
        bookings=(booking("10-25 00:30", minutes=15),),
    ),
    "an event without an organizer": _now(
        replace(PLAIN, organizer=None),
        bookings=(booking("10-13 07:00", organizer="", organizer_name=""),),
    ),
    "an organizer written in capitals": _now(
        replace(PLAIN, organizer=Person(mail="Grace.Hopper@Example.ORG", name="Grace Hopper")),
        bookings=(
            booking(
                "10-13 07:00", organizer="grace.hopper@example.org", organizer_name="Grace Hopper"
            ),
        ),
    ),
    "a title of many scripts": _now(
        replace(PLAIN, title="Größe & 会議 <b>👩‍👩‍👧‍👦</b> Привет"),
        bookings=(booking("10-13 07:00", title="Größe & 会議 <b>👩‍👩‍👧‍👦</b> Привет"),),
    ),
    "a title with every mark that separates": _now(
        replace(PLAIN, title='One, two; "three": four\\five'),
        bookings=(booking("10-13 07:00", title='One, two; "three": four\\five'),),
    ),
    "a very long title is cut": _now(
        replace(PLAIN, title=LONG_TITLE),
        bookings=(booking("10-13 07:00", title=LONG_TITLE[:500]),),
    ),
    "a private event": _now(
        replace(PLAIN, private=True), bookings=(booking("10-13 07:00", private=True),)
    ),
    "two events at the same time": _now(
        PLAIN,
        replace(PLAIN, id="two@example.org", title="Review"),
        bookings=(
            booking("10-13 07:00"),
            booking("10-13 07:00", uid="two@example.org", title="Review"),
        ),
    ),
    "an event that is over": _now(replace(PLAIN, start=at("09-01 09:00"))),
}

NO_BOOKING: Mapping[str, Situation] = {
    "an all-day event": _now(
        replace(PLAIN, start=at("10-13 00:00"), length=timedelta(days=1), all_day=True),
        skipped=(("aula", "lasts all day"),),
    ),
    "three whole days": _now(
        replace(PLAIN, start=at("10-13 00:00"), length=timedelta(days=3), all_day=True),
        skipped=(("aula", "lasts all day"),),
    ),
    "a tentative event": _now(
        replace(PLAIN, busy=Busy.TENTATIVE), skipped=(("aula", "tentative"),)
    ),
    "an event shown as free": _now(
        replace(PLAIN, busy=Busy.FREE), skipped=(("aula", "shown as free"),)
    ),
    "declined by the room": _now(
        replace(PLAIN, answer=Answer.DECLINED), skipped=(("aula", "declined by the room"),)
    ),
    "accepted tentatively by the room": _now(
        replace(PLAIN, answer=Answer.TENTATIVE), skipped=(("aula", "tentative"),)
    ),
    "a cancelled event": _now(replace(PLAIN, cancelled=True), skipped=(("aula", "cancelled"),)),
    "cancelled by its title alone": _now(
        replace(PLAIN, title="Canceled: Planning"), skipped=(("aula", "cancelled"),)
    ),
    "cancelled twice, in two languages": _now(
        replace(PLAIN, title="Canceled: Abgesagt: Planning"), skipped=(("aula", "cancelled"),)
    ),
    "a Teams link": _now(
        replace(PLAIN, link="https://teams.microsoft.com/l/meetup-join/19%3ameeting_x"),
        skipped=(("aula", "carries another video link"),),
    ),
    "an event of no length": _now(
        replace(PLAIN, length=timedelta(0)), skipped=(("aula", "has no length"),)
    ),
    "an event longer than a conference may be": _now(
        replace(PLAIN, length=13 * HOUR), skipped=(("aula", "longer than max_duration"),)
    ),
}

SERIES: Mapping[str, Situation] = {
    "a weekly series keeps its wall time when the clocks are set back": _now(
        WEEKLY, bookings=series("10-13 07:00", "10-20 07:00", "10-27 08:00")
    ),
    "a series without end": _now(
        replace(WEEKLY, start=at("2019-01-01 09:00"), repeats=Repeats(every=Every.WEEK)),
        bookings=series("10-13 07:00", "10-20 07:00", "10-27 08:00", "11-03 08:00", "11-10 08:00"),
    ),
    "a yearly series": _now(
        replace(WEEKLY, start=at("2019-10-20 09:00"), repeats=Repeats(every=Every.YEAR)),
        bookings=series("10-20 07:00"),
    ),
    "the last Friday of each month": _now(
        replace(
            WEEKLY,
            start=at("2026-01-30 09:00"),
            repeats=Repeats(every=Every.MONTH, on=(4,), nth=-1),
        ),
        bookings=series("10-30 08:00"),
    ),
    "every working day up to a day": _now(
        replace(
            WEEKLY,
            start=at("10-15 09:00"),
            repeats=Repeats(every=Every.WEEK, on=(0, 1, 2, 3, 4), until=date(2026, 10, 20)),
        ),
        bookings=series("10-15 07:00", "10-16 07:00", "10-19 07:00", "10-20 07:00"),
    ),
    "every second day": _now(
        replace(WEEKLY, repeats=Repeats(every=Every.DAY, interval=2, times=3)),
        bookings=series("10-13 07:00", "10-15 07:00", "10-17 07:00"),
    ),
    "a series that is over": _now(
        replace(WEEKLY, start=at("2026-08-04 09:00")),
    ),
    "a moved occurrence": _now(
        replace(WEEKLY, changed=(Changed(of=at("10-20 09:00"), start=at("10-21 15:00")),)),
        bookings=(
            *series("10-13 07:00"),
            booking("10-21 13:00", of="10-20 07:00"),
            *series("10-27 08:00"),
        ),
    ),
    "an occurrence moved past the next one": _now(
        replace(WEEKLY, changed=(Changed(of=at("10-20 09:00"), start=at("10-28 15:00")),)),
        bookings=(
            *series("10-13 07:00", "10-27 08:00"),
            booking("10-28 14:00", of="10-20 07:00"),
        ),
    ),
    "an occurrence made longer": _now(
        replace(WEEKLY, changed=(Changed(of=at("10-20 09:00"), length=2 * HOUR),)),
        bookings=(
            *series("10-13 07:00"),
            *series("10-20 07:00", minutes=120),
            *series("10-27 08:00"),
        ),
    ),
    "a renamed occurrence": _now(
        replace(WEEKLY, changed=(Changed(of=at("10-20 09:00"), title="Review"),)),
        bookings=(
            *series("10-13 07:00"),
            *series("10-20 07:00", title="Review"),
            *series("10-27 08:00"),
        ),
    ),
    "an occurrence taken out": _now(
        replace(WEEKLY, changed=(Changed(of=at("10-20 09:00"), removed=True),)),
        bookings=series("10-13 07:00", "10-27 08:00"),
    ),
    "a room invited to one occurrence of a series": _now(
        replace(PLAIN, start=at("10-20 11:00"), part_of=at("10-20 09:00")),
        bookings=(booking("10-20 09:00", of="10-20 07:00"),),
    ),
    "a private series": _now(
        replace(WEEKLY, private=True),
        bookings=series("10-13 07:00", "10-20 07:00", "10-27 08:00", private=True),
    ),
}

_PAIR = replace(WEEKLY, rooms=("aula", "boardroom"))
_OUTLOOK = replace(BOTH, id=GLOBAL_ID.format(date="00000000"))
_AS_BOARDROOM_HAS_IT = replace(_OUTLOOK, id=GLOBAL_ID.format(date="07EA0A0D").lower())
_STRANGER = replace(BOTH, organizer=Person(mail="mallory@example.org", name="Mallory"))
_LATER = replace(BOTH, start=at("10-13 14:00"), revision=1)

TOGETHER: Mapping[str, Situation] = {
    "two rooms in one invitation": Situation(
        then=(invited(BOTH),), bookings=(booking("10-13 07:00", rooms=("aula", "boardroom")),)
    ),
    "two rooms in a series with a moved occurrence": Situation(
        then=(
            invited(
                replace(_PAIR, changed=(Changed(of=at("10-20 09:00"), start=at("10-21 15:00")),))
            ),
        ),
        bookings=(
            *series("10-13 07:00", rooms=("aula", "boardroom")),
            booking("10-21 13:00", of="10-20 07:00", rooms=("aula", "boardroom")),
            *series("10-27 08:00", rooms=("aula", "boardroom")),
        ),
    ),
    "one room in a series, another in one occurrence of it": Situation(
        then=(
            {
                "aula": (WEEKLY,),
                "boardroom": (
                    replace(
                        PLAIN,
                        start=at("10-20 09:00"),
                        part_of=at("10-20 09:00"),
                        rooms=("boardroom",),
                    ),
                ),
            },
        ),
        bookings=(
            *series("10-13 07:00"),
            *series("10-20 07:00", rooms=("aula", "boardroom")),
            *series("10-27 08:00"),
        ),
    ),
    "one of two rooms declined": Situation(
        then=({"aula": (BOTH,), "boardroom": (replace(BOTH, answer=Answer.DECLINED),)},),
        bookings=(booking("10-13 07:00"),),
        skipped=(("boardroom", "declined by the room"),),
    ),
    "one id in two spellings": Situation(
        then=({"aula": (_OUTLOOK,), "boardroom": (_AS_BOARDROOM_HAS_IT,)},),
        bookings=(booking("10-13 07:00", uid=_OUTLOOK.id, rooms=("aula", "boardroom")),),
    ),
    "one id of two organizers belongs to the first": Situation(
        then=({"aula": (BOTH,)}, {"aula": (BOTH,), "boardroom": (_STRANGER,)}),
        bookings=(booking("10-13 07:00"),),
        skipped=(("boardroom", "its UID belongs to another organizer"),),
    ),
    "private in one room is private in all": Situation(
        then=({"aula": (BOTH,), "boardroom": (replace(BOTH, private=True),)},),
        bookings=(booking("10-13 07:00", private=True, rooms=("aula", "boardroom")),),
    ),
}

CHANGES: Mapping[str, Situation] = {
    "an update moves an event": Situation(
        then=(invited(BOTH), invited(_LATER)),
        bookings=(booking("10-13 12:00", rooms=("aula", "boardroom")),),
    ),
    "an update has reached one room alone": Situation(
        then=(
            invited(BOTH),
            {"aula": (_LATER,), "boardroom": (BOTH,)},
            {"aula": (_LATER,), "boardroom": (BOTH,)},
        ),
        bookings=(booking("10-13 12:00"),),
        skipped=(("boardroom", "its copy names another time than the newest revision"),),
    ),
    "an answer that an update has reset": Situation(
        then=(
            invited(PLAIN),
            invited(
                replace(
                    PLAIN,
                    start=at("10-13 14:00"),
                    revision=1,
                    answer=Answer.UNANSWERED,
                    busy=Busy.TENTATIVE,
                )
            ),
        ),
        bookings=(booking("10-13 12:00"),),
    ),
    "an event that is cancelled": Situation(
        then=(invited(PLAIN), invited(replace(PLAIN, cancelled=True, revision=1))),
        skipped=(("aula", "cancelled"),),
    ),
    "an event that is deleted": Situation(then=(invited(PLAIN), {"aula": ()})),
    "an event that is renamed": Situation(
        then=(invited(PLAIN), invited(replace(PLAIN, title="Review", revision=1))),
        bookings=(booking("10-13 07:00", title="Review"),),
    ),
    "a room that is taken out": Situation(
        then=(invited(BOTH), {"aula": (replace(BOTH, rooms=("aula",)),), "boardroom": ()}),
        bookings=(booking("10-13 07:00"),),
    ),
    "a series that moves to another hour": Situation(
        then=(
            invited(WEEKLY),
            invited(replace(WEEKLY, start=at("10-13 11:00"), revision=1)),
        ),
        bookings=series("10-13 09:00", "10-20 09:00", "10-27 10:00"),
    ),
    "a series that moves to another day": Situation(
        then=(
            invited(WEEKLY),
            invited(replace(WEEKLY, start=at("10-14 09:00"), revision=1)),
        ),
        bookings=series("10-14 07:00", "10-21 07:00", "10-28 08:00"),
    ),
    "a series that is cut short": Situation(
        then=(
            invited(WEEKLY),
            invited(replace(WEEKLY, repeats=Repeats(every=Every.WEEK, times=2), revision=1)),
        ),
        bookings=series("10-13 07:00", "10-20 07:00"),
    ),
    "a moved occurrence that is moved back": Situation(
        then=(
            invited(
                replace(WEEKLY, changed=(Changed(of=at("10-20 09:00"), start=at("10-21 15:00")),))
            ),
            invited(replace(WEEKLY, revision=1)),
        ),
        bookings=series("10-13 07:00", "10-20 07:00", "10-27 08:00"),
    ),
}

SITUATIONS: Mapping[str, Situation] = SINGLE | NO_BOOKING | SERIES | TOGETHER | CHANGES
