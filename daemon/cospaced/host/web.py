"""HTTP for everything that speaks it.

One `Web` is one pool of keep-alive connections. It knows no API: it sends one request, once, and
returns what came back or says in one sentence why nothing did, and whether the request may have
left. httpx is spoken at its transport interface: its client would add cookies, redirects and
proxies from the environment, none of which a daemon wants, at twice the CPU. In production the
transport is aiohttp's (aiohttp_transport.py).
"""

import asyncio
import base64
import ssl
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import aiohttp
import httpx

from cospaced.errors import CospacedError
from cospaced.host.aiohttp_transport import aiohttp_transport
from cospaced.host.causes import network_cause
from cospaced.host.tls import certificate_text, tls_context
from cospaced.host.unpacking import TooLarge, Unpacking
from cospaced.settings import Secret


_NO_HEADERS: Mapping[str, str] = MappingProxyType({})
_NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole answer; `headers` have lower-case keys, `body` is decoded from its transfer."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class WebError(CospacedError):
    """No answer came, or not one that could be read whole; the text names host and remedy.

    `kind`: `timeout`, `connection` (refused, reset, DNS, no TLS), `certificate`, `too_large`,
    `protocol` (no HTTP, a bad URL, a broken encoding). `sent` is False where the request certainly
    never left: no connection was had, or its TLS handshake failed.
    """

    def __init__(self, kind: str, text: str, *, sent: bool) -> None:
        super().__init__(text)
        self.kind = kind
        self.sent = sent


class Web:
    """A pool of keep-alive connections with one TLS policy; at most `connections` to each server.

    `ca_file` is a PEM file that is trusted in place of the system's CAs. `transport` replaces the
    network (tests). Raises WebError(`certificate`) where `ca_file` cannot be used.
    """

    def __init__(
        self,
        *,
        verify: bool = True,
        ca_file: Path | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        connections: int = 8,
    ) -> None:
        self._departed: weakref.WeakSet[asyncio.Task[Any]] | None = None
        if transport is None:
            self._departed = weakref.WeakSet()
            try:
                context = tls_context(verify=verify, ca_file=ca_file)
            except (OSError, ValueError) as error:
                text = f"ca_file {ca_file} cannot be used as certificates in PEM form: {error}"
                raise WebError("certificate", text, sent=False) from error
            transport = aiohttp_transport(context, connections, self._departed)
        self._transport = transport

    async def request(  # noqa: PLR0913 - one request has this many sides; all but two are named
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] = _NO_HEADERS,
        body: bytes | None = None,
        total: float,
        limit: int,
        username: str = "",
        password: Secret | None = None,
    ) -> Answer:
        """Send one request and read its answer whole; redirects are answers like others.

        `total` seconds hold from here to the last byte. More than `limit` decoded bytes end the
        reading. Basic credentials go with the first request. Raises WebError only.
        """
        request = _built(method, url, headers, body, _basic(username, password))
        task = asyncio.current_task()
        if self._departed is not None and task is not None:
            self._departed.discard(task)
        try:
            async with asyncio.timeout(total):
                return await self._exchange(request, limit)
        except TimeoutError as error:
            text = f"{_host(request)} did not answer within {total:g} s"
            raise WebError("timeout", text, sent=self._sent(error)) from error
        except (httpx.HTTPError, httpx.StreamError, aiohttp.ClientError, OSError) as error:
            raise _explained(request, error, sent=self._sent(error)) from error

    async def close(self) -> None:
        """Close every connection."""
        await self._transport.aclose()

    async def _exchange(self, request: httpx.Request, limit: int) -> Answer:
        response = await self._transport.handle_async_request(request)
        try:
            body = Unpacking(response.headers.get("Content-Encoding", ""), limit)
            async for chunk in _wire(response):
                body.add(chunk)
            whole = body.whole()
        except TooLarge as error:
            text = f"{_host(request)} sent more than {limit} bytes; the rest was not read"
            raise WebError("too_large", text, sent=True) from error
        except ValueError as error:
            raise WebError("protocol", f"{_host(request)}: {error}", sent=True) from error
        finally:
            # A connection whose answer was not read to its end is closed by this, not reused.
            await response.aclose()
        return Answer(status=response.status_code, headers=dict(response.headers), body=whole)

    def _sent(self, error: BaseException) -> bool:
        """Whether the request may have left: it did once a connection was handed to it."""
        if self._departed is None:
            return not isinstance(error, _NEVER_SENT)
        return asyncio.current_task() in self._departed


def _wire(response: httpx.Response) -> httpx.AsyncByteStream:
    """Return a body as it comes: httpx itself would unpack it without limit."""
    if not isinstance(response.stream, httpx.AsyncByteStream):
        raise TypeError("a transport answered with a stream for threads")
    return response.stream


def _built(
    method: str, url: str, headers: Mapping[str, str], body: bytes | None, basic: str
) -> httpx.Request:
    """Return the request; a URL or header that cannot go on the wire is a WebError."""
    sent = {"User-Agent": "cospaced", "Accept": "*/*", "Accept-Encoding": "gzip"}
    if basic:
        sent["Authorization"] = basic
    sent.update(headers)
    broken = [name for name, value in sent.items() if "\n" in value or "\r" in value]
    if broken:
        text = f"{url!r} cannot be asked: a line break in {', '.join(broken)}"
        raise WebError("protocol", text, sent=False)
    try:
        request = httpx.Request(method, url, headers=httpx.Headers(sent, "utf-8"), content=body)
    except (httpx.InvalidURL, ValueError) as error:
        raise WebError("protocol", f"{url!r} cannot be asked: {error}", sent=False) from error
    if request.url.scheme not in ("http", "https") or not request.url.host:
        text = f"{url!r} is no http or https address (write https://host/path)"
        raise WebError("protocol", text, sent=False)
    return request


def _basic(username: str, password: Secret | None) -> str:
    """Return the value of a preemptive Authorization header, UTF-8 (RFC 7617), or nothing."""
    if not username and password is None:
        return ""
    plain = f"{username}:{password.reveal() if password is not None else ''}"
    return "Basic " + base64.b64encode(plain.encode()).decode("ascii")


def _host(request: httpx.Request) -> str:
    return request.url.netloc.decode("ascii")


def _explained(request: httpx.Request, error: Exception, *, sent: bool) -> WebError:
    """Return the WebError that says in a sentence what a transport's error means."""
    host = _host(request)
    causes = _causes(error)
    # From the root up: aiohttp's own TLS errors are ssl errors by type, but lack their attributes.
    for cause in reversed(causes):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return WebError("certificate", certificate_text(host, cause), sent=sent)
        if isinstance(cause, ssl.SSLError):
            what = getattr(cause, "reason", None) or cause
            text = f"{host}: the TLS handshake failed ({what}); is that an HTTPS port?"
            return WebError("connection", text, sent=sent)
    root = causes[-1]
    if _is_connection(error, root):
        detail = network_cause(root) or str(root) or type(root).__name__
        told = "the connection broke" if sent else "no connection"
        return WebError("connection", f"{host}: {told} ({detail})", sent=sent)
    return WebError("protocol", f"{host}: no usable HTTP answer ({root})", sent=sent)


def _is_connection(error: Exception, root: BaseException) -> bool:
    """Whether the network failed, rather than what came over it.

    httpx-aiohttp maps a dropped connection to ConnectTimeout and leaves bad HTTP unmapped, so the
    root is asked first.
    """
    if isinstance(root, aiohttp.ClientResponseError | aiohttp.InvalidURL):
        return False
    if isinstance(root, aiohttp.ClientError | OSError):
        return True
    dropped = httpx.NetworkError | httpx.TimeoutException | httpx.RemoteProtocolError
    return isinstance(error, dropped)


def _causes(error: BaseException) -> list[BaseException]:
    found = [error]
    while (cause := found[-1].__cause__) is not None and len(found) < 8:  # noqa: PLR2004 - no loops
        found.append(cause)
    return found
