"""What people do in Outlook. Verbs for tests and trials.

`invite` returns the organizer's item, which the other verbs take; it stands in the organizer's
calendar if there is a mailbox for it. Occurrences are named by their planned start.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cospaced.exchange_simulator.expansion import is_planned, planned_between
from cospaced.exchange_simulator.identity import new_uid
from cospaced.exchange_simulator.post import Post
from cospaced.exchange_simulator.records import (
    Busy,
    Content,
    Item,
    Person,
    Sensitivity,
    changed,
    shifted,
)
from cospaced.exchange_simulator.recurrence import Recurrence
from cospaced.exchange_simulator.state import Mailbox, Processing, State
from cospaced.exchange_simulator.zones import zone


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """What an invitation says besides who and when."""

    subject: str = "Planning"
    body: str = ""
    location: str = ""
    sensitivity: Sensitivity = Sensitivity.NORMAL
    all_day: bool = False
    online: bool = False
    busy: Busy = Busy.BUSY
    required: tuple[Person, ...] = ()
    time_zone: str = "W. Europe Standard Time"


_WORDING = Wording()


class Scenarios:
    """The verbs; KeyError where an address or an occurrence leads nowhere."""

    def __init__(self, state: State, post: Post) -> None:
        self._state = state
        self._post = post

    def add_room(
        self, address: str, name: str = "", *, processing: Processing | None = None
    ) -> None:
        """Open a room mailbox."""
        self._state.add_mailbox(address, name, is_room=True, processing=processing or Processing())

    def add_person(self, address: str, name: str = "") -> None:
        """Open a person's mailbox, which answers nothing by itself."""
        processing = Processing(automatic=False)
        self._state.add_mailbox(address, name, is_room=False, processing=processing)

    def set_processing(self, room: str, **changes: bool) -> None:
        """Change what a room does with invitations (fields of Processing)."""
        box = self._state.mailbox(room)
        box.processing = replace(box.processing, **changes)

    def invite(  # noqa: PLR0913 - an invitation is made of these
        self,
        organizer: str | Person,
        to: Iterable[str],
        start: datetime,
        length: timedelta = timedelta(hours=1),
        *,
        wording: Wording = _WORDING,
        recurrence: Recurrence | None = None,
        uid: str = "",
    ) -> Item:
        """Invite rooms; each holds a copy afterwards, unless it declined.

        A room that is its own organizer and invites nobody has just been booked by hand.
        """
        boxes = [self._state.mailbox(room) for room in to]
        begins = start.astimezone(zone(wording.time_zone))
        content = Content(
            start=begins,
            end=(begins.astimezone(UTC) + length).astimezone(begins.tzinfo),
            subject=wording.subject,
            body=wording.body,
            location=wording.location or "; ".join(box.name for box in boxes),
            sensitivity=wording.sensitivity,
            all_day=wording.all_day,
            online=wording.online,
            busy=wording.busy,
            required=wording.required,
            resources=tuple(box.person for box in boxes),
        )
        person = organizer if isinstance(organizer, Person) else self._person(organizer)
        return self._begin(person, content, wording.time_zone, recurrence, uid)

    def _begin(
        self,
        organizer: Person,
        content: Content,
        time_zone: str,
        recurrence: Recurrence | None,
        uid: str = "",
    ) -> Item:
        state = self._state
        item = state.make_item(
            uid=uid or new_uid(state.entropy, state.clock.now()),
            organizer=organizer,
            content=content,
            zone=time_zone,
            recurrence=recurrence,
        )
        own = self._own(item)
        if own is not None:
            state.add(own, item)
        self._post.send(item)
        return item

    def _person(self, address: str) -> Person:
        box = self._state.mailboxes.get(address.lower())
        return box.person if box is not None else Person(address=address)

    def _own(self, item: Item) -> Mailbox | None:
        return self._state.mailboxes.get(item.organizer.address.lower())

    def _saved(self, item: Item) -> None:
        item.sequence += 1
        own = self._own(item)
        if own is not None and item.id in own.items:
            self._state.touch(own, item)

    def copy(self, room: str, item: Item) -> Item:
        """Return a room's copy of an event, or its orphan; KeyError where it holds none."""
        box = self._state.mailbox(room)
        found = next(iter(box.copies(item.uid)), None)
        if found is None:
            raise KeyError(f"{room} holds no copy of {item.uid}")
        return found

    def update(self, item: Item, **changes: Any) -> None:
        """Change a whole event (`recurrence`, or any field of Content) and send the update.

        A new start takes the length along unless `end` is given. As in Outlook, a new time or
        recurrence undoes what was changed and deleted before in a series.
        """
        item.edit(changes)
        self._saved(item)
        self._post.send(item)

    def add_to(self, item: Item, room: str) -> None:
        """Invite one more room to a whole event."""
        person = self._state.mailbox(room).person
        self.update(item, resources=(*item.content.resources, person))

    def remove_from(self, item: Item, room: str) -> None:
        """Uninvite a room: its copy is cancelled."""
        address = self._state.mailbox(room).address
        kept = (one for one in item.content.resources if one.address != address)
        self.update(item, resources=tuple(kept))

    def change_occurrence(self, item: Item, planned: datetime, **changes: Any) -> None:
        """Change one occurrence (any field of Content) and send the update."""
        key = self._planned(item, planned)
        item.override(key, changed(item.content_at(key), changes), self._state.clock.now())
        self._saved(item)
        self._post.send_occurrence(item, key)

    def invite_to_occurrence(self, item: Item, planned: datetime, room: str) -> None:
        """Invite a room to one occurrence alone: it gets an orphan, a single event."""
        resources = item.content_at(planned).resources
        person = self._state.mailbox(room).person
        self.change_occurrence(item, planned, resources=(*resources, person))

    def cancel_occurrence(self, item: Item, planned: datetime) -> None:
        """Cancel one occurrence: gone for the organizer, marked as cancelled in the rooms."""
        key = self._planned(item, planned)
        item.drop(key)
        self._saved(item)
        self._post.cancel_occurrence(item, key)

    def _planned(self, item: Item, planned: datetime) -> datetime:
        if not is_planned(item, planned):
            raise KeyError(f"no occurrence is planned for {planned}")
        return planned.astimezone(UTC)

    def cancel(self, item: Item) -> None:
        """Cancel the whole event: gone for the organizer, marked as cancelled in the rooms."""
        own = self._own(item)
        if own is not None and item.id in own.items:
            self._state.remove(own, item)
        self._post.cancel(item)

    def split(self, item: Item, planned: datetime, **changes: Any) -> Item:
        """Change "this and following": the series ends before, a new one with a new UID begins."""
        key = self._planned(item, planned)
        old = item.recurrence
        if old is None:
            raise ValueError("a single event has nothing that follows")
        begin = item.content.start
        earlier = sum(1 for one in planned_between(item, begin, key) if one < key)
        number = None if old.number is None else old.number - earlier
        following = changed(shifted(item.content, key), changes)
        day_before = key.astimezone(begin.tzinfo).date() - timedelta(days=1)
        item.recurrence = replace(old, number=None, until=day_before)
        item.overrides = {at: one for at, one in item.overrides.items() if at < key}
        item.deleted = {at for at in item.deleted if at < key}
        self._saved(item)
        self._post.send(item)
        rest = replace(old, number=number)
        return self._begin(item.organizer, following, item.zone, rest)

    def delete(self, mailbox: str, item: Item) -> None:
        """Delete a mailbox's copy and tell nobody."""
        self._state.remove(self._state.mailbox(mailbox), self.copy(mailbox, item))

    def delete_occurrence(self, mailbox: str, item: Item, planned: datetime) -> None:
        """Delete one occurrence in a mailbox and tell nobody."""
        copy = self.copy(mailbox, item)
        copy.drop(self._planned(copy, planned))
        self._state.touch(self._state.mailbox(mailbox), copy)

    def answer(self, room: str) -> None:
        """Let a room answer what waits in its calendar."""
        self._post.answer_waiting(self._state.mailbox(room))
