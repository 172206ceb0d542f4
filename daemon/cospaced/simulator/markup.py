"""XML as CMS writes it, byte for byte: one line, no indentation, no self-closing elements.

Counted from the recorded sizes of real answers: the prolog has neither encoding nor newline, an
apostrophe is escaped, an empty element keeps both its tags.
"""

from collections.abc import Iterable


PROLOG = '<?xml version="1.0"?>'

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;"})


def escaped(value: str) -> str:
    """Return text fit for an element or an attribute."""
    return value.translate(_ESCAPES)


def element(name: str, value: str | int) -> str:
    """Return one element with text."""
    return f"<{name}>{escaped(str(value))}</{name}>"


def elements(pairs: Iterable[tuple[str, str]]) -> str:
    """Return elements with text, one after another."""
    return "".join(f"<{name}>{value.translate(_ESCAPES)}</{name}>" for name, value in pairs)


def identified(name: str, identity: str, inside: str) -> str:
    """Return an object: an element with an id around ready markup."""
    return f'<{name} id="{identity}">{inside}</{name}>'


def listing(name: str, total: int, items: Iterable[str]) -> str:
    """Return a collection: `total` is what matches, whatever the page holds."""
    return f'<{name} total="{total}">{"".join(items)}</{name}>'


def boolean(value: object) -> str:
    """Return `true` or `false`."""
    return "true" if value else "false"
