"""ResolveNames: mailboxes whose name or address starts with what was typed."""

from collections.abc import Iterator

from cospaced.exchange_simulator.asking import Call, success
from cospaced.exchange_simulator.markup import content, tag, text
from cospaced.exchange_simulator.refusals import Refusal
from cospaced.exchange_simulator.state import Mailbox


_MOST = 100


def resolve_names(call: Call) -> Iterator[str]:
    """Return one message with every match."""
    typed = content(call.request, "m:UnresolvedEntry").lower().removeprefix("smtp:")
    boxes = call.state.mailboxes.values()
    found = [box for box in boxes if typed and _matches(box, typed)]
    if not found:
        raise Refusal("ErrorNameResolutionNoResults")
    told = found[:_MOST]
    resolutions = tag(
        "m:ResolutionSet",
        *(tag("t:Resolution", _mailbox(box)) for box in told),
        TotalItemsInView=str(len(told)),
        IncludesLastItemInRange="true" if len(told) == len(found) else "false",
    )
    if len(found) == 1:
        yield success("ResolveNames", resolutions)
        return
    refusal = Refusal("ErrorNameResolutionMultipleResults", "Multiple results were found.")
    yield tag(
        "m:ResolveNamesResponseMessage", refusal.inside(), resolutions, ResponseClass="Warning"
    )


def _matches(box: Mailbox, typed: str) -> bool:
    return box.address.startswith(typed) or box.name.lower().startswith(typed)


def _mailbox(box: Mailbox) -> str:
    return tag(
        "t:Mailbox",
        text("t:Name", box.name),
        text("t:EmailAddress", box.address),
        text("t:RoutingType", "SMTP"),
        text("t:MailboxType", "Mailbox"),
    )
