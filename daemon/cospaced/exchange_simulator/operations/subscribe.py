"""Subscribe and Unsubscribe; what a stream tells is in `stream`."""

from collections.abc import Iterator

from cospaced.exchange_simulator.asking import Call, failure, success
from cospaced.exchange_simulator.markup import content, every, first, tag, text
from cospaced.exchange_simulator.refusals import Refusal


def subscribe(call: Call) -> Iterator[str]:
    """Subscribe to the calendar of one mailbox."""
    wanted = first(call.request, "m:StreamingSubscriptionRequest")
    if wanted is None:
        raise Refusal("ErrorInvalidSubscriptionRequest", "Only streaming subscriptions live here.")
    folders = [call.folder(element) for element in every(wanted, "t:FolderIds/*")]
    boxes = {box.address: box for box, _ in folders}
    if len(boxes) != 1:
        raise Refusal("ErrorInvalidSubscriptionRequest", "Subscribe to folders of one mailbox.")
    (box,) = boxes.values()
    listens = any(name in ("calendar", "root", "msgfolderroot") for _, name in folders)
    events = {one.text or "" for one in every(wanted, "t:EventTypes/t:EventType")}
    made = call.subscriptions.make(box, frozenset(events) if listens else frozenset())
    yield success("Subscribe", text("m:SubscriptionId", made.id))


def unsubscribe(call: Call) -> Iterator[str]:
    """End one subscription."""
    call.subscriptions.end(content(call.request, "m:SubscriptionId"))
    yield success("Unsubscribe")


def subscription_ids(call: Call) -> list[str]:
    """Return the subscriptions that GetStreamingEvents names."""
    return [one.text or "" for one in every(call.request, "m:SubscriptionIds/t:SubscriptionId")]


def subscriptions_missing(identities: list[str]) -> str:
    """Return the message that tells which subscriptions there are not."""
    ids = tag("m:ErrorSubscriptionIds", *(text("m:SubscriptionId", one) for one in identities))
    return failure("GetStreamingEvents", Refusal("ErrorSubscriptionNotFound"), ids)
