"""How an item that a client writes is put into a mailbox, and whom that is told."""

from dataclasses import replace
from typing import Any

from cospaced.exchange_simulator.asking import Call
from cospaced.exchange_simulator.identity import new_uid
from cospaced.exchange_simulator.records import Answer, Busy, Content, Item, Shown, changed
from cospaced.exchange_simulator.refusals import Refusal
from cospaced.exchange_simulator.state import Mailbox
from cospaced.exchange_simulator.zones import zone


def create(call: Call, box: Mailbox, changes: dict[str, Any]) -> Item:
    """Make an item of a mailbox's own; Refusal where it lacks a start or an end."""
    recurrence = changes.pop("recurrence", None)
    name = changes.pop("zone", "") or "UTC"
    start, end = changes.pop("start", None), changes.pop("end", None)
    if start is None or end is None or end < start:
        raise Refusal("ErrorCalendarEndDateIsEarlierThanStartDate")
    try:
        local = zone(name)
    except ValueError as error:
        raise Refusal("ErrorTimeZone", str(error)) from error
    content = Content(start=start.astimezone(local), end=end.astimezone(local), **changes)
    state = call.state
    item = state.make_item(
        uid=new_uid(state.entropy, state.clock.now()),
        organizer=box.person,
        content=content,
        zone=name,
        recurrence=recurrence,
    )
    return state.add(box, item)


def change(call: Call, box: Mailbox, shown: Shown, changes: dict[str, Any]) -> None:
    """Change an item, or one occurrence of it."""
    item = shown.item
    zone_name = changes.pop("zone", "")
    if shown.planned is not None:
        if "recurrence" in changes:
            raise Refusal("ErrorInvalidPropertySet")
        now = call.state.clock.now()
        item.override(shown.planned, changed(shown.content, changes), now)
    else:
        if zone_name:
            item.zone = zone_name
        item.edit(changes)
    if is_organizer(box, item):
        item.sequence += 1
    call.state.touch(box, item)


def answer(call: Call, box: Mailbox, shown: Shown, given: Answer) -> None:
    """Answer an invitation; one that is declined leaves the calendar."""
    item = shown.item
    if item.content.answer is Answer.ORGANIZER:
        raise Refusal("ErrorCalendarIsOrganizerForAccept")
    if given is Answer.DECLINE:
        remove(call, box, shown)
    else:
        tentative = given is Answer.TENTATIVE
        busy = Busy.TENTATIVE if tentative else shown.content.intended
        if shown.planned is None:
            item.content = replace(item.content, answer=given, busy=busy)
            for key, one in item.overrides.items():
                item.overrides[key] = replace(one, answer=given, busy=busy)
        else:
            content = replace(shown.content, answer=given, busy=busy)
            item.override(shown.planned, content, call.state.clock.now())
        call.state.touch(box, item)
    if shown.planned is None:
        call.post.note_answer(box, item, given)


def remove(call: Call, box: Mailbox, shown: Shown) -> None:
    """Delete an item, or one occurrence of it."""
    if shown.planned is None:
        call.state.remove(box, shown.item)
    else:
        shown.item.drop(shown.planned)
        call.state.touch(box, shown.item)


def is_organizer(box: Mailbox, item: Item) -> bool:
    """Whether an item is its organizer's own."""
    return item.organizer.address.lower() == box.address
