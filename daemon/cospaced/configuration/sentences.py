"""Turns what pydantic finds into plain sentences at the lines of the file."""

from pydantic_core import ErrorDetails

from cospaced.configuration import credentials
from cospaced.configuration.ini import Section
from cospaced.configuration.keys import Keys
from cospaced.configuration.schema import CALENDARS, NAMED, SINGLE, CalendarKeys
from cospaced.configuration.values import closest


def sentence(error: ErrorDetails, section: Section, keys: type[Keys]) -> tuple[str, str]:
    """Return the key at fault, and what is wrong with it."""
    key = str(error["loc"][0])
    match error["type"]:
        case "missing" if key in keys.secrets:
            return key, credentials.missing(section, key)
        case "missing":
            example = (keys.model_fields[key].examples or ["…"])[0]
            return key, f"is missing (write {key} = {example})"
        case "extra_forbidden":
            return key, _unknown(key, section, keys)
        case "value_error":
            return key, str(error["ctx"]["error"])
        case _:
            return key, f"cannot be used: {error['msg']} (see the example file)"


def _unknown(key: str, section: Section, keys: type[Keys]) -> str:
    other = _other_place(key, section, keys)
    if other:
        return other
    meant = closest(key, keys.names())
    remedy = f"write {meant}" if meant else f"the keys are {', '.join(keys.names())}"
    return f"is no key of [{section.kind if section.kind in SINGLE else section.title}] ({remedy})"


def _other_place(key: str, section: Section, keys: type[Keys]) -> str:
    if issubclass(keys, CalendarKeys):
        kinds = [kind.value for kind, other in CALENDARS.items() if key in other.names()]
        own = next((kind.value for kind, other in CALENDARS.items() if other is keys), "")
        if kinds and own:
            takes = ", ".join(name for name in keys.names() if name != "type")
            return f"is for {_and(kinds)} calendars (type = {own} takes {takes})"
    homes = [f"[{kind}]" for kind, other in SINGLE.items() if key in other.names()]
    homes += [
        f"[{kind}:NAME]"
        for kind, others in NAMED.items()
        if kind != section.kind and any(key in other.names() for other in others)
    ]
    return f"is a key of {_and(homes)} (move it there)" if homes else ""


def _and(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]
