"""What a parameter may hold, and the schema of a collection: the API's data tables as data."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from cospaced.simulator.refusals import Refusal, invalid


class Kind(StrEnum):
    """The types of the API's data tables."""

    TEXT = "text"
    BOOLEAN = "boolean"
    NUMBER = "number"
    DIGITS = "digits"
    USER_PART = "user part"
    DTMF = "dtmf"
    REFERENCE = "reference"


_PATTERNS = {
    Kind.BOOLEAN: re.compile(r"true|false"),
    Kind.NUMBER: re.compile(r"[0-9]{1,18}"),
    Kind.DIGITS: re.compile(r"[0-9]+"),
    Kind.USER_PART: re.compile(r"[^@\s]+"),
    Kind.DTMF: re.compile(r"[0-9*#,]+"),
}

_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One parameter; the limits that do not apply to its kind are left out."""

    kind: Kind = Kind.TEXT
    choices: tuple[str, ...] = ()
    """The only values; where the kind is a number, values besides numbers."""
    target: str = ""
    """The collection that a reference points into."""
    most: int | None = None
    """The largest number."""
    length: int | None = None
    """The most characters."""
    size: int | None = None
    """The most bytes in UTF-8."""

    def check(self, name: str, value: str, exists: Callable[[str, str], bool]) -> None:
        """Raise Refusal unless the value is allowed; `exists` looks an id up in a collection."""
        if self.kind is Kind.REFERENCE:
            if not exists(self.target, value):
                raise Refusal(MISSING[self.target])
        elif value in self.choices:
            return
        elif not self._fits(value):
            raise invalid(name)

    def _fits(self, value: str) -> bool:
        pattern = _PATTERNS.get(self.kind)
        if pattern is not None and pattern.fullmatch(value) is None:
            return False
        if self.choices and self.kind is Kind.TEXT:
            return False
        if self.most is not None and int(value) > self.most:
            return False
        if self.length is not None and len(value) > self.length:
            return False
        if self.size is not None and len(value.encode()) > self.size:
            return False
        return _NOT_XML.search(value) is None


MISSING = {
    "accessMethods": "accessMethodDoesNotExist",
    "callBrandingProfiles": "callBrandingProfileDoesNotExist",
    "callBridgeGroups": "callBridgeGroupDoesNotExist",
    "callBridges": "callBridgeDoesNotExist",
    "callLegProfiles": "callLegProfileDoesNotExist",
    "callLegs": "callLegDoesNotExist",
    "callProfiles": "callProfileDoesNotExist",
    "calls": "callDoesNotExist",
    "coSpaces": "coSpaceDoesNotExist",
    "coSpaceUsers": "coSpaceUserDoesNotExist",
    "dialInSecurityProfiles": "dialInSecurityProfileDoesNotExist",
    "dtmfProfiles": "dtmfProfileDoesNotExist",
    "inboundDialPlanRules": "inboundDialPlanRuleDoesNotExist",
    "ivrBrandingProfiles": "ivrBrandingProfileDoesNotExist",
    "outboundDialPlanRules": "outboundDialPlanRuleDoesNotExist",
    "participants": "participantDoesNotExist",
    "system/cdrReceivers": "cdrReceiverDoesNotExist",
    "tenants": "tenantDoesNotExist",
    "userProfiles": "userProfileDoesNotExist",
    "users": "userDoesNotExist",
}
"""The failure reason for an unknown id in each collection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """A collection: its parameters in the order in which they are shown."""

    collection: str
    element: str
    fields: Mapping[str, Field]
    needed: tuple[str, ...] = ()
    listed: tuple[str, ...] | None = None
    """What the list shows of what is set; None: everything."""
    defaults: Mapping[str, str] = field(default_factory=dict)
    """What the single object shows where nothing is set."""
    empty: tuple[str, ...] = ()
    """Shown as an empty element where nothing is set, in the single object."""
    unique: Mapping[str, str] = field(default_factory=dict)
    """Parameter -> failure reason of a second object with the same value."""
    filters: Mapping[str, str] = field(default_factory=dict)
    """Query parameter in lower case -> parameter that must equal it."""
    searched: tuple[str, ...] = ("name",)
    """What `filter` looks in."""

    def known(self, form: Mapping[str, str]) -> dict[str, str]:
        """Return the parameters that this collection knows; the others CMS ignores."""
        return {name: value for name, value in form.items() if name in self.fields}

    def check(self, changes: Mapping[str, str], exists: Callable[[str, str], bool]) -> None:
        """Raise Refusal for the first value that is not allowed; an empty one unsets."""
        for name, value in changes.items():
            if value:
                self.fields[name].check(name, value, exists)


def apply(fields: dict[str, str], changes: Mapping[str, str]) -> None:
    """Set what has a value and unset what is empty."""
    for name, value in changes.items():
        if value:
            fields[name] = value
        else:
            fields.pop(name, None)
