"""Every way in which Exchange and Microsoft Graph are known to go wrong."""

from typing import Any

from cospaced.exchange_simulator.faults import Fault
from cospaced.exchange_simulator.graph.faults import Fault as GraphFault


EXCHANGE: dict[str, tuple[Fault, dict[str, Any], str, float | None]] = {
    "busy, with a time": (Fault.SOAP_FAULT, {"back_off": 1500}, "throttled", 1.5),
    "busy, in a message": (Fault.MESSAGE, {}, "throttled", 10),
    "busy, in a message, with a time": (Fault.MESSAGE, {"back_off": 300_000}, "throttled", 300),
    "busy, for far too long": (Fault.SOAP_FAULT, {"back_off": 10**22}, "throttled", 1800),
    "503": (Fault.UNAVAILABLE, {"retry_after": 7}, "throttled", 7),
    "503, for hours": (Fault.UNAVAILABLE, {"retry_after": 9999}, "throttled", 1800),
    "429": (Fault.THROTTLED, {"retry_after": 8}, "throttled", 8),
    "reset": (Fault.RESET, {}, "unreachable", None),
    "401": (Fault.UNAUTHORIZED, {}, "login", None),
    "403": (Fault.FORBIDDEN, {}, "login", None),
    "too many connections": (
        Fault.SOAP_FAULT, {"code": "ErrorExceededConnectionCount"}, "throttled", 60,
    ),
    "server error": (Fault.MESSAGE, {"code": "ErrorInternalServerError"}, "unreachable", None),
    "no mailbox": (Fault.MESSAGE, {"code": "ErrorNonExistentMailbox"}, "not_found", None),
    "moving": (Fault.MESSAGE, {"code": "ErrorMailboxMoveInProgress"}, "unreachable", None),
    "store away": (Fault.MESSAGE, {"code": "ErrorMailboxStoreUnavailable"}, "unreachable", None),
    "schema": (Fault.SOAP_FAULT, {"code": "ErrorSchemaValidation"}, "unreachable", None),
    "a web page": (Fault.HTML, {}, "not_a_calendar", None),
    "a web page, 500": (Fault.HTML_ERROR, {}, "unreachable", None),
    "302": (Fault.REDIRECTED, {}, "redirect", None),
    "empty": (Fault.EMPTY, {}, "truncated", None),
    "truncated, well framed": (Fault.TRUNCATED, {}, "truncated", None),
    "truncated, until close": (Fault.TRUNCATED_UNTIL_CLOSE, {}, "truncated", None),
    "truncated, by its length": (Fault.TRUNCATED_LENGTH, {}, "unreachable", None),
    "truncated, chunked": (Fault.TRUNCATED_CHUNKED, {}, "unreachable", None),
}  # fmt: skip
"""The fault, how it is made, the kind of the error, and for how many seconds it asks."""

GRAPH: dict[GraphFault, tuple[str, int | None]] = {
    GraphFault.THROTTLED: ("throttled", 120),
    GraphFault.UNAVAILABLE: ("throttled", 30),
    GraphFault.GATEWAY_TIMEOUT: ("throttled", 30),
    GraphFault.SERVER_ERROR: ("unreachable", None),
    GraphFault.WEB_PAGE: ("unreachable", None),
    GraphFault.BLOCKED: ("unreachable", None),
    GraphFault.CHANGES_ELSEWHERE: ("redirect", None),
    GraphFault.CUT: ("truncated", None),
    GraphFault.NO_LIST: ("not_a_calendar", None),
    GraphFault.ELSEWHERE: ("redirect", None),
    GraphFault.ENDLESS: ("too_large", None),
    GraphFault.LOST: ("unreachable", None),
}
"""The kind of the error, and for how many seconds it asks."""
