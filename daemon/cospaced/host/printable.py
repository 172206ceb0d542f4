r"""Text for a line that a person reads on a terminal: nothing in it drives the terminal.

Texts come from calendars and from other servers. A control character would set the terminal's
title, its colours or worse (ECMA-48), a mark of direction would show the line in another order
than it has (Unicode TR9, section 2; TR36, Bidirectional Text Spoofing), a separator would pass for
the next line.
They are shown as what they are (`\x1b`), so that nothing is hidden either. In JSON they are written
with its own escapes, which lose nothing.
"""

from collections.abc import Mapping
from typing import Any


_ESCAPES = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))}
_ESCAPES |= {ord("\n"): "\\n", ord("\r"): "\\r", ord("\t"): "\\t"}
_MARKS = (0x061C, *range(0x200E, 0x2010), *range(0x2028, 0x202F), *range(0x2066, 0x206A))
_HALVES = range(0xD800, 0xE000)
"""Of surrogate pairs: no text, and no terminal's encoding has them."""
_ESCAPES |= {code: f"\\u{code:04x}" for code in (*_MARKS, *_HALVES)}
_JSON_ESCAPES = {code: f"\\u{code:04x}" for code in (*range(0x7F, 0xA0), *_MARKS, *_HALVES)}
"""What JSON allows in a text as it is (RFC 8259, section 7), and a terminal obeys."""


def printable(text: str) -> str:
    """Return a text fit for one line; most texts are that already."""
    return text if text.isprintable() else text.translate(_ESCAPES)


def printable_json(document: str) -> str:
    """Return a document of JSON with the same meaning that is fit for a terminal."""
    return document if document.isprintable() else document.translate(_JSON_ESCAPES)


def harmless(shown: Any) -> Any:
    """Return a document (of dictionaries, lists and tuples) with every text in it `printable`."""
    match shown:
        case str():
            return printable(shown)
        case Mapping():
            return {key: harmless(value) for key, value in shown.items()}
        case list() | tuple():
            return [harmless(value) for value in shown]
        case _:
            return shown
