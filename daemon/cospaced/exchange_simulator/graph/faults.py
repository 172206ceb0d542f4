"""What goes wrong between Graph and its caller: the next answers that a test wants spoilt."""

from collections import deque
from enum import StrEnum

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
    ENDLESS = "a nextLink to itself"
    LOST = "the connection is closed unanswered"
    SILENT = "never answered"
    ENTRA_DOWN = "503 from Entra"


class Faults:
    """The faults to come, each for one request; those of Entra strike requests to Entra."""

    def __init__(self) -> None:
        self._next: deque[tuple[Fault, str]] = deque()
        self.always: Fault | None = None

    def next(self, *faults: Fault, path: str = "") -> None:
        """Let these strike the next requests, one each, to paths that end so."""
        self._next.extend((fault, path) for fault in faults)

    def take(self, path: str, *, entra: bool) -> Fault | None:
        """Return the fault of a request to this path."""
        following, where = self._next[0] if self._next else (None, "")
        if following is not None and path.endswith(where) and _strikes(following, entra=entra):
            self._next.popleft()
            return following
        if self.always is not None and _strikes(self.always, entra=entra):
            return self.always
        return None


def _strikes(fault: Fault, *, entra: bool) -> bool:
    return (fault is Fault.ENTRA_DOWN) == entra


def spoilt(fault: Fault, reply: Reply, own_url: str) -> Reply:
    """Return what becomes of an answer."""
    match fault:
        case Fault.WEB_PAGE:
            page = b"<!DOCTYPE html><html><body>Sign in to your account</body></html>"
            return Reply(headers={"Content-Type": "text/html"}, body=page)
        case Fault.CUT:
            return Reply(headers=reply.headers, body=reply.body[: len(reply.body) // 2])
        case Fault.NO_LIST:
            return Reply(headers=reply.headers, body=b'{"status":"ok"}')
        case Fault.ELSEWHERE:
            return _going_on("https://other.example/v1.0/next", reply)
        case Fault.ENDLESS:
            return _going_on(own_url, reply)
        case _:
            return _REFUSALS[fault].reply()


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
    Fault.TOKEN_REFUSED: GraphError(401, "InvalidAuthenticationToken", "The token is expired."),
    Fault.ENTRA_DOWN: GraphError(503, "temporarily_unavailable", "Entra is busy."),
}  # fmt: skip
