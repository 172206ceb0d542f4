"""`cospaced demo`: the whole system in one terminal, in about forty seconds."""

import asyncio
import errno
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING

import click


if TYPE_CHECKING:
    from cospaced.commands.demonstration.board import Board
    from cospaced.commands.demonstration.performance import Audience, Verdict
    from cospaced.ports import Clock


NEEDED = ("rich", "uvicorn", "cryptography")
OF_EXCHANGE = ("exchangelib", "spnego")
LEAST_WIDTH, LEAST_HEIGHT = 72, 22
"""Columns and lines of a terminal that can show the picture; a smaller one gets plain lines."""
BROKEN = 1
INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it."""


@click.command()
@click.option("--plain", is_flag=True, help="Plain lines, as when the output is no terminal.")
@click.option("--keep", is_flag=True, help="Keep the configuration, calendars and state it made.")
@click.option(
    "--exchange", is_flag=True, help="With rooms of a simulated Exchange in place of .ics files."
)
def demo(plain: bool, keep: bool, exchange: bool) -> None:
    """Show it all: a simulated CMS, real calendars, the real daemon, in about 40 seconds.

    Touches nothing outside a temporary folder. Ends with exit status 0 if every promise of its
    summary was kept, else 1.
    """
    needed = (*NEEDED, *OF_EXCHANGE) if exchange else NEEDED
    missing = [name for name in needed if find_spec(name) is None]
    if missing:
        extras = "exchange,simulator" if exchange else "simulator"
        text = f"the demo needs {' and '.join(missing)}: pip install 'cospaced[{extras}]'"
        raise click.ClickException(text)
    try:
        folder = Path(tempfile.mkdtemp(prefix="cospaced-demo-"))
    except OSError as error:
        raise click.ClickException(f"no temporary folder: {error} (set TMPDIR)") from error
    try:
        status = _show(folder, plain=plain, exchange=exchange)
    finally:
        if keep:
            click.echo(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    sys.exit(status)


def _show(folder: Path, *, plain: bool, exchange: bool) -> int:
    from rich.console import Console  # noqa: PLC0415 - needs the extra `simulator`

    from cospaced.commands.demonstration.plain import Plain  # noqa: PLC0415 - likewise
    from cospaced.commands.demonstration.screen import Screen  # noqa: PLC0415 - likewise
    from cospaced.commands.demonstration.summary import show  # noqa: PLC0415 - likewise

    if isinstance(sys.stdout, TextIOWrapper):
        # A terminal that knows no line drawing must not end the demo.
        sys.stdout.reconfigure(errors="replace")
    console = Console(highlight=False)

    def seat(board: "Board", clock: "Clock") -> "Audience":
        small = console.width < LEAST_WIDTH or console.height < LEAST_HEIGHT
        if plain or small or not console.is_terminal or console.is_dumb_terminal:
            return Plain(board, click.echo)
        return Screen(board, clock, console)

    try:
        verdict = asyncio.run(_performed(folder, seat, exchange=exchange))
    except (asyncio.CancelledError, KeyboardInterrupt):
        click.echo("Interrupted; the daemon and the simulator are stopped.", err=True)
        return INTERRUPTED
    show(verdict, console)
    return 0 if verdict.kept else BROKEN


async def _performed(
    folder: Path, seat: "Callable[[Board, Clock], Audience]", *, exchange: bool
) -> "Verdict":
    from cospaced.commands.demonstration.exchange import mailboxes  # noqa: PLC0415 - likewise
    from cospaced.commands.demonstration.files import files  # noqa: PLC0415 - likewise
    from cospaced.commands.demonstration.performance import perform  # noqa: PLC0415 - likewise

    task = asyncio.current_task()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGHUP):
        # SIGINT is asyncio's own, and ends in the same way.
        loop.add_signal_handler(number, lambda: task and task.cancel())
    try:
        return await perform(folder, seat, mailboxes if exchange else files)
    except BaseExceptionGroup as group:
        if group.subgroup(BrokenPipeError) is not None:
            # Whoever read the lines has gone; click ends quietly on this one.
            raise BrokenPipeError(errno.EPIPE, "nobody reads the output") from None
        raise
