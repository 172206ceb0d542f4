"""A person's event as an item of an Exchange mailbox, whatever Exchange is asked by."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta, timezone, tzinfo

from cospaced.domain import calendar
from cospaced.exchange_simulator.records import (
    Answer,
    Busy,
    Content,
    Item,
    Person,
    Sensitivity,
    shifted,
)
from cospaced.exchange_simulator.recurrence import (
    DAYS,
    AbsoluteMonthly,
    AbsoluteYearly,
    Daily,
    Pattern,
    Recurrence,
    RelativeMonthly,
    Weekly,
)
from cospaced.exchange_simulator.state import Mailbox, State
from cospaced.exchange_simulator.zones import zone
from support.events import Changed, Event, Every, OwnZone, Repeats
from support.icalendar_writer import address_of


LACKS = {
    "an event in a zone that nobody knows": "Exchange keeps moments, and knows its zones",
    "an event without an organizer": "an item of Exchange without one is its mailbox's own",
}
_WRITTEN = datetime(2026, 10, 1, tzinfo=UTC)
_ANSWERS = {
    calendar.Answer.NONE: Answer.UNKNOWN,
    calendar.Answer.UNANSWERED: Answer.UNANSWERED,
    calendar.Answer.ACCEPTED: Answer.ACCEPT,
    calendar.Answer.TENTATIVE: Answer.TENTATIVE,
    calendar.Answer.DECLINED: Answer.DECLINE,
}
_BUSY = {
    calendar.Busy.BUSY: Busy.BUSY,
    calendar.Busy.TENTATIVE: Busy.TENTATIVE,
    calendar.Busy.FREE: Busy.FREE,
}
_INDEXES = {1: "First", 2: "Second", 3: "Third", 4: "Fourth", -1: "Last"}


def put(state: State, box: Mailbox, event: Event) -> None:
    """Put an event into a mailbox, in place of one with its id."""
    known = held(box, event.id)
    new = _item(state, event)
    if known is None:
        state.add(box, new)
    else:
        for name in ("content", "recurrence", "overrides", "deleted", "orphan_of", "sequence"):
            setattr(known, name, getattr(new, name))
        state.touch(box, known)
        new = known
    new.modified = _WRITTEN + timedelta(minutes=event.revision)


def held(box: Mailbox, event_id: str) -> Item | None:
    """Return the item of an event, or None."""
    return next((item for item in box.items.values() if item.uid == event_id), None)


def _item(state: State, event: Event) -> Item:
    named = event.zone if isinstance(event.zone, str) else "UTC"
    person = event.organizer
    item = state.make_item(
        uid=event.id,
        organizer=Person(
            address=person.mail if person else f"{event.rooms[0]}@example.org",
            name=person.name if person else "",
        ),
        content=_content(event),
        zone=named,
        recurrence=_recurrence(event),
        sequence=event.revision,
    )
    if event.part_of is not None:
        item.orphan_of = event.part_of.replace(tzinfo=_zone(event)).astimezone(UTC)
    for changed in event.changed:
        _change(item, changed, _zone(event))
    return item


def _zone(event: Event) -> tzinfo:
    if isinstance(event.zone, OwnZone):
        # All that is written in such a zone lies in summer.
        return timezone(event.zone.daylight)
    assert isinstance(event.zone, str)
    return zone(event.zone)


def _content(event: Event) -> Content:
    own = _zone(event)
    start = event.start.replace(tzinfo=own)
    return Content(
        start=start.astimezone(UTC).astimezone(own),
        end=(event.start + event.length).replace(tzinfo=own).astimezone(UTC).astimezone(own),
        subject=event.title,
        body=f'<a href="{event.link}">{event.link}</a>' if event.link else "",
        all_day=event.all_day,
        sensitivity=Sensitivity.PRIVATE if event.private else Sensitivity.NORMAL,
        busy=_BUSY[event.busy],
        answer=_ANSWERS[event.answer],
        cancelled=event.cancelled,
        resources=tuple(Person(address=address_of(room)) for room in event.rooms),
    )


def _change(item: Item, changed: Changed, own: tzinfo) -> None:
    planned = changed.of.replace(tzinfo=own).astimezone(UTC)
    if changed.removed:
        item.deleted.add(planned)
        return
    content = shifted(item.content, planned)
    if changed.start is not None:
        content = shifted(content, changed.start.replace(tzinfo=own))
    if changed.length is not None:
        content = replace(content, end=content.start + changed.length)
    if changed.title is not None:
        content = replace(content, subject=changed.title)
    item.overrides[planned] = content


def _recurrence(event: Event) -> Recurrence | None:
    repeats = event.repeats
    if repeats is None:
        return None
    until = repeats.until
    assert until is None or datetime.combine(until, time()) >= event.start.replace(hour=0)
    return Recurrence(pattern=_pattern(event.start, repeats), until=until, number=repeats.times)


def _pattern(start: datetime, repeats: Repeats) -> Pattern:
    days = " ".join(DAYS[day] for day in repeats.on or (start.weekday(),))
    match repeats.every:
        case Every.DAY:
            return Daily(interval=repeats.interval)
        case Every.WEEK:
            return Weekly(days=days, interval=repeats.interval)
        case Every.MONTH if repeats.nth:
            return RelativeMonthly(
                days=days, index=_INDEXES[repeats.nth], interval=repeats.interval
            )
        case Every.MONTH:
            return AbsoluteMonthly(day=start.day, interval=repeats.interval)
        case Every.YEAR:
            return AbsoluteYearly(day=start.day, month=f"{start:%B}")
