"""The judge of the simulated Exchange's answers: it must be able to say no."""

import pytest

from cospaced.exchange_simulator.knobs import Knobs
from cospaced.exchange_simulator.markup import tag, text
from cospaced.exchange_simulator.refusals import SoapFault
from cospaced.exchange_simulator.service import envelope
from support import ews_schema


pytestmark = pytest.mark.skipif(
    not ews_schema.present(),
    reason="Microsoft's EWS schemas are not at hand (COSPACED_EWS_XSD says where they are)",
)


def found(*fields: str) -> str:
    items = tag("t:Items", tag("t:CalendarItem", *fields))
    root = tag("m:RootFolder", items, TotalItemsInView="1", IncludesLastItemInRange="true")
    code = text("m:ResponseCode", "NoError")
    message = tag("m:FindItemResponseMessage", code, root, ResponseClass="Success")
    whole = tag("m:FindItemResponse", tag("m:ResponseMessages", message))
    return envelope(whole, Knobs())


SUBJECT, START = text("t:Subject", "a"), text("t:Start", "2026-11-26T09:00:00Z")


def test_fields_in_the_schemas_order_are_right() -> None:
    assert ews_schema.slips(found(SUBJECT, START)) == []


@pytest.mark.parametrize(
    "fields",
    [
        (START, SUBJECT),
        (SUBJECT, text("t:Start", "tomorrow")),
        (SUBJECT, text("t:Beginning", "2026-11-26T09:00:00Z")),
        (text("m:Subject", "a"),),
    ],
)
def test_a_slip_is_found(fields: tuple[str, ...]) -> None:
    assert ews_schema.slips(found(*fields))


def test_a_code_that_the_schema_does_not_know_is_found() -> None:
    body = found(SUBJECT).replace("NoError", "ErrorOfMyOwn")
    assert ews_schema.slips(body)


def test_a_fault_is_judged_by_its_parts() -> None:
    whole = envelope(SoapFault("ErrorServerBusy").markup(), Knobs())
    assert ews_schema.slips(whole) == []
    assert ews_schema.slips(whole.replace("faultstring", "reason"))
