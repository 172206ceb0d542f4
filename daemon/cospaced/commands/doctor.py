"""`cospaced doctor`: looks at everything an administrator must set up, each with its remedy."""

import asyncio
import json
import os
import shutil
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import click

from cospaced.bootstrap_doctor import doctor_site
from cospaced.commands.options import config_option, environment_for
from cospaced.configuration import load
from cospaced.doctor import configuration
from cospaced.doctor.base import Severity, error, note, split_remedy
from cospaced.doctor.examination import Examined, examine
from cospaced.doctor.rendering import document, text, worst
from cospaced.errors import ConfigurationError, Problem
from cospaced.host.clock import SystemClock
from cospaced.host.leaving import leave_within, threads_end
from cospaced.host.log_setup import configure
from cospaced.ports import Clock


EXIT_WITHIN = 1.0
"""Seconds that threads are waited for when all is said."""


@click.command()
@config_option
@click.option(
    "--processing",
    type=click.Path(path_type=Path),
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
        status, guard = asyncio.run(_doctor(file, clock, processing=processing, as_json=as_json))
    finally:
        logging.close()
    if threads_end(EXIT_WITHIN / 2):
        guard.cancel()
    sys.exit(status)


async def _doctor(
    file: Path, clock: Clock, *, processing: Path | None, as_json: bool
) -> tuple[int, threading.Timer]:
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


def _told(
    examined: Sequence[Examined], clock: Clock, *, as_json: bool
) -> tuple[int, threading.Timer]:
    """Print what was found; return the exit status, and what brings the exit about."""
    if as_json:
        click.echo(json.dumps(document(examined, clock.now()), indent=2))
    else:
        coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        width = shutil.get_terminal_size((100, 24)).columns
        click.echo(text(examined, width=width, coloured=coloured))
    sys.stdout.flush()
    status = int(worst(examined) >= Severity.WARNING)
    return status, leave_within(EXIT_WITHIN, status)
