"""UpdateItem: fields set and deleted, in an event, a series, or one occurrence."""

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import Any

from cospaced.exchange_simulator import editing
from cospaced.exchange_simulator.asking import Call, failure, success
from cospaced.exchange_simulator.markup import every, first, local, tag, text
from cospaced.exchange_simulator.operations.get_item import named
from cospaced.exchange_simulator.reading import changes_of, cleared, first_item
from cospaced.exchange_simulator.records import Shown
from cospaced.exchange_simulator.refusals import Refusal
from cospaced.exchange_simulator.writers import item_id_markup


def update_item(call: Call) -> Iterator[str]:
    """Return one message for each change."""
    for element in every(call.request, "m:ItemChanges/t:ItemChange"):
        try:
            shown = _updated(call, element)
        except Refusal as refusal:
            yield failure("UpdateItem", refusal)
            continue
        items = tag("m:Items", tag("t:CalendarItem", item_id_markup(shown)))
        yield success("UpdateItem", items, tag("m:ConflictResults", text("t:Count", 0)))


def _updated(call: Call, element: ET.Element) -> Shown:
    identity = first(element, "*")
    if identity is None:
        raise Refusal("ErrorInvalidRequest")
    box, shown = named(call, identity)
    stale = identity.get("ChangeKey") not in (None, shown.item.change_key)
    if stale and call.request.get("ConflictResolution") != "AlwaysOverwrite":
        raise Refusal("ErrorIrresolvableConflict")
    changes: dict[str, Any] = {}
    for update in every(element, "t:Updates/*"):
        changes.update(_change(update))
    editing.change(call, box, shown, changes)
    send = call.request.get("SendMeetingInvitationsOrCancellations", "SendToNone")
    if send != "SendToNone" and editing.is_organizer(box, shown.item):
        if shown.planned is None:
            call.post.send(shown.item)
        else:
            call.post.send_occurrence(shown.item, shown.planned)
    return shown


def _change(update: ET.Element) -> dict[str, Any]:
    if local(update) == "SetItemField":
        return changes_of(first_item(update))
    uri = first(update, "t:FieldURI")
    if local(update) != "DeleteItemField" or uri is None:
        raise Refusal("ErrorInvalidPropertyUpdateSentMessage")
    return cleared(uri.get("FieldURI", ""))
