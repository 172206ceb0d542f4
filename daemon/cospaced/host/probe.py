"""Questions to a server that need no login: how long its certificate holds, what time it has."""

import asyncio
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

from cospaced.host.causes import network_cause
from cospaced.host.tls import certificate_text, tls_context
from cospaced.host.web import Web, WebError
from cospaced.ports import Clock


_HALF = timedelta(seconds=0.5)
_LIMIT = 4_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server as a TLS client meets it: its address, and whom to trust."""

    url: str
    """`https://host[:port]` or `http://host[:port]`."""
    ca_file: Path | None = None
    verify: bool = True

    @property
    def secure(self) -> bool:
        """Whether it speaks TLS."""
        return self.url.startswith("https://")


async def certificate_end(server: Server, seconds: float) -> datetime:
    """Return until when the server's own certificate is valid.

    Raises WebError where there is no connection or the certificate is not trusted.
    """
    parts = urlsplit(server.url)
    host, port = parts.hostname or "", parts.port or 443
    try:
        context = tls_context(verify=True, ca_file=server.ca_file)
        async with asyncio.timeout(seconds):
            _, writer = await asyncio.open_connection(host, port, ssl=context, server_hostname=host)
        try:
            shown = writer.get_extra_info("peercert") or {}
        finally:
            writer.transport.abort()
    except ssl.SSLCertVerificationError as error:
        text = certificate_text(parts.netloc, error)
        raise WebError("certificate", text, sent=False) from error
    except (OSError, ValueError) as error:
        timed_out = isinstance(error, TimeoutError)
        told = "" if timed_out else network_cause(error) or str(error)
        told = told or f"no answer within {seconds:g} s"
        raise WebError("connection", f"{parts.netloc}: no connection ({told})", sent=False) from (
            error
        )
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(shown["notAfter"]), UTC)


async def clock_offset(server: Server, clock: Clock, seconds: float) -> timedelta | None:
    """Return how far the server's clock is ahead of ours, by the Date header of an answer.

    Exact to about half a second; None where it sends no Date. Whatever it answers will do: nothing
    is asked for and no password sent. Raises WebError.
    """
    web = Web(verify=server.verify, ca_file=server.ca_file, connections=1)
    try:
        began = clock.now()
        answer = await web.request("GET", f"{server.url}/", total=seconds, limit=_LIMIT)
        ended = clock.now()
    finally:
        await web.close()
    try:
        told = parsedate_to_datetime(answer.headers.get("date", ""))
    except ValueError:
        return None
    # RFC 9110, section 6.6.1: whole seconds, in GMT; half a second is cut off on average.
    return told.replace(tzinfo=told.tzinfo or UTC) + _HALF - (began + (ended - began) / 2)
