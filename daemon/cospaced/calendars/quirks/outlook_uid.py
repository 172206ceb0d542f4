"""Outlook's global object ids, whose bytes 17-20 name the occurrence ([MS-OXOCAL] 2.2.1.27).

The copies of one occurrence in several mailboxes bear the same id but for these four bytes
(year high, year low, month, day of an exception), and for the case of its hex digits. A UID that
came from elsewhere is wrapped in such an id ([MS-OXCICAL] 2.1.3.1.1.20.26): its data are
`vCal-Uid`, 01 00 00 00, the UID, and a NUL. Exchange unwraps it for a series, and not always for
an occurrence.
"""

import re

from cospaced.domain.clean_text import clean


_GLOBAL_OBJECT_ID = re.compile(r"040000008200E00074C5B7101A82E008[0-9A-F]{8,}", re.IGNORECASE)
_DATE = slice(32, 40)
_DATA = 80
_FOREIGN = b"vCal-Uid\x01\x00\x00\x00"


def normalise(uid: str) -> str:
    """Return a UID fit for comparing: unwrapped, or in capitals with bytes 17-20 zeroed.

    Every source hands its UIDs over as this makes them, so it cleans them, too.
    """
    uid = clean(uid.strip())
    if not _GLOBAL_OBJECT_ID.fullmatch(uid):
        return uid
    return _foreign(uid) or uid[: _DATE.start].upper() + "00000000" + uid[_DATE.stop :].upper()


def object_id(uid: str) -> bytes | None:
    """Return the clean global object id that a normalised UID is; None where it is another's."""
    try:
        return bytes.fromhex(uid) if _GLOBAL_OBJECT_ID.fullmatch(uid) else None
    except ValueError:
        return None


def _foreign(uid: str) -> str:
    """Return the UID that an id wraps; empty where it wraps none."""
    try:
        data = bytes.fromhex(uid[_DATA:])
        wrapped = data.removeprefix(_FOREIGN).rstrip(b"\0")
        return clean(wrapped.decode()) if data.startswith(_FOREIGN) else ""
    except ValueError:
        return ""
