"""Text that is not clean UTF-8 with CRLF, as RFC 5545, section 3.1 asks.

Seen: byte order marks (Windows editors; in the middle where files were joined), Latin-1 letters
(old PHP exports), NUL bytes, bare CR or LF, doubled line ends, and characters of UTF-8 cut in two
by folding (which is why lines are unfolded as bytes, before they are decoded).
"""

import codecs
import re


_LINE_ENDS = re.compile(rb"\r*\n[\r\n]*")
_HOLE = bytes(16)
"""More NUL bytes in a row than any encoding of a text has."""


def has_hole(data: bytes) -> bool:
    """Whether a block of a file is missing: a disk or a copy that failed left NUL bytes for it.

    Padding behind the end is none.
    """
    return _HOLE in data.rstrip(b"\0\r\n")


def decode(data: bytes) -> str:
    """Return unfolded lines parted by LF, without empty ones.

    What is no UTF-8 is read as Windows-1252, line by line, so that one bad line spoils no other.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        data = data.decode("utf-16", "replace").encode()
    data = data.removeprefix(codecs.BOM_UTF8).replace(b"\0", b"")
    if b"\n" not in data:
        data = data.replace(b"\r", b"\n")
    data = _LINE_ENDS.sub(b"\n", data).replace(b"\n" + codecs.BOM_UTF8, b"\n")
    data = data.replace(b"\n ", b"").replace(b"\n\t", b"").strip()
    try:
        return data.decode()
    except UnicodeDecodeError:
        return "\n".join(_line(line) for line in data.split(b"\n"))


def _line(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("windows-1252", "replace")
