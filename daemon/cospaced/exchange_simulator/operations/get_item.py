"""GetItem: items by their own ids, a series by an occurrence, an occurrence by its number."""

import xml.etree.ElementTree as ET
from collections.abc import Iterator

from cospaced.exchange_simulator.asking import Call, failure, number, success
from cospaced.exchange_simulator.expansion import itself, numbered, occurrence
from cospaced.exchange_simulator.fields import calendar_item
from cospaced.exchange_simulator.markup import first, local, tag
from cospaced.exchange_simulator.records import Kind, Shown
from cospaced.exchange_simulator.refusals import Refusal
from cospaced.exchange_simulator.state import Mailbox


def get_item(call: Call) -> Iterator[str]:
    """Return one message for each id, in their order."""
    for element in list(first(call.request, "m:ItemIds") or ()):
        try:
            box, shown = _readable(call, element)
        except Refusal as refusal:
            yield failure("GetItem", refusal)
            continue
        yield success("GetItem", tag("m:Items", calendar_item(shown, call.page(box))))


def _readable(call: Call, element: ET.Element) -> tuple[Mailbox, Shown]:
    box, shown = named(call, element)
    if shown.content.subject in call.knobs.corrupt_subjects:
        raise Refusal(call.knobs.corrupt_code)
    return box, shown


def named(call: Call, element: ET.Element) -> tuple[Mailbox, Shown]:
    """Return what an id of any of the three kinds names; Refusal."""
    kind = local(element)
    if kind == "RecurringMasterItemId":
        box, shown = call.shown(element.get("OccurrenceId", ""))
        if shown.planned is None:
            raise Refusal("ErrorCalendarCannotUseIdForOccurrenceId")
        return box, itself(shown.item)
    if kind == "OccurrenceItemId":
        return _numbered(call, element)
    return call.shown(element.get("Id", ""))


def _numbered(call: Call, element: ET.Element) -> tuple[Mailbox, Shown]:
    box, shown = call.shown(element.get("RecurringMasterId", ""))
    if shown.kind is not Kind.MASTER:
        raise Refusal("ErrorCalendarCannotUseIdForRecurringMasterId")
    planned = numbered(shown.item, number(element.get("InstanceIndex", "0")))
    if planned is None:
        raise Refusal("ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange")
    found = occurrence(shown.item, planned)
    if found.planned in shown.item.deleted:
        raise Refusal("ErrorCalendarOccurrenceIsDeletedFromRecurrence")
    return box, found
