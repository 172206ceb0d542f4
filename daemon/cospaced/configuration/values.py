"""Readers of single values: text of the file in, a typed value out.

Each raises ValueError with the rest of a sentence whose subject is the key: what is wrong, and in
parentheses what to write instead. Readers of what may be secret never quote what they were given.
"""

import difflib
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationInfo

from cospaced.configuration.durations import duration
from cospaced.settings import PasscodeMode


_WordT = TypeVar("_WordT", bound=StrEnum)

_SHOWN = 60
_SWITCH = {
    **dict.fromkeys(("yes", "true", "on", "1"), True),
    **dict.fromkeys(("no", "false", "off", "0"), False),
}
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_PASSCODE_LENGTHS = range(4, 13)
_FIXED_PASSCODE = re.compile(r"[0-9]{1,24}")
_NUMERIC_ID = re.compile(r"[1-9][0-9]{0,14}")
_FASTEST_RATE = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Passcode:
    """The three settings that the one key `passcode` stands for."""

    mode: PasscodeMode
    digits: str = ""
    length: int = 0


def quoted(text: str) -> str:
    """Return text for a sentence: in quotes, of bearable length, printable."""
    shown = text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
    return "'" + "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in shown) + "'"


def has_control(text: str) -> bool:
    """Whether text holds control characters, which a terminal would obey."""
    return re.search(r"[\x00-\x1f\x7f]", text) is not None


def closest(word: str, candidates: Iterable[str]) -> str | None:
    """Return the candidate that was probably meant, or None."""
    known = {candidate.lower(): candidate for candidate in candidates}
    found = difflib.get_close_matches(word.lower(), list(known), n=1, cutoff=0.6)
    return known[found[0]] if found else None


def items(text: str) -> list[str]:
    """Split a list at commas and line ends; empty items do not count."""
    return [item.strip() for item in re.split(r"[,\n]", text) if item.strip()]


def text(value: str) -> str:
    """Return the text itself, which may be empty."""
    return value


def filled(value: str) -> str:
    """Return text that is not empty."""
    if not value:
        raise ValueError("is empty (write a value)")
    return value


def identifier(value: str) -> str:
    """Return text without blanks, which may be empty (tenant and client ids)."""
    if re.search(r"\s", value):
        raise ValueError("holds a blank (write the id alone)")
    return value


def switch(value: str) -> bool:
    """Read yes or no."""
    try:
        return _SWITCH[value.lower()]
    except KeyError:
        raise ValueError(f"{quoted(value)} is neither yes nor no (write yes or no)") from None


def one_of(*words: str) -> Callable[[str], str]:
    """Return a reader of one of some words, in any case."""

    def read(value: str) -> str:
        if value.lower() in words:
            return value.lower()
        meant = closest(value, words)
        remedy = meant or f"one of {', '.join(words)}"
        raise ValueError(f"{quoted(value)} is none of {', '.join(words)} (write {remedy})")

    return read


def member(words: type[_WordT]) -> Callable[[str], _WordT]:
    """Return a reader of one member of an enumeration."""
    read = one_of(*words)
    return lambda value: words(read(value))


def whole(lowest: int, highest: int) -> Callable[[str], int]:
    """Return a reader of whole numbers in a range."""

    def read(value: str) -> int:
        if not re.fullmatch(r"[0-9]{1,15}", value):
            raise ValueError(
                f"{quoted(value)} is no whole number (write digits only, {lowest} to {highest})"
            )
        if not lowest <= int(value) <= highest:
            raise ValueError(f"{value} is out of range (write {lowest} to {highest})")
        return int(value)

    return read


def bits_per_second(value: str) -> int | None:
    """Read a bandwidth; empty or `none`: not limited."""
    return None if value.lower() in {"", "none"} else whole(1, 100_000_000)(value)


def rate(value: str) -> float | None:
    """Read a number for each second; empty or `none`: no limit."""
    if value.lower() in {"", "none"}:
        return None
    try:
        number = float(value) if re.fullmatch(r"[0-9.]{1,9}", value) else math.nan
    except ValueError:
        number = math.nan
    if not 0 < number <= _FASTEST_RATE:
        raise ValueError(
            f"{quoted(value)} is no rate (write none, or a number for each second such as 10)"
        )
    return number


def numeric_id(value: str) -> int:
    """Read the first number of the pool."""
    if value.startswith("0"):
        raise ValueError(f"{quoted(value)} has a leading zero (write a number such as 82000)")
    if not _NUMERIC_ID.fullmatch(value):
        raise ValueError(
            f"{quoted(value)} is no number (write 1 to 15 digits and nothing else, such as 82000)"
        )
    return int(value)


def guid(value: str) -> str:
    """Read the id of an object on CMS; empty: none."""
    if value and not _GUID.fullmatch(value.lower()):
        raise ValueError(
            f"{quoted(value)} is no id of CMS (write the object's id, "
            "such as 2c1bd1c4-6f5b-4e41-8f3b-0d5b6a1d2e3f, not its name)"
        )
    return value.lower()


def passcode(value: str) -> Passcode:
    """Read `none`, `random:LENGTH` or digits."""
    if value.lower() == "none":
        return Passcode(mode=PasscodeMode.NONE)
    kind, _, length = value.lower().partition(":")
    if kind.strip() == "random":
        if length.strip() not in {str(n) for n in _PASSCODE_LENGTHS}:
            low, high = _PASSCODE_LENGTHS[0], _PASSCODE_LENGTHS[-1]
            raise ValueError(f"has no length from {low} to {high} behind random: (write random:6)")
        return Passcode(mode=PasscodeMode.RANDOM, length=int(length))
    if not _FIXED_PASSCODE.fullmatch(value):
        raise ValueError("is no passcode (write none, random:6, or 1 to 24 digits)")
    return Passcode(mode=PasscodeMode.FIXED, digits=value)


def tones(value: str) -> str:
    """Read DTMF tones; they may be somebody's PIN."""
    if not re.fullmatch(r"[0-9*#,]*", value):
        raise ValueError("holds more than tones (write 0-9, * and #, and a comma for a pause)")
    return value


def warnings(value: str) -> tuple[timedelta, ...]:
    """Read durations, longest first in the answer; empty: none."""
    read = duration(timedelta(seconds=1))
    return tuple(sorted({read(item) for item in items(value)}, reverse=True))


def path(value: str, info: ValidationInfo) -> Path:
    """Read a path, relative to the file that names it."""
    if not value:
        raise ValueError("is empty (write a path)")
    if value.startswith("~"):
        raise ValueError("starts with ~, and a service has no home (write the whole path)")
    folder: Path = info.context["folder"] if info.context else Path()
    return (folder / value).absolute()


def certificates(value: str, info: ValidationInfo) -> Path | None:
    """Read the path of a file of CA certificates; empty: the system's."""
    if not value:
        return None
    file = path(value, info)
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ValueError(
            f"{quoted(str(file))} cannot be read: {error.strerror} (name a readable PEM file)"
        ) from error
    if b"-----BEGIN CERTIFICATE-----" not in content:
        raise ValueError(f"{quoted(str(file))} holds no certificate (name a file in PEM format)")
    return file
