"""What stands in a mailbox: items, their contents, the people in them.

A `Content` is what may differ from one occurrence to the next, and is replaced, never changed: the
master has one, each modified occurrence another. `Shown` is one line of an answer.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from cospaced.exchange_simulator.recurrence import Recurrence


class Kind(StrEnum):
    """CalendarItemType."""

    SINGLE = "Single"
    MASTER = "RecurringMaster"
    OCCURRENCE = "Occurrence"
    EXCEPTION = "Exception"


class Answer(StrEnum):
    """ResponseType of an attendee, and MyResponseType."""

    UNKNOWN = "Unknown"
    ORGANIZER = "Organizer"
    TENTATIVE = "Tentative"
    ACCEPT = "Accept"
    DECLINE = "Decline"
    UNANSWERED = "NoResponseReceived"


class Busy(StrEnum):
    """LegacyFreeBusyStatus."""

    FREE = "Free"
    TENTATIVE = "Tentative"
    BUSY = "Busy"
    AWAY = "OOF"
    ELSEWHERE = "WorkingElsewhere"


class Sensitivity(StrEnum):
    """Sensitivity."""

    NORMAL = "Normal"
    PERSONAL = "Personal"
    PRIVATE = "Private"
    CONFIDENTIAL = "Confidential"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody with an address: an organizer or an attendee."""

    address: str
    name: str = ""
    answer: Answer = Answer.UNKNOWN
    answered_at: datetime | None = None

    @property
    def shown_name(self) -> str:
        """The name, or what stands before the @."""
        return self.name or self.address.partition("@")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a single event, a series or one of its occurrences says; times are aware."""

    start: datetime
    end: datetime
    subject: str = ""
    body: str = ""
    html: bool = True
    location: str = ""
    all_day: bool = False
    sensitivity: Sensitivity = Sensitivity.NORMAL
    busy: Busy = Busy.BUSY
    intended: Busy = Busy.BUSY
    """What the organizer wants it to be shown as once it is accepted."""
    answer: Answer = Answer.ORGANIZER
    cancelled: bool = False
    online: bool = False
    categories: tuple[str, ...] = ()
    required: tuple[Person, ...] = ()
    optional: tuple[Person, ...] = ()
    resources: tuple[Person, ...] = ()

    @property
    def invited(self) -> tuple[Person, ...]:
        """Everybody who is invited."""
        return (*self.required, *self.optional, *self.resources)


@dataclass(slots=True, kw_only=True, eq=False)
class Item:
    """An event as one mailbox holds it: a single one, or a series with its changed occurrences.

    Occurrences are known by their planned start in UTC.
    """

    id: str
    change_key: str
    uid: str
    organizer: Person
    content: Content
    zone: str
    """StartTimeZone, as Windows names it."""
    created: datetime
    modified: datetime
    recurrence: Recurrence | None = None
    overrides: dict[datetime, Content] = field(default_factory=dict)
    overridden_at: dict[datetime, datetime] = field(default_factory=dict)
    deleted: set[datetime] = field(default_factory=set)
    orphan_of: datetime | None = None
    """Planned start, where one occurrence alone came to this mailbox, without its series."""
    sequence: int = 0
    created_number: int = 0
    changed_number: int = 0

    @property
    def kind(self) -> Kind:
        """Whether it is a series."""
        return Kind.SINGLE if self.recurrence is None else Kind.MASTER

    def content_at(self, planned: datetime) -> Content:
        """Return what an occurrence says; its wall time is that of the series."""
        key = planned.astimezone(UTC)
        if key in self.overrides:
            return self.overrides[key]
        return shifted(self.content, planned)

    def override(self, planned: datetime, content: Content, now: datetime) -> None:
        """Let one occurrence say something else."""
        self.overrides[planned] = content
        self.overridden_at[planned] = now

    def drop(self, planned: datetime) -> None:
        """Delete one occurrence."""
        self.overrides.pop(planned, None)
        self.overridden_at.pop(planned, None)
        self.deleted.add(planned)

    def edit(self, changes: dict[str, Any]) -> None:
        """Change the whole event: `recurrence`, or any field of Content.

        As in Outlook, a new time or recurrence undoes what was changed and deleted in a series.
        """
        wording = dict(changes)
        recurrence = wording.pop("recurrence", self.recurrence)
        content = changed(self.content, wording)
        wording.pop("start", None)
        wording.pop("end", None)
        moved = (content.start, content.end) != (self.content.start, self.content.end)
        if moved or recurrence != self.recurrence:
            self.overrides.clear()
            self.overridden_at.clear()
            self.deleted.clear()
        for planned, old in self.overrides.items():
            self.overrides[planned] = replace(old, **wording)
        self.content, self.recurrence = content, recurrence


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """An item, or one occurrence of it, as an answer shows it."""

    item: Item
    content: Content
    kind: Kind
    planned: datetime | None = None
    """Planned start of an occurrence, in UTC."""


def shifted(content: Content, start: datetime) -> Content:
    """Return the content of a series at another start; the end keeps its wall time too."""
    zone = content.start.tzinfo
    wall = start.astimezone(zone).replace(tzinfo=None)
    length = content.end.replace(tzinfo=None) - content.start.replace(tzinfo=None)
    end = (wall + length).replace(tzinfo=zone).astimezone(UTC).astimezone(zone)
    return replace(content, start=start.astimezone(zone), end=end)


def changed(content: Content, changes: dict[str, Any]) -> Content:
    """Return content with some fields changed; a new start takes the length along."""
    made = dict(changes)
    start = made.pop("start", None)
    if start is not None:
        content = shifted(content, start)
    if "end" in made:
        made["end"] = made["end"].astimezone(content.start.tzinfo)
    return replace(content, **made)
