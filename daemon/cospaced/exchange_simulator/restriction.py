"""Restrictions of an indexed view: comparisons of a few fields, joined by And, Or, Not.

Of the MAPI properties an event can be searched for by the one that all its copies share.
"""

import base64
import binascii
import xml.etree.ElementTree as ET
from collections.abc import Callable
from datetime import datetime
from operator import eq, ge, gt, le, lt, ne
from typing import Any

from cospaced.exchange_simulator.identity import object_id
from cospaced.exchange_simulator.markup import first, instant, local
from cospaced.exchange_simulator.records import Shown
from cospaced.exchange_simulator.refusals import Refusal
from cospaced.exchange_simulator.shapes import ExtendedField, Known


Test = Callable[[Shown], bool]

_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "IsEqualTo": eq,
    "IsNotEqualTo": ne,
    "IsGreaterThan": gt,
    "IsGreaterThanOrEqualTo": ge,
    "IsLessThan": lt,
    "IsLessThanOrEqualTo": le,
}

_CONTAINMENTS: dict[str, Callable[[str, str], bool]] = {
    "FullString": eq,
    "Prefixed": str.startswith,
    "Substring": str.__contains__,
}

_Value = datetime | str | bytes
_FIELDS: dict[str, Callable[[Shown], _Value]] = {
    "calendar:Start": lambda shown: shown.content.start,
    "calendar:End": lambda shown: shown.content.end,
    "calendar:Location": lambda shown: shown.content.location,
    "calendar:UID": lambda shown: shown.item.uid,
    "item:Subject": lambda shown: shown.content.subject,
    "item:Sensitivity": lambda shown: shown.content.sensitivity,
    "item:LastModifiedTime": lambda shown: shown.item.modified,
}
_PROPERTIES: dict[Known, Callable[[Shown], _Value]] = {
    Known.CLEAN_GLOBAL_OBJECT_ID: lambda shown: object_id(shown.item.uid),
}


def matching(element: ET.Element) -> Test:
    """Return the test that a restriction makes; Refusal where it names what cannot be searched."""
    name = local(element)
    if name in ("And", "Or"):
        tests = [matching(one) for one in element]
        every = all if name == "And" else any
        return lambda shown: every(test(shown) for test in tests)
    if name == "Not":
        test = matching(element[0])
        return lambda shown: not test(shown)
    value_of = _field(element)
    if name == "Contains":
        return _contains(element, value_of)
    if name not in _COMPARISONS:
        raise Refusal("ErrorUnsupportedQueryFilter")
    compare = _COMPARISONS[name]
    text = _constant(element)

    def compared(shown: Shown) -> bool:
        value = value_of(shown)
        return compare(value, _like(value, text))

    return compared


def _like(value: _Value, text: str) -> _Value:
    """Return what a constant means beside such a value; Refusal where it cannot be one."""
    try:
        if isinstance(value, datetime):
            return instant(text)
        if isinstance(value, bytes):
            return base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error) as error:
        raise Refusal("ErrorInvalidValueForProperty") from error
    return text


def _contains(element: ET.Element, value_of: Callable[[Shown], _Value]) -> Test:
    fold = str if element.get("ContainmentComparison", "Exact") == "Exact" else str.lower
    meets = _CONTAINMENTS.get(element.get("ContainmentMode", "FullString"))
    wanted = fold(_constant(element))
    if meets is None:
        raise Refusal("ErrorUnsupportedQueryFilter")

    def contains(shown: Shown) -> bool:
        value = value_of(shown)
        if not isinstance(value, str):
            raise Refusal("ErrorContainsFilterWrongType")
        return meets(fold(value), wanted)

    return contains


def _field(element: ET.Element) -> Callable[[Shown], _Value]:
    uri, extended = first(element, "t:FieldURI"), first(element, "t:ExtendedFieldURI")
    if uri is not None:
        found = _FIELDS.get(uri.get("FieldURI", ""))
    else:
        known = ExtendedField(dict(extended.attrib)).known if extended is not None else None
        found = _PROPERTIES.get(known) if known is not None else None
    if found is None:
        raise Refusal("ErrorUnsupportedPathForQuery")
    return found


def _constant(element: ET.Element) -> str:
    found = first(element, ".//t:Constant")
    return "" if found is None else found.get("Value", "")
