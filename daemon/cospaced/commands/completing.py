"""What the shell completes: booking ids, numbers and rooms; quick, and silent where it cannot."""

from pathlib import Path

import click
from click.shell_completion import CompletionItem

from cospaced.commands.options import environment_for
from cospaced.configuration import load
from cospaced.errors import CospacedError
from cospaced.host.control import ask, control_path
from cospaced.settings import Settings


PATIENCE = 1.0
"""Seconds that the daemon is given to answer."""


def bookings(ctx: click.Context, _: click.Parameter, begun: str) -> list[CompletionItem]:
    """Complete a booking: rooms, and what the running daemon holds."""
    settings = _settings(ctx)
    if settings is None:
        return []
    items = [CompletionItem(room.name, help="room") for room in settings.rooms]
    try:
        request = {"command": "beginning", "booking": begun}
        shown = ask(control_path(settings.daemon.state_dir), request, PATIENCE)
    except CospacedError:
        shown = {"bookings": []}
    for one in shown["bookings"]:
        about = f"{one['start']} {one['state']} {', '.join(one['rooms'])}"
        items.append(CompletionItem(one["id"], help=about))
        if one["numeric_id"]:
            items.append(CompletionItem(one["numeric_id"], help=about))
    return [item for item in items if item.value.startswith(begun)]


def rooms(ctx: click.Context, _: click.Parameter, begun: str) -> list[CompletionItem]:
    """Complete the name of a room."""
    settings = _settings(ctx)
    names = [] if settings is None else [room.name for room in settings.rooms]
    return [CompletionItem(name) for name in names if name.startswith(begun)]


def _settings(ctx: click.Context) -> Settings | None:
    file: Path | None = ctx.params.get("file")
    try:
        return load(file, environment=environment_for(file)) if file else None
    except CospacedError:
        return None
