"""ConvertId: from one kind of id to another; clients ask it first, to learn the version."""

from collections.abc import Iterator

from cospaced.exchange_simulator.asking import Call, failure, success
from cospaced.exchange_simulator.identity import split_id
from cospaced.exchange_simulator.markup import every, tag
from cospaced.exchange_simulator.refusals import Refusal


_XSI = "http://www.w3.org/2001/XMLSchema-instance"


def convert_id(call: Call) -> Iterator[str]:
    """Return each id as it is, under the format that was asked for: here all of them are alike."""
    wanted = call.request.get("DestinationFormat", "EwsId")
    for asked in every(call.request, "m:SourceIds/t:AlternateId"):
        identity = asked.get("Id", "")
        try:
            split_id(identity)
        except ValueError:
            yield failure("ConvertId", Refusal("ErrorInvalidIdMalformed"))
            continue
        told = {"xmlns:xsi": _XSI, "xsi:type": "t:AlternateIdType"}
        told |= {"Format": wanted, "Id": identity, "Mailbox": asked.get("Mailbox", "")}
        yield success("ConvertId", tag("m:AlternateId", **told))
