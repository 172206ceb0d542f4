"""Checks one section against its keys and tells every problem of it."""

from collections.abc import Iterable, Sequence
from dataclasses import MISSING, dataclass, fields
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from cospaced.configuration.credentials import Vault
from cospaced.configuration.findings import Findings
from cospaced.configuration.ini import Entry, Section
from cospaced.configuration.keys import Keys, relaxed
from cospaced.configuration.schema import (
    CALENDARS,
    NAMED,
    SINGLE,
    UntypedKeys,
)
from cospaced.configuration.sentences import sentence
from cospaced.configuration.values import has_control, member
from cospaced.settings import Secret, SourceType


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A section, what its sound keys hold, and which keys are known to be wrong."""

    section: Section
    model: Keys
    bad: frozenset[str]

    def sure(self, *keys: str) -> bool:
        """Whether none of these keys is wrong, so that looking at them tells something."""
        return self.bad.isdisjoint(keys)

    def written(self, key: str) -> bool:
        """Whether a key stands in the file and is sound."""
        return key in self.model.model_fields_set

    def value(self, key: str) -> Any:
        """Return what a key holds, else its default; None where it has none."""
        if self.written(key):
            return getattr(self.model, key)
        default = next(f.default for f in fields(self.model.target) if f.name == key)
        return None if default is MISSING else default


def check(section: Section, vault: Vault, findings: Findings) -> Part:
    """Check a section of a known kind; its problems are told when this returns."""
    keys = _keys_of(section)
    texts, told = _single_lines(section, keys, findings)
    apart = {name for key in keys.secrets for name in (key, f"{key}_file")}
    values: dict[str, str | Secret] = {k: text for k, text in texts.items() if k not in apart}
    for key in keys.secrets:
        readable = told.isdisjoint((key, f"{key}_file"))
        secret, sound = vault.find(section, key) if readable else (None, False)
        values |= {key: secret} if secret is not None else {}
        told |= set() if sound else {key}
    model, bad = _validated(section, keys, values, told, findings)
    return Part(section=section, model=model, bad=frozenset(bad))


def _keys_of(section: Section) -> type[Keys]:
    if section.kind in SINGLE:
        return SINGLE[section.kind]
    if section.kind != "calendar":
        return NAMED[section.kind][0]
    source = source_type(section)
    return UntypedKeys if source is None else CALENDARS[source]


def source_type(section: Section) -> SourceType | None:
    """Return the type of a calendar's section; None where it is missing or wrong."""
    entry = section.entry("type")
    try:
        return member(SourceType)(entry.value) if entry else None
    except ValueError:
        return None


def _single_lines(
    section: Section, keys: type[Keys], findings: Findings
) -> tuple[dict[str, str], set[str]]:
    """Return the texts of the keys that are no list in disguise, and the other keys."""
    texts, told = {}, set()
    for entry in section.entries:
        fault = _fault_of_text(entry, keys.lists)
        if fault and entry.key in keys.names():
            findings.key(section, entry.key, fault)
            told.add(entry.key)
        else:
            texts[entry.key] = entry.value
    return texts, told


def _fault_of_text(entry: Entry, lists: Sequence[str]) -> str:
    if "\n" in entry.value and entry.key not in lists:
        return (
            f"goes on in line {entry.next_line}, which is indented "
            "(start that line at the left margin)"
        )
    if has_control(entry.value.replace("\n", "")):
        return "holds a control character (type the value anew)"
    return ""


def _validated(
    section: Section,
    keys: type[Keys],
    values: dict[str, str | Secret],
    told: set[str],
    findings: Findings,
) -> tuple[Keys, set[str]]:
    context = {"folder": section.file.parent}
    try:
        return keys.model_validate(values, context=context), told
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
    bad = _tell(faults, section, keys, told, findings)
    sound = {key: value for key, value in values.items() if key not in bad}
    return relaxed(keys).model_validate(sound, context=context), bad


def _tell(
    faults: Iterable[ErrorDetails],
    section: Section,
    keys: type[Keys],
    told: set[str],
    findings: Findings,
) -> set[str]:
    bad = set(told)
    for fault in faults:
        key, text = sentence(fault, section, keys)
        if fault["type"] != "missing" or key not in told:
            findings.key(section, key, text)
        bad.add(key)
    return bad
