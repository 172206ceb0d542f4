"""The state of a simulated Exchange: mailboxes, and a number for every change in one.

Nobody may change an item without saying so here (`add`, `touch`, `remove`): change keys, sync
states, and streams live by it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from cospaced.exchange_simulator.identity import new_change_key, new_item_id
from cospaced.exchange_simulator.knobs import Knobs
from cospaced.exchange_simulator.records import Content, Item, Person
from cospaced.exchange_simulator.recurrence import Recurrence
from cospaced.ports import Clock, Entropy


FOLDERS = ("root", "msgfolderroot", "calendar", "inbox", "sentitems", "deleteditems")


@dataclass(frozen=True, slots=True, kw_only=True)
class Processing:
    """What a room mailbox does with invitations; the defaults are Set-CalendarProcessing's."""

    automatic: bool = True
    """AutomateProcessing: AutoAccept; else they stay unanswered until somebody answers."""
    paused: bool = False
    """Invitations arrive and wait, as between Exchange's two assistants."""
    add_organizer_to_subject: bool = True
    delete_subject: bool = True
    delete_comments: bool = True
    remove_private_property: bool = True
    allow_conflicts: bool = False
    remove_cancelled: bool = False
    """RemoveCanceledMeetings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tombstone:
    """What is left of a deleted item: when it came and went."""

    created_number: int
    deleted_number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One change as a stream tells it; `name` as CreatedEvent."""

    number: int
    name: str
    item_id: str
    change_key: str
    at: datetime


@dataclass(slots=True, kw_only=True, eq=False)
class Mailbox:
    """A room's or a person's mailbox."""

    address: str
    name: str
    is_room: bool
    processing: Processing
    guid: str
    items: dict[str, Item] = field(default_factory=dict)
    """Of the calendar, by id."""
    by_uid: dict[str, list[Item]] = field(default_factory=dict)
    tombstones: dict[str, Tombstone] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    number: int = 0
    """Of the last change."""
    folders: dict[str, str] = field(default_factory=dict)
    """Distinguished name to folder id."""

    @property
    def person(self) -> Person:
        """Its owner as an attendee."""
        return Person(address=self.address, name=self.name)

    def copies(self, uid: str) -> list[Item]:
        """Return what it holds of an event: the event itself, or orphans of its occurrences."""
        return list(self.by_uid.get(uid, ()))

    def copy_of(self, uid: str, orphan_of: datetime | None = None) -> Item | None:
        """Return the copy of an event by its UID, or the orphan of one occurrence."""
        return next((item for item in self.copies(uid) if item.orphan_of == orphan_of), None)


class State:
    """What the service answers from and the scenarios change."""

    def __init__(self, clock: Clock, entropy: Entropy, knobs: Knobs) -> None:
        self.clock = clock
        self.entropy = entropy
        self.knobs = knobs
        self.mailboxes: dict[str, Mailbox] = {}
        self.listeners: list[Callable[[], None]] = []
        """Called after every change."""

    def add_mailbox(
        self, address: str, name: str, *, is_room: bool, processing: Processing
    ) -> Mailbox:
        """Open a mailbox; ValueError if there is one of that address."""
        key = address.lower()
        if key in self.mailboxes:
            raise ValueError(f"{address} has a mailbox already")
        box = Mailbox(
            address=key,
            name=name or key.partition("@")[0],
            is_room=is_room,
            processing=processing,
            guid=self.entropy.uuid(),
            folders={folder: new_item_id(self.entropy) for folder in FOLDERS},
        )
        self.mailboxes[key] = box
        return box

    def mailbox(self, address: str) -> Mailbox:
        """Return a mailbox by address, in any case; KeyError where there is none."""
        return self.mailboxes[address.lower()]

    def make_item(
        self,
        *,
        uid: str,
        organizer: Person,
        content: Content,
        zone: str,
        recurrence: Recurrence | None = None,
        sequence: int = 0,
    ) -> Item:
        """Return an item that is in no mailbox yet."""
        now = self.clock.now()
        return Item(
            id=new_item_id(self.entropy),
            change_key=new_change_key(self.entropy),
            uid=uid,
            organizer=organizer,
            content=content,
            zone=zone,
            recurrence=recurrence,
            sequence=sequence,
            created=now,
            modified=now,
        )

    def add(self, box: Mailbox, item: Item) -> Item:
        """Put an item into a mailbox's calendar."""
        item.created_number = item.changed_number = self._count(box, "CreatedEvent", item)
        box.items[item.id] = item
        box.by_uid.setdefault(item.uid, []).append(item)
        self._tell()
        return item

    def touch(self, box: Mailbox, item: Item) -> None:
        """Note that an item was changed: new change key, new time of modification."""
        item.change_key = new_change_key(self.entropy)
        item.modified = self.clock.now()
        item.changed_number = self._count(box, "ModifiedEvent", item)
        self._tell()

    def remove(self, box: Mailbox, item: Item) -> None:
        """Take an item out of a mailbox's calendar."""
        del box.items[item.id]
        box.by_uid[item.uid].remove(item)
        number = self._count(box, "DeletedEvent", item)
        tombstone = Tombstone(created_number=item.created_number, deleted_number=number)
        box.tombstones[item.id] = tombstone
        self._tell()

    def _count(self, box: Mailbox, name: str, item: Item) -> int:
        box.number += 1
        event = Event(
            number=box.number,
            name=name,
            item_id=item.id,
            change_key=item.change_key,
            at=self.clock.now(),
        )
        box.events.append(event)
        return box.number

    def _tell(self) -> None:
        for listener in list(self.listeners):
            listener()
