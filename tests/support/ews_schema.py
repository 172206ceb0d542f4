"""Microsoft's EWS schemas as a judge of what the simulator writes.

They may not be copied into the project: they are looked for in `../shared/ews-xsd` beside the
checkout, or where COSPACED_EWS_XSD says. Without them nothing is judged, and one test is skipped
and says so.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from lxml import etree

from cospaced.exchange_simulator.exchange import Exchange
from cospaced.exchange_simulator.request_log import Logged


M = "http://schemas.microsoft.com/exchange/services/2006/messages"
T = "http://schemas.microsoft.com/exchange/services/2006/types"
S = "http://schemas.xmlsoap.org/soap/envelope/"

_BESIDE = Path(__file__).parents[3] / "shared" / "ews-xsd"


def folder() -> Path:
    return Path(os.environ.get("COSPACED_EWS_XSD", _BESIDE))


def present() -> bool:
    return (folder() / "messages.xsd").exists()


@cache
def schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(folder() / "messages.xsd"))


def slips(body: str | bytes) -> list[str]:
    """Return what is wrong with an envelope; the version header and faults are checked by hand."""
    raw = body.encode() if isinstance(body, str) else body
    root = etree.fromstring(raw)
    (inside,) = root.find(f"{{{S}}}Body")
    found = []
    if root.find(f"{{{S}}}Header/{{{T}}}ServerVersionInfo") is None:
        found.append("no ServerVersionInfo")
    if inside.tag == f"{{{S}}}Fault":
        wanted = {"faultcode", "faultstring", "detail"}
        return found + sorted(wanted - {child.tag for child in inside})
    # Exchange and its clients have these two in the messages namespace, the schema in the types'.
    for name in ("Notification", "SubscriptionId"):
        for element in inside.iter(f"{{{M}}}{name}"):
            if etree.QName(element.getparent()).localname != "SubscribeResponseMessage":
                element.tag = f"{{{T}}}{name}"
    # A document of its own: prefixes that a QName value needs come along.
    alone = etree.fromstring(etree.tostring(inside))
    judge = schema()
    judge.validate(alone)
    return found + [str(error) for error in judge.error_log]


@contextmanager
def judged(exchange: Exchange) -> Iterator[None]:
    """Hold every answer to the schemas, if present, until the block is left."""
    found: list[str] = []

    def judge(logged: Logged) -> None:
        if logged.body and logged.operation != "token" and present():
            found.extend(
                f"{logged.operation}: {slip}\n{logged.body}" for slip in slips(logged.body)
            )

    exchange.requests.listeners.append(judge)
    yield
    assert found == [], "\n".join(found[:5])
