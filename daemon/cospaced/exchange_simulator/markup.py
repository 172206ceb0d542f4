"""XML as this simulator writes it: strings with the prefixes that Exchange uses.

`s` is SOAP, `m` the messages of EWS and `t` its types; the envelope declares them once.
"""

import xml.etree.ElementTree as ET
from datetime import UTC, datetime

from defusedxml.ElementTree import fromstring


SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
MESSAGES = "http://schemas.microsoft.com/exchange/services/2006/messages"
TYPES = "http://schemas.microsoft.com/exchange/services/2006/types"
ERRORS = "http://schemas.microsoft.com/exchange/services/2006/errors"

NAMESPACES = {"s": SOAP, "m": MESSAGES, "t": TYPES}

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"})


def escaped(value: str) -> str:
    """Return text fit for an element or an attribute."""
    return value.translate(_ESCAPES)


def tag(name: str, *inside: str, **attributes: str) -> str:
    """Return an element around ready markup; nothing inside makes it empty."""
    listed = "".join(f' {key}="{escaped(value)}"' for key, value in attributes.items())
    content = "".join(inside)
    return f"<{name}{listed}>{content}</{name}>" if content else f"<{name}{listed}/>"


def text(name: str, value: object) -> str:
    """Return an element with text; booleans and instants as XML Schema writes them."""
    return f"<{name}>{escaped(written(value))}</{name}>"


def written(value: object) -> str:
    """Return a value's text; an instant is told in UTC, with whole seconds."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return str(value)


def parsed(body: bytes) -> ET.Element:
    """Return a document's root; ParseError, or ValueError for entities and the like."""
    root: ET.Element = fromstring(body, forbid_dtd=True)
    return root


def local(element: ET.Element) -> str:
    """Return an element's name without its namespace."""
    return element.tag.rpartition("}")[2]


def first(element: ET.Element | None, path: str) -> ET.Element | None:
    """Return the first element at a path of prefixed names."""
    return None if element is None else element.find(path, NAMESPACES)


def every(element: ET.Element | None, path: str) -> list[ET.Element]:
    """Return the elements at a path of prefixed names."""
    return [] if element is None else element.findall(path, NAMESPACES)


def content(element: ET.Element | None, path: str, default: str = "") -> str:
    """Return the text at a path."""
    found = first(element, path)
    return default if found is None or found.text is None else found.text.strip()


def instant(value: str) -> datetime:
    """Return an aware instant; one without an offset is taken for UTC; ValueError."""
    moment = datetime.fromisoformat(value)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
