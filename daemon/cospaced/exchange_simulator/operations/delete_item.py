"""DeleteItem: events, series and single occurrences; an organizer may tell those invited."""

from collections.abc import Iterator

from cospaced.exchange_simulator import editing
from cospaced.exchange_simulator.asking import Call, failure, success
from cospaced.exchange_simulator.markup import every
from cospaced.exchange_simulator.operations.get_item import named
from cospaced.exchange_simulator.refusals import Refusal


def delete_item(call: Call) -> Iterator[str]:
    """Return one message for each id."""
    tells = call.request.get("SendMeetingCancellations", "SendToNone") != "SendToNone"
    for element in every(call.request, "m:ItemIds/*"):
        try:
            box, shown = named(call, element)
        except Refusal as refusal:
            yield failure("DeleteItem", refusal)
            continue
        editing.remove(call, box, shown)
        if tells and editing.is_organizer(box, shown.item):
            if shown.planned is None:
                call.post.cancel(shown.item)
            else:
                call.post.cancel_occurrence(shown.item, shown.planned)
        yield success("DeleteItem")
