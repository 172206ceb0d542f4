"""Names in the lines of PowerShell that people are told to type."""

import re


_PLAIN = re.compile(r"\w[\w.@:\\-]*")
_QUOTES = re.compile("(['\u2018\u2019\u201a\u201b])")
"""Each of them ends what another began; doubled it stands for itself."""


def word(name: str) -> str:
    """Return a name as PowerShell takes it for one word."""
    return name if _PLAIN.fullmatch(name) else in_quotes(name)


def in_quotes(name: str) -> str:
    """Return a name in single quotes, in which nothing else means anything."""
    return "'" + _QUOTES.sub(r"\1\1", name) + "'"
