"""A cluster over HTTPS: every bridge on a port of its own, in the loop that is running.

On sockets a bridge that refuses connections takes them and closes them unanswered.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from cospaced.loopback.asgi import App, Receive, Scope, Send, gone
from cospaced.loopback.listening import (
    bound,
    drop_connections,
    in_url,
    make_server,
    transport_of,
)
from cospaced.simulator.certificates import Certificates, certificates_for
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
    certificates = await certificates_for(certificate_dir, host, cluster.state.agenda.clock.now())
    async with AsyncExitStack() as stack:
        served = []
        for bridge, port in zip(cluster.bridges, wanted, strict=True):
            real_port = await stack.enter_async_context(_serving(bridge, host, port, certificates))
            url = f"https://{in_url(host)}:{real_port}"
            bridge.entry.fields["address"] = url
            served.append(Served(name=bridge.name, url=url, ca_file=certificates.ca_file))
        yield tuple(served)


@asynccontextmanager
async def _serving(
    bridge: Bridge, host: str, port: int, certificates: Certificates
) -> AsyncIterator[int]:
    with bound(host, port) as listener:
        app = _closing(bridge.app)
        server = make_server(app, certificate=certificates.file, key=certificates.key)
        await server.startup(sockets=[listener])
        try:
            yield listener.getsockname()[1]
        finally:
            drop_connections(server)
            await server.shutdown(sockets=[listener])


def _closing(app: App) -> App:
    """Return the application with a lost answer turned into a closed connection."""

    async def closing(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await app(scope, receive, send)
        except (ConnectionLost, ConnectionRefused):
            connection = transport_of(send)
            if connection is not None:
                connection.abort()
            await gone(receive)

    return closing
