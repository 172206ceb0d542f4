"""`cospaced doctor`: looks at everything an administrator must set up, each with its remedy."""

import asyncio
import json
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from cospaced.bootstrap_doctor import doctor_site
from cospaced.commands.options import config_option, environment_for
from cospaced.commands.terminal import terminal
from cospaced.configuration import load
from cospaced.doctor import configuration
from cospaced.doctor.base import Severity, error, note, split_remedy
from cospaced.doctor.examination import Examined, examine
from cospaced.doctor.rendering import document, text, worst
from cospaced.errors import ConfigurationError, Problem
from cospaced.host.clock import SystemClock
from cospaced.host.leaving import EXIT_WITHIN, leave_within, threads_end
from cospaced.host.log_setup import configure
from cospaced.ports import Clock


UNSEEN_WIDTH = 100
"""Columns that are filled where no terminal is."""


@click.command()
@config_option
@click.option(
    "--processing",
    type=click.Path(path_type=Path, readable=False),
    metavar="CSV",
    help="What Exchange says of its rooms (contrib/exchange/Export-RoomProcessing.ps1).",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(file: Path, processing: Path | None, as_json: bool) -> None:
    """Look at everything that must be set up, and say what to do; change nothing.

    Runs beside the daemon or without it; as root it sees most. Exit 0 where nothing wants a
    person, 1 where something does (a warning or an error).
    """
    clock = SystemClock()
    logging = configure(
        level="error", format="console", clock=clock, stderr=sys.stderr, environment={}
    )
    try:
        told = asyncio.run(_doctor(file, clock, processing=processing, as_json=as_json))
    finally:
        logging.close()
    if threads_end(EXIT_WITHIN / 2):
        told.guard.cancel()
    if told.unprinted is not None:
        raise told.unprinted
    sys.exit(told.status)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """The exit status, what brings the exit about, and why nothing could be printed."""

    status: int
    guard: threading.Timer
    unprinted: OSError | None


async def _doctor(file: Path, clock: Clock, *, processing: Path | None, as_json: bool) -> _Told:
    try:
        settings = load(file, environment=environment_for(file))
        async with doctor_site(settings, processing=processing) as site:
            return _told(await examine(site), clock, as_json=as_json)
    except ConfigurationError as unusable:
        return _told((_refused(unusable, file),), clock, as_json=as_json)


def _refused(unusable: ConfigurationError, file: Path) -> Examined:
    """Return what is wrong with a file that cannot be used: then nothing else can be looked at."""
    found = [
        error(*_where(problem), f"file {problem.file}:{problem.line}")
        for problem in unusable.problems
    ]
    rest = note("everything else is looked at once it can be used", subject=f"file {file}")
    return Examined(check=configuration.CHECK, findings=(*found, rest))


def _where(problem: Problem) -> tuple[str, str]:
    seen, remedy = split_remedy(problem.text)
    key = " ".join(part for part in (f"[{problem.section}]", problem.key) if part not in ("[]", ""))
    return f"{key}: {seen}" if key else seen, remedy


def _told(examined: Sequence[Examined], clock: Clock, *, as_json: bool) -> _Told:
    """Print what was found, before anything is closed: that may hang."""
    if as_json:
        shown = json.dumps(document(examined, clock.now()), indent=2)
    else:
        page = terminal()
        shown = text(examined, width=page.width or UNSEEN_WIDTH, coloured=page.colour)
    unprinted = None
    try:
        click.echo(shown)
    except OSError as error:
        # Raised here, it would come out of what the site is made of, as a fault of that.
        unprinted = error
    status = int(worst(examined) >= Severity.WARNING)
    return _Told(status=status, guard=leave_within(EXIT_WITHIN, status), unprinted=unprinted)
