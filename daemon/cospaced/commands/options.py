"""What every command takes: the configuration file, and how a bad one ends."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from cospaced.bootstrap_calendars import check_calendars
from cospaced.configuration import load
from cospaced.errors import ConfigurationError
from cospaced.host.unit import CREDENTIALS
from cospaced.settings import Settings


DEFAULT_FILE = Path("/etc/cospaced/cospaced.ini")
BAD_CONFIGURATION = 2
"""Exit status; the unit does not start again after it."""


def config_option(command: Any) -> Any:
    """Add `-c FILE` to a command, as its parameter `file`."""
    return click.option(
        "-c",
        "--config",
        "file",
        # Whether it can be read is found by reading it: with a remedy, and for doctor as a finding.
        type=click.Path(path_type=Path, readable=False),
        default=DEFAULT_FILE,
        show_default=True,
        help="The configuration file.",
    )(command)


def environment_for(file: Path) -> Mapping[str, str]:
    """Return what a file is loaded with: the environment, and what only the service is given.

    Secrets may be systemd credentials. While the unit runs, root and the daemon's user find them
    in its directory; they belong to the unit's file, and to no other.
    """
    found = os.environ
    if file.absolute() != DEFAULT_FILE or "CREDENTIALS_DIRECTORY" in found:
        return found
    readable = os.access(CREDENTIALS, os.R_OK | os.X_OK)
    return {**found, "CREDENTIALS_DIRECTORY": str(CREDENTIALS)} if readable else found


def load_or_exit(file: Path) -> Settings:
    """Return the settings, or print every problem and exit with status 2."""
    try:
        settings = load(file, environment=environment_for(file))
        check_calendars(settings)
    except ConfigurationError as error:
        for problem in error.problems:
            click.echo(str(problem), err=True)
        sys.exit(BAD_CONFIGURATION)
    return settings
