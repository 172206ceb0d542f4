"""`cospaced simulate-exchange`: the Exchange simulator alone, for trying things by hand."""

import asyncio
import tempfile
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from shutil import copyfile
from typing import TYPE_CHECKING

import click

from cospaced.commands.until_stopped import stopping
from cospaced.exchange_simulator.exchange import Exchange
from cospaced.exchange_simulator.knobs import Knobs
from cospaced.exchange_simulator.recurrence import DAYS, Daily, Recurrence, Weekly
from cospaced.exchange_simulator.request_log import Logged
from cospaced.exchange_simulator.rights import EVERYBODY, Account
from cospaced.exchange_simulator.scenarios import Wording
from cospaced.host.clock import SystemClock
from cospaced.host.entropy import SystemEntropy


if TYPE_CHECKING:
    from cospaced.exchange_simulator.serve import Identity, Served


_SCHEMES = {"basic": "Basic", "ntlm": "NTLM", "oauth": "Bearer"}
_ORGANIZER = "anna@example.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    host: str
    port: int
    rooms: tuple[str, ...]
    auth: str
    username: str
    password: str
    ca_out: Path | None
    verbose: bool


@click.command("simulate-exchange")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    default=8444,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port to listen on; 0: any free one.",
)
@click.option(
    "--room",
    "rooms",
    multiple=True,
    metavar="ADDRESS",
    help="Mail address of a room; may be given several times. Default: two rooms at example.com.",
)
@click.option(
    "--auth",
    default="basic",
    show_default=True,
    type=click.Choice(list(_SCHEMES)),
    help="How clients log in; for oauth the user is a client id and the password its secret.",
)
@click.option("--username", default="cospaced", show_default=True)
@click.option("--password", default="simulated", show_default=True)
@click.option(
    "--ca-out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Serve HTTPS, and put the CA that clients are to trust there.",
)
@click.option("-v", "--verbose", is_flag=True, help="Write a line for each request.")
def simulate_exchange(  # noqa: PLR0913 - click hands each option over by name
    *,
    host: str,
    port: int,
    rooms: tuple[str, ...],
    auth: str,
    username: str,
    password: str,
    ca_out: Path | None,
    verbose: bool,
) -> None:
    """Run a simulated Exchange until Ctrl-C.

    The calendar of each room holds a booking that starts in five minutes, a weekly one and a daily
    one, all of them with every room.
    """
    wanted = ["uvicorn"] + ["cryptography"] * bool(ca_out) + ["spnego"] * (auth == "ntlm")
    missing = [name for name in wanted if find_spec(name) is None]
    if missing:
        extras = "exchange,simulator" if "spnego" in missing else "simulator"
        text = f"the simulator needs {' and '.join(missing)}: install cospaced[{extras}]"
        raise click.ClickException(text)
    order = _Order(
        host=host,
        port=port,
        rooms=rooms or ("boardroom@example.com", "library@example.com"),
        auth=auth,
        username=username,
        password=password,
        ca_out=ca_out,
        verbose=verbose,
    )
    with tempfile.TemporaryDirectory(prefix="cospaced-simulator-") as folder:
        asyncio.run(_simulate(order, Path(folder)))


async def _simulate(order: _Order, folder: Path) -> None:
    from cospaced.exchange_simulator.serve import serve  # noqa: PLC0415 - needs `simulator`

    clock = SystemClock()
    knobs = Knobs(schemes=(_SCHEMES[order.auth],))
    exchange = Exchange(clock, SystemEntropy(), knobs=knobs)
    _furnish(exchange, order, clock.now())
    if order.verbose:
        exchange.requests.listeners.append(_tell)
    stop = stopping()
    try:
        identity = await _identity(order, folder, clock.now())
        serving = serve(
            exchange, folder=folder, host=order.host, port=order.port, identity=identity
        )
        async with serving as served:
            _introduce(order, served)
            await stop.wait()
    except OSError as error:
        text = f"cannot listen on {order.host}, port {order.port}: {error.strerror or error}"
        raise click.ClickException(text) from error


async def _identity(order: _Order, folder: Path, now: datetime) -> "Identity | None":
    if order.ca_out is None:
        return None
    from cospaced.exchange_simulator.serve import Identity  # noqa: PLC0415 - as above
    from cospaced.simulator.certificates import certificates_for  # noqa: PLC0415 - as above

    made = await certificates_for(folder, order.host, now)
    copyfile(made.ca_file, order.ca_out)
    return Identity(certificate=made.file, key=made.key)


def _furnish(exchange: Exchange, order: _Order, now: datetime) -> None:
    """Open the mailboxes and put something into them."""
    everybody = frozenset([EVERYBODY])
    exchange.grant(
        Account(
            name=order.username,
            password=order.password,
            impersonates=everybody,
            delegate_of=everybody,
        )
    )
    exchange.scenarios.add_person(_ORGANIZER, "Anna Example")
    for room in order.rooms:
        exchange.scenarios.add_room(room)
    minute = now.replace(second=0, microsecond=0)
    length = timedelta(minutes=15)
    tomorrow = minute + timedelta(days=1)
    for start, subject, recurrence in (
        (minute + timedelta(minutes=5), "In five minutes", None),
        (tomorrow, "Every day", Recurrence(pattern=Daily())),
        (
            tomorrow + timedelta(hours=1),
            "Every week",
            Recurrence(pattern=Weekly(days=DAYS[tomorrow.weekday()]), number=10),
        ),
    ):
        exchange.scenarios.invite(
            _ORGANIZER,
            order.rooms,
            start,
            length,
            wording=Wording(subject=subject, time_zone="UTC"),
            recurrence=recurrence,
        )


def _introduce(order: _Order, served: "Served") -> None:
    click.echo(f"Exchange listens on {served.url}")
    if order.ca_out is not None:
        click.echo(f"clients verify it with {order.ca_out.absolute()}")
    if order.auth == "oauth":
        click.echo(f"tokens are had from {served.token_url()}")
    click.echo("\nin cospaced.ini:\n\n[calendar:exchange]\ntype = exchange")
    click.echo(f"server = {served.url}")
    click.echo(f"auth = {order.auth}")
    if order.auth == "oauth":
        click.echo("tenant_id = tenant")
        click.echo(f"client_id = {order.username}")
        click.echo(f"client_secret = {order.password}")
    else:
        click.echo(f"username = {order.username}")
        click.echo(f"password = {order.password}")
    if order.ca_out is not None:
        click.echo(f"ca_file = {order.ca_out.absolute()}")
    for room in order.rooms:
        name = room.partition("@")[0]
        click.echo(f"\n[room:{name}]\ncalendar = exchange\nmailbox = {room}")
        click.echo(f"endpoints = {name}@rooms.example.com")
    click.echo("\nCtrl-C ends it.")


def _tell(logged: Logged) -> None:
    answer = f"{logged.status}, {len(logged.body)} bytes" if logged.status else "no answer"
    fault = f" ({logged.fault})" if logged.fault else ""
    about = f" for {logged.mailbox}" if logged.mailbox else ""
    what = f"{logged.operation}{about}: {answer}{fault}"
    click.echo(f"{logged.at:%b %d %H:%M:%S} {logged.account}: {what}", err=True)
