"""An item, or an occurrence of one, as Graph's event resource."""

import html
import re
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any

from cospaced.exchange_simulator.identity import dated, object_id, occurrence_id
from cospaced.exchange_simulator.records import Answer, Busy, Item, Kind, Person, Shown
from cospaced.exchange_simulator.state import Mailbox


SEQUENCE = "Integer {00062002-0000-0000-c000-000000000046} Id 0x8201"
REPLACES = "SystemTime {00062002-0000-0000-c000-000000000046} Id 0x8228"
STAMP = "SystemTime {6ed8da90-450b-101b-98da-00aa003f1305} Id 0x1a"
ALWAYS = ("@odata.etag", "id")
THIN = (*ALWAYS, "seriesMasterId", "type", "start", "end")
"""All that a delta says of a mere occurrence."""

_KINDS = {
    Kind.SINGLE: "singleInstance",
    Kind.MASTER: "seriesMaster",
    Kind.OCCURRENCE: "occurrence",
    Kind.EXCEPTION: "exception",
}
_ANSWERS = {
    Answer.UNKNOWN: "none",
    Answer.ORGANIZER: "organizer",
    Answer.TENTATIVE: "tentativelyAccepted",
    Answer.ACCEPT: "accepted",
    Answer.DECLINE: "declined",
    Answer.UNANSWERED: "notResponded",
}
_BUSY = {
    Busy.FREE: "free",
    Busy.TENTATIVE: "tentative",
    Busy.BUSY: "busy",
    Busy.AWAY: "oof",
    Busy.ELSEWHERE: "workingElsewhere",
}
_TAGS = re.compile(r"<[^>]*>")


def identity(shown: Shown, *, immutable: bool) -> str:
    """Return an event's id; an immutable one is another, and is kept when an item moves."""
    item = shown.item
    found = item.id if shown.planned is None else occurrence_id(item.id, shown.planned)
    safe = found.replace("/", "-").replace("+", "_")
    return f"I{safe}" if immutable else safe


def event(shown: Shown, box: Mailbox, preferences: Mapping[str, str]) -> dict[str, Any]:
    """Return every property of an event, as `preferences` (of the Prefer header) want them."""
    item, content = shown.item, shown.content
    immutable = preferences.get("idtype", "") == "ImmutableId"
    series = Shown(item=item, content=item.content, kind=Kind.MASTER)
    text = preferences.get("outlook.body-content-type", "") == "text"
    body = _plain(content.body) if text and content.html else content.body
    online = content.online
    return {
        "@odata.etag": f'W/"{item.change_key}"',
        "id": identity(shown, immutable=immutable),
        "createdDateTime": _instant(item.created),
        "lastModifiedDateTime": _instant(item.modified),
        "changeKey": item.change_key,
        "categories": list(content.categories),
        "originalStartTimeZone": item.zone,
        "originalEndTimeZone": item.zone,
        "originalStart": None if shown.planned is None else _instant(shown.planned),
        "iCalUId": _ical_uid(shown),
        "hasAttachments": False,
        "subject": content.subject,
        "bodyPreview": _plain(content.body)[:255],
        "importance": "normal",
        "sensitivity": content.sensitivity.lower(),
        "isAllDay": content.all_day,
        "isCancelled": content.cancelled,
        "isOrganizer": item.organizer.address.lower() == box.address,
        "seriesMasterId": None if shown.planned is None else identity(series, immutable=immutable),
        "showAs": _BUSY[content.busy],
        "type": _KINDS[shown.kind],
        "isOnlineMeeting": online,
        "onlineMeetingProvider": "teamsForBusiness" if online else "unknown",
        "onlineMeeting": {"joinUrl": "https://teams.microsoft.com/l/meetup-join/19%3a"}
        if online
        else None,
        "responseStatus": {"response": _ANSWERS[content.answer], "time": "0001-01-01T00:00:00Z"},
        "body": {"contentType": "text" if text or not content.html else "html", "content": body},
        "start": _when(content.start, all_day=content.all_day, preferences=preferences),
        "end": _when(content.end, all_day=content.all_day, preferences=preferences),
        "location": {"displayName": content.location, "locationType": "default"},
        "attendees": [
            *(_attendee(one, "required") for one in content.required),
            *(_attendee(one, "optional") for one in content.optional),
            *(_attendee(one, "resource") for one in content.resources),
        ],
        "organizer": _person(item.organizer),
        "singleValueExtendedProperties": list(_extended(item)),
    }


def _extended(item: Item) -> Iterator[dict[str, str]]:
    yield {"id": SEQUENCE, "value": str(item.sequence)}
    yield {"id": STAMP, "value": _instant(item.modified)}
    if item.orphan_of is not None:
        yield {"id": REPLACES, "value": _instant(item.orphan_of)}


def selected(whole: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    """Return what $select asks for; extended properties come only where they are expanded."""
    wanted = {*ALWAYS, *names}
    return {name: value for name, value in whole.items() if name in wanted}


def _ical_uid(shown: Shown) -> str:
    """Return the global object id, which for an occurrence names its day."""
    planned = shown.planned or shown.item.orphan_of
    if planned is None:
        return shown.item.uid
    clean = object_id(shown.item.uid)
    day: date = planned.astimezone(shown.item.content.start.tzinfo).date()
    return dated(clean, day).hex().upper()


def _when(moment: datetime, *, all_day: bool, preferences: Mapping[str, str]) -> dict[str, str]:
    """Return a dateTimeTimeZone; whole days are days whatever zone is asked for."""
    zone = preferences.get("outlook.timezone", "UTC")
    wall = moment.replace(tzinfo=None) if all_day else moment.astimezone(UTC).replace(tzinfo=None)
    return {"dateTime": f"{wall:%Y-%m-%dT%H:%M:%S}.0000000", "timeZone": zone}


def _instant(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _person(person: Person) -> dict[str, Any]:
    return {"emailAddress": {"name": person.shown_name, "address": person.address}}


def _attendee(person: Person, kind: str) -> dict[str, Any]:
    status = {"response": _ANSWERS[person.answer], "time": "0001-01-01T00:00:00Z"}
    return {"type": kind, "status": status, **_person(person)}


def _plain(markup: str) -> str:
    return html.unescape(_TAGS.sub("", markup)).strip()
