"""uvicorn on a port of one's own, in the loop that is running.

Its servers are started and shut down by hand: they need neither its signal handlers nor its ticking
main loop.
"""

import asyncio
import socket
from pathlib import Path

import uvicorn

from cospaced.loopback.asgi import App, Send


def make_server(
    app: App, *, certificate: Path | None = None, key: Path | None = None
) -> uvicorn.Server:
    """Return a server that is ready for `startup`; with a certificate it speaks TLS."""
    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="off",
        ssl_certfile=certificate,
        ssl_keyfile=key,
        log_config=None,
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=1,
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    return server


def bound(host: str, port: int) -> socket.socket:
    """Return a socket bound to an address; OSError where it is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sets TCP_NODELAY only where the protocol is told; without it, headers and body in two
    # writes meet the client's delayed acknowledgement, and every answer takes 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener


def in_url(host: str) -> str:
    """Return a host as a URL writes it."""
    return f"[{host}]" if ":" in host else host


def drop_connections(server: uvicorn.Server) -> None:
    """Close every connection; ends requests that are never answered, too."""
    for connection in list(server.server_state.connections):
        connection.transport.abort()


def transport_of(send: Send) -> asyncio.Transport | None:
    """Return the connection of a request, None in process.

    ASGI has no word for it: `send` is a method of the server's request, which holds the connection.
    """
    found: asyncio.Transport | None = getattr(getattr(send, "__self__", None), "transport", None)
    return found
