"""Why a connection failed, in our words: libraries wrap that in exceptions of their own."""

import errno
import http.client
import socket
import ssl


_DEEPEST = 12
"""Exceptions in one chain, which may be a ring."""
_NO_HOST = (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))
_NO_ROUTE = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN)
_WORDS: tuple[tuple[type[BaseException], str], ...] = (
    (ConnectionRefusedError, "connection refused"),
    (ConnectionError, "the other side hung up"),
    (TimeoutError, "timed out"),
    (ssl.SSLEOFError, "the other side hung up"),
    (http.client.IncompleteRead, "the answer broke off"),
)


def network_cause(error: BaseException) -> str:
    """Return what lies at the bottom of an error; empty where it is none of the network."""
    return next(filter(None, map(_words, reversed(_chain(error)))), "")


def _chain(error: BaseException) -> list[BaseException]:
    found = [error]
    while len(found) < _DEEPEST:
        cause = found[-1].__cause__ or found[-1].__context__
        if cause is None:
            break
        found.append(cause)
    return found


def _words(error: BaseException) -> str:
    if isinstance(error, socket.gaierror):
        known = error.errno in _NO_HOST
        return "no such host" if known else "its name cannot be resolved now"
    if isinstance(error, OSError) and error.errno in _NO_ROUTE:
        return "no route to it"
    if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
        return f"the TLS handshake failed: {getattr(error, 'reason', None) or error}"
    return next((words for kind, words in _WORDS if isinstance(error, kind)), "")
