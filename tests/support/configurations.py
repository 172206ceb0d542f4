"""Configuration files for tests: a valid one, and the sentences that a broken one gets."""

from collections.abc import Mapping
from pathlib import Path

from cospaced.configuration import load
from cospaced.errors import ConfigurationError
from cospaced.settings import Settings


CMS = """\
[cms]
address = cms.example.org
username = api
password = hunter2
"""
POOL = """\
[pool]
domain = example.org
numeric_id_base = 82000
numeric_id_quantity = 100
"""
ROOM = """\
[calendar:files]
type = ical
[room:aula]
calendar = files
path = aula.ics
endpoints = aula@example.org
always = yes
"""
VALID = CMS + POOL + ROOM
ENVIRONMENT = {"TZ": "Europe/Berlin"}


def write(folder: Path, text: str | bytes, name: str = "cospaced.ini") -> Path:
    """Write one file, readable by its owner alone."""
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    file.chmod(0o600)
    return file


def loaded(folder: Path, text: str, environment: Mapping[str, str] = ENVIRONMENT) -> Settings:
    """Load a text as the main file."""
    return load(write(folder, text), environment=environment)


def problems(
    folder: Path, text: str | bytes, environment: Mapping[str, str] = ENVIRONMENT
) -> list[str]:
    """Return every problem of a text, with file names relative to the folder."""
    file = write(folder, text)
    try:
        load(file, environment=environment)
    except ConfigurationError as error:
        return [str(problem).replace(f"{folder}/", "") for problem in error.problems]
    return []


def problem(folder: Path, text: str | bytes, environment: Mapping[str, str] = ENVIRONMENT) -> str:
    """Return the only problem of a text."""
    (only,) = problems(folder, text, environment)
    return only
