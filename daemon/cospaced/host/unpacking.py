"""Bodies as they come over the wire, unpacked no further than they may be.

A few kilobytes can unpack to gigabytes, packed twice to more than there is: so unpacking stops at
the limit itself, and only what was asked for is unpacked. A packed body knows its end, unlike many
a plain one, so that one that was cut is told from a whole one.
"""

import zlib


_PLAIN = ("", "identity")
_GZIP = ("gzip", "x-gzip")
_MEMBER = b"\x1f"
"""With what each member begins; its second byte may be in the next chunk."""
_WITH_GZIP_HEADER = 16 + zlib.MAX_WBITS


class TooLarge(Exception):
    """More than the limit; the rest was not unpacked."""


class Unpacking:
    """Collects one body; `encoding` is its Content-Encoding, `limit` in bytes unpacked.

    Raises ValueError for an encoding that was not asked for.
    """

    def __init__(self, encoding: str, limit: int) -> None:
        self._limit = limit
        self._body = bytearray()
        self._gzip = None
        if encoding.strip().lower() in _GZIP:
            self._gzip = zlib.decompressobj(_WITH_GZIP_HEADER)
        elif encoding.strip().lower() not in _PLAIN:
            raise ValueError(f"its body is packed as {encoding!r}, which was not asked for")

    def add(self, chunk: bytes) -> None:
        """Take a chunk; raises TooLarge, and ValueError where it is not packed as it was told."""
        if self._gzip is None:
            self._body += chunk
        else:
            self._unpack(chunk)
        if len(self._body) > self._limit:
            raise TooLarge

    def _unpack(self, chunk: bytes) -> None:
        unpacker = self._gzip
        while unpacker is not None and chunk and len(self._body) <= self._limit:
            if unpacker.eof:
                # Several members may follow one another (RFC 1952, section 2.2); padding may too.
                if not chunk.startswith(_MEMBER):
                    return
                unpacker = self._gzip = zlib.decompressobj(_WITH_GZIP_HEADER)
            try:
                self._body += unpacker.decompress(chunk, self._limit + 1 - len(self._body))
            except zlib.error as error:
                raise ValueError(f"its body cannot be unpacked ({error})") from error
            chunk = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail

    def whole(self) -> bytes:
        """Return the body; raises ValueError where its end is missing."""
        if self._gzip is not None and not self._gzip.eof and self._body:
            raise ValueError("its packed body ends before its end: it was cut")
        return bytes(self._body)
