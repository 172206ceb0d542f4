"""CreateItem: an event of one's own, or an answer to an invitation."""

import xml.etree.ElementTree as ET
from collections.abc import Iterator

from cospaced.exchange_simulator import editing
from cospaced.exchange_simulator.asking import Call, failure, success
from cospaced.exchange_simulator.expansion import itself
from cospaced.exchange_simulator.markup import every, first, local, tag
from cospaced.exchange_simulator.reading import changes_of
from cospaced.exchange_simulator.records import Answer
from cospaced.exchange_simulator.refusals import Refusal
from cospaced.exchange_simulator.writers import item_id_markup


_ANSWERS = {
    "AcceptItem": Answer.ACCEPT,
    "TentativelyAcceptItem": Answer.TENTATIVE,
    "DeclineItem": Answer.DECLINE,
}


def create_item(call: Call) -> Iterator[str]:
    """Return one message for each item."""
    for element in every(call.request, "m:Items/*"):
        try:
            made = _created(call, element)
        except Refusal as refusal:
            yield failure("CreateItem", refusal)
            continue
        yield success("CreateItem", tag("m:Items", made))


def _created(call: Call, element: ET.Element) -> str:
    given = _ANSWERS.get(local(element))
    if given is not None:
        return _answered(call, element, given)
    if local(element) != "CalendarItem":
        raise Refusal("ErrorInvalidRequest", "Only calendar items live here.")
    folder = first(call.request, "m:SavedItemFolderId/*")
    box, name = call.folder(folder) if folder is not None else (call.opened(""), "calendar")
    if name != "calendar":
        raise Refusal("ErrorCannotCreateCalendarItemInNonCalendarFolder")
    item = editing.create(call, box, changes_of(element))
    if call.request.get("SendMeetingInvitations", "SendToNone") != "SendToNone":
        call.post.send(item)
    return tag("t:CalendarItem", item_id_markup(itself(item)))


def _answered(call: Call, element: ET.Element, given: Answer) -> str:
    reference = first(element, "t:ReferenceItemId")
    if reference is None:
        raise Refusal("ErrorInvalidRequest")
    box, shown = call.shown(reference.get("Id", ""))
    if reference.get("ChangeKey") not in (None, shown.item.change_key):
        raise Refusal("ErrorChangeKeyRequiredForWriteOperations")
    editing.answer(call, box, shown, given)
    if given is Answer.DECLINE:
        return ""
    return tag("t:CalendarItem", item_id_markup(shown))
