"""`cospaced close-all`: closes every space of the pool and ends its calls."""

import asyncio
import sys
from pathlib import Path

import click

from cospaced.bootstrap import closing_all
from cospaced.commands.asking import FAILED, fail
from cospaced.commands.options import config_option, load_or_exit
from cospaced.commands.table import table
from cospaced.engine.closing_all import Closed, Found
from cospaced.errors import CospacedError
from cospaced.host.clock import SystemClock
from cospaced.host.lock import StateLock
from cospaced.host.log_setup import configure
from cospaced.host.printable import printable
from cospaced.settings import Settings


REMEMBERED = """\
A later start opens none of these conferences again. Those that are still to come open at their
time as ever, if the daemon runs then: systemctl disable --now cospaced keeps it from that."""
FORGOTTEN = """\
There is no state file to remember this by: a later start opens again what is not over by then.
systemctl disable --now cospaced keeps the daemon from that."""


@click.command("close-all")
@config_option
@click.option("--yes", is_flag=True, help="Do not ask; needed where nobody can be asked.")
def close_all(file: Path, yes: bool) -> None:
    """Close every space of the pool and end its calls, to take the daemon out of service.

    The daemon must have been stopped. People are cut off without a warning on screen. Exits with
    status 1 where anything stays open, or unknown.
    """
    settings = load_or_exit(file)
    clock = SystemClock()
    logging = configure(
        level="error", format="console", clock=clock, stderr=sys.stderr, environment={}
    )
    try:
        with StateLock(settings.daemon.state_dir):
            done = asyncio.run(_closed(settings, sure=yes))
    except CospacedError as error:
        fail("close-all", str(error))
    finally:
        logging.close()
    if not done:
        sys.exit(FAILED)


async def _closed(settings: Settings, *, sure: bool) -> bool:
    async with closing_all(settings) as closing:
        found = await closing.look()
        click.echo(_plan(found))
        _tell_doubtful(found)
        if not found.slots:
            return not found.doubtful
        if not (sure or _confirmed()):
            click.echo("Nothing was closed.", err=True)
            return False
        closed = await closing.close(found)
    click.echo(_result(found, closed))
    click.echo(REMEMBERED if closing.remembers else FORGOTTEN)
    _tell_doubtful(closed.left)
    return not closed.left.slots and not closed.left.doubtful


def _confirmed() -> bool:
    if not sys.stdin.isatty():
        click.echo("cospaced close-all: nobody can be asked here; say --yes", err=True)
        return False
    # The loop has nothing else to do than to wait for this answer.
    return click.confirm("Close them all and end their calls now?")


def _plan(found: Found) -> str:
    if not found.slots:
        return "Nothing of the pool is open, and no call runs in it."
    rows = [
        [
            str(slot.number),
            "open" if slot.open else "locked",
            str(len(slot.calls)),
            slot.booking or "-",
            slot.space,
        ]
        for slot in found.slots
    ]
    opened = sum(1 for slot in found.slots if slot.open)
    head = (
        f"Open spaces: {opened}. Calls in spaces of the pool: {len(found.calls)}. "
        f"Connected participants: {found.people}."
    )
    return f"{head}\n{table(['number', 'space is', 'calls', 'booking', 'space'], rows)}"


def _result(found: Found, closed: Closed) -> str:
    left = closed.left.slots
    lines = [
        f"Number {slot.number}: still {'open' if slot.open else 'holds a call'}"
        f" ({closed.reasons.get(slot.number, 'CMS shows it though it confirmed the close')})"
        for slot in left
    ]
    done = len(found.slots) - len(left)
    lines.append(f"{done} of {len(found.slots)} are closed; a look at CMS shows them so.")
    return "\n".join(map(printable, lines))


def _tell_doubtful(found: Found) -> None:
    for number, why in found.untouched.items():
        text = f"the conference on number {number} is left open: {why}; close it on CMS"
        click.echo(printable(f"cospaced close-all: {text}"), err=True)
    for bridge in found.blind:
        click.echo(
            f"cospaced close-all: Call Bridge {bridge} does not answer: calls on it may go on;"
            " run this again when it does",
            err=True,
        )
