"""What goes wrong between Graph and its caller: the next answers that a test wants spoilt."""

import json
from collections import deque
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from cospaced.exchange_simulator.graph.replies import GraphError, Reply
from cospaced.exchange_simulator.graph.views import gone


class Fault(StrEnum):
    """What happens to one request to Graph, or, where it says so, to Entra."""

    THROTTLED = "429"
    THROTTLED_BRIEFLY = "429 for a second"
    UNAVAILABLE = "503"
    GATEWAY_TIMEOUT = "504"
    SERVER_ERROR = "500"
    GONE = "410"
    TOKEN_REFUSED = "401"  # noqa: S105 - a status, and no secret
    WEB_PAGE = "a web page with status 200"
    CUT = "a body cut short, well framed"
    NO_LIST = "JSON without a list"
    ELSEWHERE = "a nextLink to another host"
    CHANGES_ELSEWHERE = "a deltaLink to another host"
    ENDLESS = "a nextLink to itself"
    CIRCLING = "the same page again and again, each time with another nextLink"
    MASTER = "the master of a series among the events"
    BAD_LINK = "400"
    POLICY = "403 by an application access policy"
    BLOCKED = "403 by a firewall"
    LOST = "the connection is closed unanswered"
    SILENT = "never answered"
    ENTRA_DOWN = "503 from Entra"
    ENTRA_PAGE = "a web page in place of Entra"
    ENTRA_SILENT = "Entra never answers"


class Faults:
    """The faults to come, each for one request; those of Entra strike requests to Entra.

    `always` strikes every one from now on, to paths that end with `where`.
    """

    def __init__(self) -> None:
        self._next: deque[tuple[Fault, str]] = deque()
        self.always: Fault | None = None
        self.where = ""

    def next(self, *faults: Fault, path: str = "") -> None:
        """Let these strike the next requests, one each, to paths that end so."""
        self._next.extend((fault, path) for fault in faults)

    def take(self, path: str, *, entra: bool) -> Fault | None:
        """Return the fault of a request to this path."""
        following, where = self._next[0] if self._next else (None, "")
        if following is not None and path.endswith(where) and _strikes(following, entra=entra):
            self._next.popleft()
            return following
        everywhere = self.always if path.endswith(self.where) else None
        return everywhere if everywhere and _strikes(everywhere, entra=entra) else None


def _strikes(fault: Fault, *, entra: bool) -> bool:
    return (fault in (Fault.ENTRA_DOWN, Fault.ENTRA_PAGE, Fault.ENTRA_SILENT)) == entra


def spoilt(fault: Fault, reply: Reply, own_url: str) -> Reply:
    """Return what becomes of an answer."""
    match fault:
        case Fault.WEB_PAGE | Fault.ENTRA_PAGE:
            return _web_page(200)
        case Fault.BLOCKED:
            return _web_page(403)
        case Fault.CUT:
            return Reply(headers=reply.headers, body=reply.body[: len(reply.body) // 2])
        case Fault.NO_LIST:
            return Reply(headers=reply.headers, body=b'{"status":"ok"}')
        case Fault.ELSEWHERE:
            return _going_on("https://other.example/v1.0/next", reply)
        case Fault.CHANGES_ELSEWHERE:
            return _changed(reply, {"@odata.deltaLink": "https://other.example/v1.0/changes"})
        case Fault.ENDLESS:
            return _going_on(own_url, reply)
        case Fault.CIRCLING:
            return _changed(reply, {"@odata.nextLink": f"{own_url}&again"})
        case Fault.MASTER:
            first, *rest = json.loads(reply.body)["value"]
            master = {**first, "id": "M", "iCalUId": "master@example.org", "type": "seriesMaster"}
            return _changed(reply, {"value": [master, first, *rest]})
        case _:
            return _REFUSALS[fault].reply()


def _web_page(status: int) -> Reply:
    page = b"<!DOCTYPE html><html><body>Sign in to your account</body></html>"
    return Reply(status=status, headers={"Content-Type": "text/html"}, body=page)


def _changed(reply: Reply, change: Mapping[str, Any]) -> Reply:
    """Return a whole answer with some of it changed; it goes on or ends, and not both."""
    page = json.loads(reply.body)
    if "@odata.nextLink" in change:
        page.pop("@odata.deltaLink", None)
    return Reply(headers=reply.headers, body=json.dumps({**page, **change}).encode())


def _going_on(link: str, reply: Reply) -> Reply:
    body = f'{{"value":[],"@odata.nextLink":"{link}"}}'.encode()
    return Reply(headers=reply.headers, body=body)


_REFUSALS = {
    Fault.THROTTLED: GraphError(
        429, "ApplicationThrottled", "Application is over its MailboxConcurrency limit.",
        {"Retry-After": "120"},
    ),
    Fault.THROTTLED_BRIEFLY: GraphError(
        429, "ApplicationThrottled", "Application is over its MailboxConcurrency limit.",
        {"Retry-After": "1"},
    ),
    Fault.UNAVAILABLE: GraphError(
        503, "ErrorServerBusy", "The server is busy.", {"Retry-After": "30"}
    ),
    Fault.GATEWAY_TIMEOUT: GraphError(504, "UnknownError", "", {"Retry-After": "30"}),
    Fault.SERVER_ERROR: GraphError(500, "ErrorInternalServerError", "The server had a problem."),
    Fault.GONE: gone(),
    Fault.BAD_LINK: GraphError(400, "ErrorInvalidUrlQuery", "The delta token is invalid."),
    Fault.POLICY: GraphError(
        403, "ErrorAccessDenied",
        "Access to OData is disabled: [RAOP] : Blocked by tenant configured AppOnly AccessPolicy"
        " settings.",
    ),
    Fault.TOKEN_REFUSED: GraphError(401, "InvalidAuthenticationToken", "The token is expired."),
    Fault.ENTRA_DOWN: GraphError(503, "temporarily_unavailable", "Entra is busy."),
}  # fmt: skip
