"""How single fields of a calendar item are written; `fields` says in which order."""

import base64
from collections.abc import Callable, Container
from dataclasses import dataclass

from cospaced.exchange_simulator.expansion import numbered, occurrence
from cospaced.exchange_simulator.identity import dated, object_id, occurrence_id
from cospaced.exchange_simulator.knobs import Knobs
from cospaced.exchange_simulator.markup import escaped, tag, text, written
from cospaced.exchange_simulator.records import Answer, Content, Kind, Person, Shown
from cospaced.exchange_simulator.shapes import ExtendedField, Known, Shape
from cospaced.exchange_simulator.state import Mailbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Where items are shown: whose they are, what was asked for, and by which operation."""

    box: Mailbox
    shape: Shape
    knobs: Knobs
    found: bool
    """True: by FindItem or SyncFolderItems, which tell less."""
    directory: Container[str]
    """The addresses that have a mailbox here, and so a name in the directory."""


Writer = Callable[[Shown, Page], str]
"""Returns ready markup, empty where an item has no such field."""

_MEETING, _RECEIVED, _CANCELLED = 1, 2, 4


def item_id(shown: Shown) -> str:
    """Return the id of an item or an occurrence."""
    if shown.planned is None:
        return shown.item.id
    return occurrence_id(shown.item.id, shown.planned)


def parent(shown: Shown, page: Page) -> str:
    """Return the folder that it stands in."""
    del shown
    return tag("t:ParentFolderId", Id=page.box.folders["calendar"])


def item_id_markup(shown: Shown) -> str:
    """Return `t:ItemId`; occurrences share their master's change key."""
    return tag("t:ItemId", Id=item_id(shown), ChangeKey=shown.item.change_key)


def _person(name: str, person: Person, *inside: str) -> str:
    mailbox = tag(
        "t:Mailbox",
        text("t:Name", person.shown_name),
        text("t:EmailAddress", person.address),
        text("t:RoutingType", "SMTP"),
        text("t:MailboxType", "Mailbox"),
    )
    return tag(name, mailbox, *inside)


def organizer(shown: Shown, page: Page) -> str:
    """Return the organizer: by mail address, or in lists by directory name."""
    person = shown.item.organizer
    if page.found and person.address.lower() in page.directory:
        common = f"/o=Simulated/ou=Exchange Administrative Group/cn=Recipients/cn={person.address}"
        mailbox = (
            text("t:Name", person.shown_name)
            + text("t:EmailAddress", common)
            + text("t:RoutingType", "EX")
        )
        return tag("t:Organizer", tag("t:Mailbox", mailbox))
    return _person("t:Organizer", person)


def people(element: str, of: Callable[[Content], tuple[Person, ...]]) -> Writer:
    """Return a writer of attendees; none at all make no element."""

    def write(shown: Shown, page: Page) -> str:
        del page
        people = of(shown.content)
        return tag(element, *(_attendee(one) for one in people)) if people else ""

    return write


def _attendee(person: Person) -> str:
    at = text("t:LastResponseTime", person.answered_at) if person.answered_at is not None else ""
    return _person("t:Attendee", person, text("t:ResponseType", person.answer), at)


def body(shown: Shown, page: Page) -> str:
    """Return the body in the type that was asked for."""
    content = shown.content
    html = content.html if page.shape.body_type == "Best" else page.shape.body_type == "HTML"
    body = content.body
    if html and not content.html:
        body = f"<html><body>{escaped(body)}</body></html>"
    return tag("t:Body", escaped(body), BodyType="HTML" if html else "Text")


def text_body(shown: Shown, page: Page) -> str:
    """Return the body as text."""
    del page
    return tag("t:TextBody", escaped(shown.content.body), BodyType="Text")


def categories(shown: Shown, page: Page) -> str:
    """Return the categories, if there are any."""
    del page
    names = shown.content.categories
    return tag("t:Categories", *(text("t:String", name) for name in names)) if names else ""


def extended(shown: Shown, page: Page) -> str:
    """Return the MAPI properties that were asked for and are known."""
    return "".join(_property(shown, asked) for asked in page.shape.extended)


def _property(shown: Shown, asked: ExtendedField) -> str:
    told = _told(shown, asked)
    if not told:
        return ""
    field = tag("t:ExtendedFieldURI", **asked.attributes)
    return tag("t:ExtendedProperty", field, text("t:Value", told))


def _told(shown: Shown, asked: ExtendedField) -> str:
    """Return the value of a MAPI property as EWS writes it; empty where an event has none."""
    item, planned = shown.item, shown.planned or shown.item.orphan_of
    clean = object_id(item.uid)
    match asked.known:
        case Known.GLOBAL_OBJECT_ID if planned is not None:
            day = planned.astimezone(item.content.start.tzinfo).date()
            return base64.b64encode(dated(clean, day)).decode()
        case Known.GLOBAL_OBJECT_ID | Known.CLEAN_GLOBAL_OBJECT_ID:
            return base64.b64encode(clean).decode()
        case Known.OWNER_CRITICAL_CHANGE:
            return written(item.modified)
        case Known.EXCEPTION_REPLACE_TIME if planned is not None:
            return written(planned)
        case _:
            return ""


def uid(shown: Shown, page: Page) -> str:
    """Return the UID; that of an orphan may carry its date."""
    item = shown.item
    if item.orphan_of is None or not page.knobs.dated_orphan_uid:
        return text("t:UID", item.uid)
    day = item.orphan_of.astimezone(item.content.start.tzinfo).date()
    return text("t:UID", dated(object_id(item.uid), day).hex().upper())


def planned(element: str) -> Writer:
    """Return a writer of an occurrence's planned start."""
    return lambda shown, _: text(element, shown.planned) if shown.planned is not None else ""


def is_meeting(shown: Shown) -> bool:
    """Whether somebody is invited, or it came by invitation."""
    return bool(shown.content.invited) or shown.content.answer is not Answer.ORGANIZER


def appointment_state(shown: Shown, page: Page) -> str:
    """Return the bits for: has attendees, came by invitation, is cancelled."""
    del page
    content = shown.content
    value = _MEETING if is_meeting(shown) else 0
    if content.answer is not Answer.ORGANIZER:
        value |= _RECEIVED
    return text("t:AppointmentState", value | (_CANCELLED if content.cancelled else 0))


def modified(shown: Shown, page: Page) -> str:
    """Return when it was changed last; a changed occurrence has a time of its own."""
    del page
    at = shown.item.overridden_at.get(shown.planned) if shown.planned is not None else None
    return text("t:LastModifiedTime", at or shown.item.modified)


def of_master(write: Callable[[Shown], str]) -> Writer:
    """Return a writer for what only a series has."""
    return lambda shown, _: write(shown) if shown.kind is Kind.MASTER else ""


def recurrence(shown: Shown) -> str:
    """Return pattern and range."""
    recurrence = shown.item.recurrence
    return recurrence.markup(shown.item.content.start) if recurrence is not None else ""


def _occurrence_info(element: str, shown: Shown) -> str:
    return tag(
        element,
        item_id_markup(shown),
        text("t:Start", shown.content.start),
        text("t:End", shown.content.end),
        text("t:OriginalStart", shown.planned),
    )


def first_occurrence(shown: Shown) -> str:
    """Return the first occurrence."""
    planned = numbered(shown.item, 1)
    if planned is None:
        return ""
    return _occurrence_info("t:FirstOccurrence", occurrence(shown.item, planned))


def last_occurrence(shown: Shown) -> str:
    """Return the last occurrence of a series that ends."""
    recurrence, start = shown.item.recurrence, shown.item.content.start
    if recurrence is None or (recurrence.until is None and recurrence.number is None):
        return ""
    last = None
    for last in recurrence.starts(start):  # noqa: B007 - the last one is wanted
        pass
    if last is None:
        return ""
    return _occurrence_info("t:LastOccurrence", occurrence(shown.item, last))


def modified_occurrences(shown: Shown) -> str:
    """Return the occurrences that say something of their own."""
    item = shown.item
    if not item.overrides:
        return ""
    infos = (
        _occurrence_info("t:Occurrence", occurrence(item, planned))
        for planned in sorted(item.overrides)
    )
    return tag("t:ModifiedOccurrences", *infos)


def deleted_occurrences(shown: Shown) -> str:
    """Return the planned starts of deleted occurrences."""
    gone = sorted(shown.item.deleted)
    if not gone:
        return ""
    starts = (tag("t:DeletedOccurrence", text("t:Start", one)) for one in gone)
    return tag("t:DeletedOccurrences", *starts)


def zone(element: str) -> Writer:
    """Return a writer of the time zone."""
    return lambda shown, _: tag(element, Id=shown.item.zone, Name=shown.item.zone)


def duration(shown: Shown, page: Page) -> str:
    """Return the length in minutes."""
    del page
    minutes = int((shown.content.end - shown.content.start).total_seconds() // 60)
    return text("t:Duration", f"PT{minutes}M")


def plain(element: str, of: Callable[[Shown], object]) -> Writer:
    """Return a writer of one value."""
    return lambda shown, _: text(element, of(shown))
