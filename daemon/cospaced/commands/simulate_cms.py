"""`cospaced simulate-cms`: the CMS simulator alone, for trying things by hand."""

import asyncio
import re
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from shutil import copyfile
from typing import TYPE_CHECKING

import click

from cospaced.commands.until_stopped import stopping
from cospaced.host.clock import SystemClock
from cospaced.host.entropy import SystemEntropy
from cospaced.simulator.cluster import Cluster
from cospaced.simulator.endpoints import Behaviour
from cospaced.simulator.knobs import Knobs
from cospaced.simulator.request_log import Logged


if TYPE_CHECKING:
    from cospaced.simulator.serve import Served


_LATENCY = re.compile(r"(\d+(?:\.\d+)?)(ms|s)")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    bridges: int
    host: str
    port: int
    username: str
    password: str
    password_file: Path | None
    ca_out: Path | None
    latency: float
    endpoints: dict[str, Behaviour]
    verbose: bool


def _latency(_: click.Context, __: click.Parameter, value: str) -> float:
    found = _LATENCY.fullmatch(value)
    if found is None:
        raise click.BadParameter(f"{value!r} is no duration: write 50ms or 0.2s")
    return float(found[1]) / (1000 if found[2] == "ms" else 1)


def _endpoints(
    _: click.Context, __: click.Parameter, values: tuple[str, ...]
) -> dict[str, Behaviour]:
    found: dict[str, Behaviour] = {}
    for value in values:
        uri, separator, behaviour = value.rpartition("=")
        if not separator or not uri:
            raise click.BadParameter(f"{value!r}: write URI=BEHAVIOUR")
        try:
            found[uri] = Behaviour.parse(behaviour)
        except ValueError as error:
            raise click.BadParameter(str(error)) from error
    return found


@click.command("simulate-cms")
@click.option(
    "--bridges",
    default=1,
    show_default=True,
    help="How many Call Bridges.",
    type=click.IntRange(1, 64),
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    default=8443,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port of the first bridge, the others follow; 0: any free ones.",
)
@click.option("--username", default="admin", show_default=True)
@click.option("--password", default="simulated", show_default=True)
@click.option(
    "--password-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File whose first line is the password.",
)
@click.option(
    "--ca-out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to put the CA that clients are to trust.",
)
@click.option(
    "--latency",
    default="0ms",
    show_default=True,
    callback=_latency,
    help="How long every answer takes.",
)
@click.option(
    "--endpoint",
    "endpoints",
    multiple=True,
    metavar="URI=BEHAVIOUR",
    callback=_endpoints,
    help="connect[:RING][,hangup:SECONDS][,drop:SECONDS], reject[:RING], busy, "
    "no-answer or unknown. Others connect after two seconds.",
)
@click.option("-v", "--verbose", is_flag=True, help="Write a line for each request.")
def simulate_cms(  # noqa: PLR0913 - click hands each option over by name
    *,
    bridges: int,
    host: str,
    port: int,
    username: str,
    password: str,
    password_file: Path | None,
    ca_out: Path | None,
    latency: float,
    endpoints: dict[str, Behaviour],
    verbose: bool,
) -> None:
    """Run a simulated Cisco Meeting Server until Ctrl-C.

    Its Call Bridges share one database and listen with HTTPS on ports of their own.
    """
    missing = [name for name in ("uvicorn", "cryptography") if find_spec(name) is None]
    if missing:
        text = f"the simulator needs {' and '.join(missing)}: install cospaced[simulator]"
        raise click.ClickException(text)
    if password_file is not None:
        password = password_file.read_text(encoding="utf-8").partition("\n")[0]
    order = _Order(
        bridges=bridges,
        host=host,
        port=port,
        username=username,
        password=password,
        password_file=password_file,
        ca_out=ca_out,
        latency=latency,
        endpoints=endpoints,
        verbose=verbose,
    )
    with tempfile.TemporaryDirectory(prefix="cospaced-simulator-") as folder:
        asyncio.run(_simulate(order, Path(folder)))


async def _simulate(order: _Order, folder: Path) -> None:
    from cospaced.simulator.serve import serve  # noqa: PLC0415 - needs the extra `simulator`

    half = (order.latency / 2, order.latency / 2)
    cluster = Cluster(
        SystemClock(),
        SystemEntropy(),
        bridges=[f"CallBridge-Core{number + 1}" for number in range(order.bridges)],
        username=order.username,
        password=order.password,
        knobs=Knobs(latency_before=half, latency_after=half),
    )
    for uri, behaviour in order.endpoints.items():
        cluster.scenarios.behave(uri, behaviour)
    if order.verbose:
        cluster.requests.listeners.append(_RequestLines())
    ports = [order.port + number if order.port else 0 for number in range(order.bridges)]
    stop = stopping()
    try:
        serving = serve(cluster, certificate_dir=folder, host=order.host, ports=ports)
        async with serving as served:
            _introduce(order, served)
            await stop.wait()
    except OSError as error:
        text = f"cannot listen on {order.host}, port {order.port} and up: {error.strerror or error}"
        raise click.ClickException(text) from error


def _introduce(order: _Order, served: "tuple[Served, ...]") -> None:
    ca_file = served[0].ca_file
    if order.ca_out is not None:
        copyfile(ca_file, order.ca_out)
        ca_file = order.ca_out.absolute()
    for one in served:
        click.echo(f"{one.name} listens on {one.url}")
    click.echo(f"clients verify it with {ca_file}")
    click.echo("\nin cospaced.ini:\n\n[cms]")
    click.echo(f"address = {served[0].url}")
    click.echo(f"username = {order.username}")
    if order.password_file is not None:
        click.echo(f"password_file = {order.password_file.absolute()}")
    else:
        click.echo(f"password = {order.password}")
    click.echo(f"ca_file = {ca_file}")
    click.echo("\nCtrl-C ends it.")


class _RequestLines:
    """Writes each request as CMS's API trace and audit log would, on one line."""

    def __init__(self) -> None:
        self._number = 0

    def __call__(self, logged: Logged) -> None:
        self._number += 1
        answer = f"sending {logged.status} response, size {logged.size}"
        line = (
            f"{logged.at:%b %d %H:%M:%S} {logged.bridge}: API trace {self._number}: "
            f'{logged.method} for "{logged.path}" (from {logged.client}): '
            f"{answer if logged.status else 'no answer'}"
        )
        if logged.effect:
            line += f'; API user "{logged.user}" {logged.effect}'
        click.echo(line, err=True)
