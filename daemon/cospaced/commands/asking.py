"""Asking the daemon, or its state file while no daemon runs."""

import asyncio
import sys
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

import click

from cospaced.commands.table import table
from cospaced.commands.terminal import span
from cospaced.engine.questions import Questions
from cospaced.errors import CospacedError
from cospaced.host.clock import SystemClock
from cospaced.host.control import ControlAbsent, ask, control_path
from cospaced.host.printable import printable
from cospaced.ports import Store
from cospaced.settings import STATE_FILE, Settings


FAILED = 1


def about_booking(command: str, booking: str, settings: Settings) -> dict[str, Any]:
    """Return what `why` or `invite` is answered about one booking.

    Exits with status 1, saying why, where nobody can tell; with the candidates, where the name
    means several bookings. Says so on stderr where the state file was read.
    """
    try:
        answer = _asked(command, booking, settings)
    except CospacedError as error:
        fail(command, str(error))
    if "candidates" in answer:
        click.echo(f"cospaced {command}: {booking!r} may be one of these:", err=True)
        click.echo(_candidates(answer["candidates"], settings), err=True)
        if answer["more"]:
            click.echo(f"and {answer['more']} more", err=True)
        sys.exit(FAILED)
    return answer


def _asked(command: str, booking: str, settings: Settings) -> dict[str, Any]:
    request = {"command": command, "booking": booking}
    try:
        return ask(control_path(settings.daemon.state_dir), request)
    except ControlAbsent:
        answer = asyncio.run(_from_state(command, booking, settings))
    say_not_running(settings)
    return answer


def state_of(settings: Settings) -> AbstractAsyncContextManager[Store]:
    """Open the state file to look into; raises StoreUnusable where it cannot be read."""
    # Read only now: it brings everything that the daemon is made of, for which nobody waits whom
    # the daemon itself answers.
    from cospaced.bootstrap import stored  # noqa: PLC0415

    return stored(settings)


async def _from_state(command: str, booking: str, settings: Settings) -> dict[str, Any]:
    async with state_of(settings) as store:
        rows = await store.bookings()
        questions = Questions(
            rows=lambda: rows, story=store.story, settings=lambda: settings, now=SystemClock().now
        )
        return await questions.answer(command, booking)


def say_not_running(settings: Settings) -> None:
    """Say that what is shown comes from the state file."""
    file = settings.daemon.state_dir / STATE_FILE
    written = datetime.fromtimestamp(_written(settings), ZoneInfo(settings.daemon.time_zone))
    click.echo(
        f"cospaced is not running: this is what {file} holds, last written "
        f"{written:%Y-%m-%d %H:%M:%S}",
        err=True,
    )


def _written(settings: Settings) -> float:
    """Return when the state was last written to; recent changes lie in the file beside it."""
    file = settings.daemon.state_dir / STATE_FILE
    log = file.with_name(f"{file.name}-wal")
    return max(path.stat().st_mtime for path in (file, log) if path.exists())


def fail(command: str, reason: str) -> NoReturn:
    """Say what is wrong and exit with status 1."""
    click.echo(printable(f"cospaced {command}: {reason}"), err=True)
    sys.exit(FAILED)


def _candidates(bookings: list[Mapping[str, Any]], settings: Settings) -> str:
    zone = ZoneInfo(settings.daemon.time_zone)
    rows = [
        [
            one["id"],
            span(one["start"], one["end"], zone),
            one["numeric_id"] or "-",
            one["state"],
            ", ".join(one["rooms"]),
        ]
        for one in bookings
    ]
    return table(["id", "when", "number", "state", "rooms"], rows)
