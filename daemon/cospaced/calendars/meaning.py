"""What the properties of a VEVENT mean to a room, apart from its times and recurrence."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cospaced.calendars.properties import Property, first
from cospaced.calendars.quirks import cancelled_title, other_video
from cospaced.domain.calendar import Answer, Busy


_ANSWERS = {
    "ACCEPTED": Answer.ACCEPTED,
    "COMPLETED": Answer.ACCEPTED,
    "TENTATIVE": Answer.TENTATIVE,
    "DECLINED": Answer.DECLINED,
}
_LONGEST_TITLE = 500
_STAMP = re.compile(r"\d{8}T\d{6}Z?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """The fields of `Occurrence` that all instances of one VEVENT share."""

    title: str
    organizer: str
    organizer_name: str
    sequence: int
    stamp: datetime | None
    busy: Busy
    answer: Answer
    cancelled: bool
    private: bool
    other_video: bool


def meaning(properties: Sequence[Property], address: str = "", method: str = "") -> Meaning:
    """Read them. `address` is the room's own, `method` the calendar's METHOD."""
    title, told = cancelled_title.strip(_text(properties, "SUMMARY"))
    organizer = first(properties, "ORGANIZER")
    return Meaning(
        title=" ".join(title.split())[:_LONGEST_TITLE],
        organizer=_mail(organizer),
        organizer_name=organizer.parameter("CN").strip() if organizer else "",
        sequence=sequence(properties),
        stamp=stamp(properties),
        busy=_busy(properties),
        answer=_answer(properties, address.lower()),
        cancelled=told or _word(properties, "STATUS") == "CANCELLED" or method == "CANCEL",
        private=_word(properties, "CLASS") in ("PRIVATE", "CONFIDENTIAL"),
        other_video=first(properties, other_video.MARK) is not None,
    )


def sequence(properties: Sequence[Property]) -> int:
    """Return SEQUENCE; 0 where it is missing or no number."""
    text = _word(properties, "SEQUENCE")
    return int(text) if text.isdecimal() and len(text) < 10 else 0  # noqa: PLR2004 - fits anywhere


def stamp(properties: Sequence[Property]) -> datetime | None:
    """Return DTSTAMP, which is in UTC (RFC 5545, section 3.8.7.2), or None."""
    text = _word(properties, "DTSTAMP")
    if not _STAMP.fullmatch(text):
        return None
    try:
        return datetime.strptime(text.rstrip("Z"), "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def _text(properties: Sequence[Property], name: str) -> str:
    prop = first(properties, name)
    return prop.text if prop else ""


def _word(properties: Sequence[Property], name: str) -> str:
    prop = first(properties, name)
    return prop.value.upper() if prop else ""


def _mail(prop: Property | None) -> str:
    if prop is None:
        return ""
    value = prop.value.strip().lower()
    return value.removeprefix("mailto:").strip() if "@" in value else ""


def _busy(properties: Sequence[Property]) -> Busy:
    shown = _word(properties, "X-MICROSOFT-CDO-BUSYSTATUS")
    if _word(properties, "TRANSP") == "TRANSPARENT" or shown == "FREE":
        return Busy.FREE
    if shown == "TENTATIVE" or _word(properties, "STATUS") == "TENTATIVE":
        return Busy.TENTATIVE
    return Busy.BUSY


def _answer(properties: Sequence[Property], address: str) -> Answer:
    attendees = [prop for prop in properties if prop.name == "ATTENDEE"]
    own = [prop for prop in attendees if address and _mail(prop) == address]
    if not own:
        rooms = [p for p in attendees if p.parameter("CUTYPE").upper() in ("ROOM", "RESOURCE")]
        # Which of several rooms is this one only its address tells.
        own = rooms if len(rooms) == 1 and not address else []
    if not own:
        return Answer.NONE
    return _ANSWERS.get(own[0].parameter("PARTSTAT").upper(), Answer.UNANSWERED)
