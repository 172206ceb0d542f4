"""A cluster over HTTPS: every bridge on a port of its own, in the loop that is running.

uvicorn's servers are started and shut down by hand here: they need neither its signal handlers nor
its ticking main loop. On sockets a bridge that refuses connections takes them and closes them
unanswered.
"""

import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from cospaced.host.offload import ThreadOffload
from cospaced.simulator.app import App, Receive, Scope, Send, gone
from cospaced.simulator.certificates import LOOPBACK, Certificates, make_certificates
from cospaced.simulator.cluster import Bridge, Cluster
from cospaced.simulator.wire import ConnectionLost, ConnectionRefused


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """One bridge that listens."""

    name: str
    url: str
    """`https://host:port`, as /callBridges tells it."""
    ca_file: Path
    """The authority that signed its certificate."""


@asynccontextmanager
async def serve(
    cluster: Cluster,
    *,
    certificate_dir: Path,
    host: str = "127.0.0.1",
    ports: Sequence[int] = (),
) -> AsyncIterator[tuple[Served, ...]]:
    """Serve every bridge until the block is left; `ports` one each, 0 or none: any free one.

    Sets the addresses that /callBridges tells. Raises OSError where a port is taken.
    """
    wanted = list(ports) or [0] * len(cluster.bridges)
    if len(wanted) != len(cluster.bridges):
        raise ValueError(f"{len(cluster.bridges)} bridges need as many ports, not {len(wanted)}")
    certificates = await _certificates(cluster, certificate_dir, host)
    async with AsyncExitStack() as stack:
        served = []
        for bridge, port in zip(cluster.bridges, wanted, strict=True):
            real_port = await stack.enter_async_context(_serving(bridge, host, port, certificates))
            url = f"https://{f'[{host}]' if ':' in host else host}:{real_port}"
            bridge.entry.fields["address"] = url
            served.append(Served(name=bridge.name, url=url, ca_file=certificates.ca_file))
        yield tuple(served)


async def _certificates(cluster: Cluster, folder: Path, host: str) -> Certificates:
    hosts = [*LOOPBACK, *([host] if host not in LOOPBACK else [])]
    now = cluster.state.agenda.clock.now()
    offload = ThreadOffload("certificates")
    try:
        return await offload.run(lambda: make_certificates(folder, hosts, now))
    finally:
        offload.close()


@asynccontextmanager
async def _serving(
    bridge: Bridge, host: str, port: int, certificates: Certificates
) -> AsyncIterator[int]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        server = _server(bridge.app, certificates)
        await server.startup(sockets=[listener])
        try:
            yield listener.getsockname()[1]
        finally:
            # Also ends requests that are never answered: they wait for their client to go.
            for connection in list(server.server_state.connections):
                connection.transport.abort()
            await server.shutdown(sockets=[listener])


def _server(app: App, certificates: Certificates) -> uvicorn.Server:
    config = uvicorn.Config(
        _closing(app),
        http="h11",
        ws="none",
        lifespan="off",
        ssl_certfile=certificates.file,
        ssl_keyfile=certificates.key,
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


def _closing(app: App) -> App:
    """Return the application with a lost answer turned into a closed connection."""

    async def closing(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await app(scope, receive, send)
        except (ConnectionLost, ConnectionRefused):
            # ASGI has no word for this: `send` is a method of the server's request, which holds
            # the connection.
            connection = getattr(getattr(send, "__self__", None), "transport", None)
            if connection is not None:
                connection.abort()
            await gone(receive)

    return closing
