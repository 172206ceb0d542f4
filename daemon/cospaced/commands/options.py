"""What every command takes: the configuration file, and how a bad one ends."""

import os
import sys
from pathlib import Path
from typing import Any

import click

from cospaced.configuration import load
from cospaced.errors import ConfigurationError
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
        type=click.Path(path_type=Path),
        default=DEFAULT_FILE,
        show_default=True,
        help="The configuration file.",
    )(command)


def load_or_exit(file: Path) -> Settings:
    """Return the settings, or print every problem and exit with status 2."""
    try:
        return load(file, environment=os.environ)
    except ConfigurationError as error:
        for problem in error.problems:
            click.echo(str(problem), err=True)
        sys.exit(BAD_CONFIGURATION)
