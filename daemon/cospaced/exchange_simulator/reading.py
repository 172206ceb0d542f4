"""Calendar items as clients write them: elements of CreateItem and UpdateItem made into values."""

import xml.etree.ElementTree as ET
from collections.abc import Callable
from datetime import date
from typing import Any

from cospaced.exchange_simulator.markup import content, every, first, instant, local
from cospaced.exchange_simulator.records import Answer, Busy, Person, Sensitivity
from cospaced.exchange_simulator.recurrence import (
    AbsoluteMonthly,
    AbsoluteYearly,
    Daily,
    Pattern,
    Recurrence,
    RelativeMonthly,
    RelativeYearly,
    Weekly,
)
from cospaced.exchange_simulator.refusals import Refusal


def changes_of(item: ET.Element) -> dict[str, Any]:
    """Return fields of Content (and `recurrence`, `zone`) from a `t:CalendarItem`; Refusal."""
    found: dict[str, Any] = {}
    for element in item:
        read = _READERS.get(local(element))
        if read is None:
            continue
        try:
            found.update(read(element))
        except ValueError as error:
            reason = f"{local(element)} cannot be read: {error}"
            raise Refusal("ErrorInvalidPropertySet", reason) from error
    return found


def cleared(uri: str) -> dict[str, Any]:
    """Return what deleting a field by its URI makes of Content; Refusal where it must stay."""
    if uri not in _CLEARED:
        raise Refusal("ErrorInvalidPropertyDelete", f"{uri} cannot be deleted.")
    return dict([_CLEARED[uri]])


def is_true(value: str | None) -> bool:
    """Return an XML boolean's value."""
    return (value or "").strip() in ("1", "true")


_Reader = Callable[[ET.Element], dict[str, Any]]


def _value(name: str, read: Callable[[str], object] = str) -> _Reader:
    return lambda element: {name: read((element.text or "").strip())}


def _subject(element: ET.Element) -> dict[str, Any]:
    return {"subject": element.text or ""}


def _body(element: ET.Element) -> dict[str, Any]:
    return {"body": element.text or "", "html": element.get("BodyType") == "HTML"}


def _people(name: str) -> _Reader:
    def read(element: ET.Element) -> dict[str, Any]:
        return {name: tuple(_person(one) for one in every(element, "t:Attendee"))}

    return read


def _person(attendee: ET.Element) -> Person:
    address = content(attendee, "t:Mailbox/t:EmailAddress")
    if not address:
        raise ValueError("an attendee has no address")
    return Person(
        address=address.lower(),
        name=content(attendee, "t:Mailbox/t:Name"),
        answer=Answer(content(attendee, "t:ResponseType", Answer.UNKNOWN)),
    )


def _categories(element: ET.Element) -> dict[str, Any]:
    return {"categories": tuple(one.text or "" for one in every(element, "t:String"))}


def _zone(element: ET.Element) -> dict[str, Any]:
    return {"zone": element.get("Id", "")}


def _recurrence(element: ET.Element) -> dict[str, Any]:
    if len(element) != len(("pattern", "range")):
        raise ValueError("a recurrence is a pattern and a range")
    pattern, extent = element
    until = content(extent, "t:EndDate")
    number = content(extent, "t:NumberOfOccurrences")
    recurrence = Recurrence(
        pattern=_pattern(pattern),
        until=date.fromisoformat(until[:10]) if until else None,
        number=int(number) if number else None,
    )
    return {"recurrence": recurrence}


def _pattern(element: ET.Element) -> Pattern:
    interval = int(content(element, "t:Interval", "1"))
    days = content(element, "t:DaysOfWeek")
    index = content(element, "t:DayOfWeekIndex")
    month = content(element, "t:Month")
    day = int(content(element, "t:DayOfMonth", "1"))
    match local(element):
        case "DailyRecurrence":
            return Daily(interval=interval)
        case "WeeklyRecurrence":
            first_day = content(element, "t:FirstDayOfWeek", "Sunday")
            return Weekly(interval=interval, days=days, first_day=first_day)
        case "AbsoluteMonthlyRecurrence":
            return AbsoluteMonthly(interval=interval, day=day)
        case "RelativeMonthlyRecurrence":
            return RelativeMonthly(interval=interval, days=days, index=index)
        case "AbsoluteYearlyRecurrence":
            return AbsoluteYearly(day=day, month=month)
        case "RelativeYearlyRecurrence":
            return RelativeYearly(days=days, index=index, month=month)
        case other:
            raise ValueError(f"{other} is no pattern of calendar items")


_READERS: dict[str, _Reader] = {
    "Subject": _subject,
    "Sensitivity": _value("sensitivity", Sensitivity),
    "Body": _body,
    "Categories": _categories,
    "Start": _value("start", instant),
    "End": _value("end", instant),
    "IsAllDayEvent": _value("all_day", is_true),
    "LegacyFreeBusyStatus": _value("busy", Busy),
    "Location": _value("location"),
    "RequiredAttendees": _people("required"),
    "OptionalAttendees": _people("optional"),
    "Resources": _people("resources"),
    "Recurrence": _recurrence,
    "StartTimeZone": _zone,
    "IsOnlineMeeting": _value("online", is_true),
}

_CLEARED: dict[str, tuple[str, Any]] = {
    "item:Subject": ("subject", ""),
    "item:Body": ("body", ""),
    "item:Categories": ("categories", ()),
    "calendar:Location": ("location", ""),
    "calendar:RequiredAttendees": ("required", ()),
    "calendar:OptionalAttendees": ("optional", ()),
    "calendar:Resources": ("resources", ()),
    "calendar:Recurrence": ("recurrence", None),
}


def first_item(element: ET.Element) -> ET.Element:
    """Return the `t:CalendarItem` inside; Refusal."""
    found = first(element, "t:CalendarItem")
    if found is None:
        raise Refusal("ErrorInvalidRequest", "Only calendar items live here.")
    return found
