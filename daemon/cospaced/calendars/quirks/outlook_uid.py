"""Outlook's global object ids, whose bytes 17-20 name the occurrence ([MS-OXOCAL] 2.2.1.27).

The copies of one occurrence in several mailboxes bear the same id but for these four bytes
(year high, year low, month, day of an exception), and for the case of its hex digits.
"""

import re


_GLOBAL_OBJECT_ID = re.compile(r"040000008200E00074C5B7101A82E008[0-9A-F]{8,}", re.IGNORECASE)
_DATE = slice(32, 40)


def normalise(uid: str) -> str:
    """Return a UID fit for comparing: such ids in capitals with bytes 17-20 zeroed."""
    uid = uid.strip()
    if not _GLOBAL_OBJECT_ID.fullmatch(uid):
        return uid
    return uid[: _DATE.start].upper() + "00000000" + uid[_DATE.stop :].upper()
