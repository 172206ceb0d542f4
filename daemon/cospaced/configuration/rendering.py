"""Settings back into INI text, with secrets masked: what is in force, defaults and all."""

from collections.abc import Iterator
from dataclasses import MISSING, fields
from datetime import timedelta
from typing import Any

from cospaced.configuration.durations import written
from cospaced.configuration.keys import Keys
from cospaced.configuration.schema import (
    CALENDARS,
    SINGLE,
    BridgeKeys,
    RoomKeys,
)
from cospaced.settings import (
    BridgeSettings,
    CmsSettings,
    PasscodeMode,
    RoomSettings,
    Secret,
    Settings,
)


_MASK = "********"


def rendered(settings: Settings) -> str:
    """Return the whole configuration as one INI file; no secret, passcode or tone is in it."""
    sections: list[tuple[str, type[Keys], Any]] = [
        *((kind, keys, getattr(settings, kind)) for kind, keys in SINGLE.items()),
        *((f"bridge:{bridge.name}", BridgeKeys, bridge) for bridge in settings.cms.bridges),
        *((f"calendar:{c.name}", CALENDARS[c.type], c) for c in settings.calendars),
        *((f"room:{room.name}", RoomKeys, room) for room in settings.rooms),
    ]
    return "\n".join(_section(title, keys, values) for title, keys, values in sections)


def default_text(keys: type[Keys], key: str) -> str:
    """Return a key's default as one would write it; empty for secrets and needed keys."""
    known = {field.name: field.default for field in fields(keys.target)}
    if key == "passcode":
        return str(known[key])
    if key == "time_zone":
        return ""  # the machine's
    default = known.get(key)
    return "" if default is MISSING or key in keys.secrets else _text(keys, key, default)


def _section(title: str, keys: type[Keys], values: Any) -> str:
    return "".join(f"{line}\n" for line in (f"[{title}]", *_lines(keys, values)))


def _lines(keys: type[Keys], values: Any) -> Iterator[str]:
    for key in keys.model_fields:
        value = getattr(values, key)
        if key == "passcode":
            yield f"passcode = {_passcode(values)}"
        elif not _left_out(values, key, value):
            yield f"{key} = {_text(keys, key, value)}".rstrip()


def _left_out(values: Any, key: str, value: Any) -> bool:
    if isinstance(values, RoomSettings):
        return key in {"path", "url", "mailbox"} and not value
    return isinstance(values, BridgeSettings) and value is None


def _passcode(values: Any) -> str:
    match values.passcode:
        case PasscodeMode.RANDOM:
            return f"random:{values.passcode_length}"
        case PasscodeMode.FIXED:
            return _MASK
        case _:
            return "none"


def _text(keys: type[Keys], key: str, value: Any) -> str:
    match value:
        case None if key == "call_bridges":
            return "auto"
        case None if key in {"dial_rate", "bandwidth"}:
            return "none"
        case None:
            return ""
        case () if keys.target is CmsSettings:
            return "none"
        case Secret():
            return _MASK
        case bool():
            return "yes" if value else "no"
        case timedelta():
            return written(value)
        case tuple():
            return ", ".join(_text(keys, key, item) for item in value)
        case _:
            return _MASK if value and key == "dtmf" else str(value)
