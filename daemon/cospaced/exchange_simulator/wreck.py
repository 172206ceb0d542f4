"""What faults make of answers: bare HTTP statuses, errors of EWS, and bodies cut in two."""

from dataclasses import dataclass
from http import HTTPStatus

from cospaced.exchange_simulator.asking import failure
from cospaced.exchange_simulator.faults import Fault, Rule
from cospaced.exchange_simulator.refusals import Refusal, SoapFault
from cospaced.exchange_simulator.service import Reply, Service


_PAGE = b"<!DOCTYPE html><html><body><h1>Something is in the way</h1></body></html>"
_HTML = (b"content-type", b"text/html; charset=utf-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bare:
    """An answer that is none of EWS."""

    status: HTTPStatus
    body: bytes
    headers: list[tuple[bytes, bytes]]


_BARE = {
    Fault.UNAVAILABLE: (HTTPStatus.SERVICE_UNAVAILABLE, b""),
    Fault.THROTTLED: (HTTPStatus.TOO_MANY_REQUESTS, b""),
    Fault.UNAUTHORIZED: (HTTPStatus.UNAUTHORIZED, b""),
    Fault.FORBIDDEN: (HTTPStatus.FORBIDDEN, b""),
    Fault.REDIRECTED: (HTTPStatus.FOUND, b""),
    Fault.HTML: (HTTPStatus.OK, _PAGE),
    Fault.HTML_ERROR: (HTTPStatus.INTERNAL_SERVER_ERROR, _PAGE),
    Fault.EMPTY: (HTTPStatus.OK, b""),
}


def bare(rule: Rule) -> Bare | None:
    """Return the bare answer that a fault gives, if it gives one."""
    found = _BARE.get(rule.fault)
    if found is None:
        return None
    status, body = found
    headers = [_HTML] if body else []
    if rule.retry_after is not None:
        headers.append((b"retry-after", str(rule.retry_after).encode()))
    if rule.fault is Fault.REDIRECTED:
        headers.append((b"location", rule.target.encode()))
    if rule.fault is Fault.UNAUTHORIZED:
        headers.append((b"www-authenticate", b'Basic realm="exchange.example.test"'))
    return Bare(status=status, body=body, headers=headers)


def refused(rule: Rule, operation: str, service: Service) -> Reply | None:
    """Return the error of EWS that a fault gives, if it gives one."""
    values = {}
    if rule.back_off is not None:
        values["BackOffMilliseconds"] = str(rule.back_off)
    if rule.fault is Fault.SOAP_FAULT:
        return service.fault(SoapFault(rule.code, values=values))
    if rule.fault is Fault.MESSAGE:
        return service.answered(operation, [failure(operation, Refusal(rule.code, values=values))])
    return None


def kept(body: bytes, share: float) -> bytes:
    """Return the first part of a body."""
    return body[: int(len(body) * share)]


def torn(rule: Rule, reply: Reply) -> bytes | None:
    """Return all that goes over the wire of an answer that is cut, if the fault cuts it."""
    whole = reply.body.encode()
    part = kept(whole, rule.keep)
    framing = {
        Fault.TRUNCATED_UNTIL_CLOSE: b"Connection: close",
        Fault.TRUNCATED_LENGTH: b"Content-Length: %d" % len(whole),
        Fault.TRUNCATED_CHUNKED: b"Transfer-Encoding: chunked",
    }.get(rule.fault)
    if framing is None:
        return None
    if rule.fault is Fault.TRUNCATED_CHUNKED:
        part = b"%x\r\n%s\r\n" % (len(part), part)
    status = b"%d %s" % (reply.status, reply.status.phrase.encode())
    kind = b"Content-Type: text/xml; charset=utf-8"
    return b"HTTP/1.1 %s\r\n%s\r\n%s\r\n\r\n%s" % (status, kind, framing, part)
