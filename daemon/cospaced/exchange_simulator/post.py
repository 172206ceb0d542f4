"""The post between mailboxes: invitations, updates, cancellations, and the answers to them.

An organizer's item is the truth; whoever it invites and has a mailbox here holds a copy under the
same UID. Who is invited to one occurrence alone gets an orphan: a single event with that UID.
"""

from dataclasses import replace
from datetime import UTC, datetime

from cospaced.exchange_simulator.records import Answer, Content, Item, Person
from cospaced.exchange_simulator.rooms import as_arrived, as_cancelled, process
from cospaced.exchange_simulator.state import Mailbox, State


class Post:
    """Carries an organizer's item to those whom it invites."""

    def __init__(self, state: State) -> None:
        self._state = state

    def send(self, item: Item) -> None:
        """Send an invitation, or an update of the whole event; who is invited no more is told."""
        invited = self._boxes(item, item.content)
        for box, copy in self._copies(item):
            if copy.orphan_of is None and box not in invited:
                self._cancel_copy(box, copy)
        for box in invited:
            known = box.copy_of(item.uid)
            copy = known or self._new_copy(item, item.content)
            self._write(item, copy)
            self._keep(box, copy, is_new=known is None)

    def send_occurrence(self, item: Item, planned: datetime) -> None:
        """Send an update of one occurrence; who is invited to it no more is told."""
        key = planned.astimezone(UTC)
        content = item.overrides[key]
        invited = self._boxes(item, content)
        for box, copy in self._copies(item):
            if box not in invited:
                self._cancel_in(box, copy, key)
        for box in invited:
            series, orphan = box.copy_of(item.uid), box.copy_of(item.uid, key)
            copy = series or orphan or self._new_copy(item, content)
            if series is not None:
                copy.override(key, as_arrived(content), self._state.clock.now())
            else:
                copy.content, copy.orphan_of = as_arrived(content), key
            self._keep(box, copy, is_new=series is None and orphan is None)

    def cancel(self, item: Item) -> None:
        """Tell everybody that the whole event is cancelled."""
        for box, copy in self._copies(item):
            self._cancel_copy(box, copy)

    def cancel_occurrence(self, item: Item, planned: datetime) -> None:
        """Tell everybody that one occurrence is cancelled."""
        for box, copy in self._copies(item):
            self._cancel_in(box, copy, planned.astimezone(UTC))

    def _cancel_in(self, box: Mailbox, copy: Item, key: datetime) -> None:
        """Cancel one occurrence in a series, or the orphan of that occurrence."""
        if copy.orphan_of is not None:
            if copy.orphan_of == key:
                self._cancel_copy(box, copy)
            return
        if box.processing.remove_cancelled:
            copy.drop(key)
        else:
            cancelled = as_cancelled(copy.content_at(key), self._state.knobs.cancelled_prefix)
            copy.override(key, cancelled, self._state.clock.now())
        self._state.touch(box, copy)

    def answer_waiting(self, box: Mailbox) -> None:
        """Let a room answer every invitation that waits in its calendar."""
        for item in list(box.items.values()):
            contents = [item.content, *item.overrides.values()]
            if any(one.answer is Answer.UNANSWERED and not one.cancelled for one in contents):
                self.note_answer(box, item, process(self._state, box, item))

    def note_answer(self, box: Mailbox, copy: Item, answer: Answer) -> None:
        """Write an attendee's answer into the organizer's item, where that is kept here."""
        own = self._state.mailboxes.get(copy.organizer.address.lower())
        item = own.copy_of(copy.uid) if own is not None else None
        if own is None or item is None:
            return
        now = self._state.clock.now()
        keys = list(item.overrides) if copy.orphan_of is None else [copy.orphan_of]
        for key in keys:
            if key in item.overrides:
                item.overrides[key] = _noted(item.overrides[key], box.address, answer, now)
        if copy.orphan_of is None:
            item.content = _noted(item.content, box.address, answer, now)
        self._state.touch(own, item)

    def _boxes(self, item: Item, content: Content) -> list[Mailbox]:
        found = (self._state.mailboxes.get(one.address.lower()) for one in content.invited)
        organizer = item.organizer.address.lower()
        return [box for box in found if box is not None and box.address != organizer]

    def _copies(self, item: Item) -> list[tuple[Mailbox, Item]]:
        boxes = self._state.mailboxes.values()
        return [(box, copy) for box in boxes for copy in box.copies(item.uid) if copy is not item]

    def _keep(self, box: Mailbox, copy: Item, *, is_new: bool) -> None:
        if is_new:
            self._state.add(box, copy)
        else:
            self._state.touch(box, copy)
        self._answer(box, copy)

    def _new_copy(self, item: Item, content: Content) -> Item:
        return self._state.make_item(
            uid=item.uid,
            organizer=item.organizer,
            content=as_arrived(content),
            zone=item.zone,
            sequence=item.sequence,
        )

    def _write(self, item: Item, copy: Item) -> None:
        shown_cancelled = {
            key: content
            for key, content in copy.overrides.items()
            if content.cancelled and key in item.deleted
        }
        copy.content = as_arrived(item.content)
        copy.recurrence = item.recurrence
        copy.zone = item.zone
        copy.sequence = item.sequence
        copy.overridden_at = dict(item.overridden_at)
        copy.overrides = {key: as_arrived(one) for key, one in item.overrides.items()}
        copy.overrides |= shown_cancelled
        copy.deleted = item.deleted - shown_cancelled.keys()

    def _answer(self, box: Mailbox, copy: Item) -> None:
        if box.processing.automatic and not box.processing.paused:
            self.note_answer(box, copy, process(self._state, box, copy))

    def _cancel_copy(self, box: Mailbox, copy: Item) -> None:
        if box.processing.remove_cancelled:
            self._state.remove(box, copy)
            return
        prefix = self._state.knobs.cancelled_prefix
        copy.content = as_cancelled(copy.content, prefix)
        for planned, content in copy.overrides.items():
            copy.overrides[planned] = as_cancelled(content, prefix)
        copy.sequence += 1
        self._state.touch(box, copy)


def _noted(content: Content, address: str, answer: Answer, now: datetime) -> Content:
    def noted(people: tuple[Person, ...]) -> tuple[Person, ...]:
        return tuple(
            replace(one, answer=answer, answered_at=now) if one.address == address else one
            for one in people
        )

    return replace(
        content,
        required=noted(content.required),
        optional=noted(content.optional),
        resources=noted(content.resources),
    )
