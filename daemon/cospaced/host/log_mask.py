"""The second line of defence: what looks like a secret never reaches a record.

The first is that nobody logs one. Here values of type Secret, values under a telling key, and the
telling parts of URLs and form bodies become stars.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from cospaced.settings import Secret


STARS = "********"

_TELLING = ("password", "passcode", "secret", "authorization")
_PARAMETER = re.compile(
    r"(?i)\b([a-z_]*(?:password|passcode|secret|access_token|refresh_token)"
    r"(?:\s*=\s*['\"]?|['\"]\s*:\s*['\"]))[^&\s,;'\"]+"
)
"""As in a query or a form (`secret=...`) and in JSON; `password: what is wrong` is left alone."""
_USERINFO = re.compile(r"(://[^/@\s:]*:)[^/@\s]+@")
_HEADER = re.compile(r"(?i)(authorization\W+[a-z]+\s+)[^\s'\"]+")
_TOKEN = re.compile(r"\beyJ[\w-]{8,}\.[\w.-]+")
_DEEP = 4
"""Levels of nesting that are looked through; below, nothing is shown."""


def mask(keys: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys of a record with every secret as stars."""
    return {key: STARS if _tells(key) else _masked(value, _DEEP) for key, value in keys.items()}


def mask_text(text: str) -> str:
    """Return a text with credentials in URLs, form fields and headers as stars."""
    if "://" in text:
        text = _USERINFO.sub(rf"\g<1>{STARS}@", text)
    if "=" in text or ":" in text:
        text = _PARAMETER.sub(rf"\g<1>{STARS}", text)
        text = _HEADER.sub(rf"\g<1>{STARS}", text)
    if "eyJ" in text:
        text = _TOKEN.sub(STARS, text)
    return text


@lru_cache(maxsize=512)
def _tells(key: str) -> bool:
    lower = key.lower()
    return any(word in lower for word in _TELLING)


def _masked(value: Any, depth: int) -> Any:
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, Secret) or depth == 0:
        return STARS
    if isinstance(value, Mapping):
        return {
            str(key): STARS if _tells(str(key)) else _masked(inner, depth - 1)
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [_masked(inner, depth - 1) for inner in value]
    return value
