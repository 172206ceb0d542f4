"""Identifiers as Exchange makes them: global object ids, item ids, change keys.

A global object id is 56 bytes: 16 fixed ones, 4 for the date of an occurrence (bytes 17 to 20, big
endian year, month, day), 8 for the time of its making, 8 zeros, a length, and random data. The
*clean* one has no date and is the same for a whole series ([MS-OXOCAL] 2.2.1.27, 2.2.1.28).
"""

import base64
import binascii
import struct
from datetime import UTC, date, datetime, timedelta

from cospaced.ports import Entropy


CLASS_ID = bytes.fromhex("040000008200E00074C5B7101A82E008")
_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FOREIGN = b"vCal-Uid\x01\x00\x00\x00"
_ITEM_BYTES = 114
_TICKS_BYTES = 12


def new_uid(entropy: Entropy, now: datetime) -> str:
    """Return the UID of a new series or single event: its clean global object id in hex."""
    made = struct.pack("<Q", (now - _EPOCH) // _MICROSECOND * 10)
    data = entropy.token(16)
    whole = CLASS_ID + bytes(4) + made + bytes(8) + struct.pack("<I", len(data)) + data
    return whole.hex().upper()


def object_id(uid: str) -> bytes:
    """Return the clean global object id of a UID; a foreign UID is wrapped in one."""
    if uid.upper().startswith(CLASS_ID.hex().upper()):
        return bytes.fromhex(uid)
    data = _FOREIGN + uid.encode() + b"\x00"
    return CLASS_ID + bytes(20) + struct.pack("<I", len(data)) + data


def dated(clean: bytes, day: date) -> bytes:
    """Return the global object id of one occurrence."""
    return clean[:16] + struct.pack(">HBB", day.year, day.month, day.day) + clean[20:]


def new_item_id(entropy: Entropy) -> str:
    """Return a new item id, 152 characters."""
    body = b"\x00\x03\x24" + entropy.token(32)
    return base64.b64encode(body.ljust(_ITEM_BYTES - 16, b"\x00") + entropy.token(16)).decode()


def new_change_key(entropy: Entropy) -> str:
    """Return a new change key, 40 characters."""
    return base64.b64encode(bytes.fromhex("0f00000016000000") + entropy.token(22)).decode()


def occurrence_id(item_id: str, original_start: datetime) -> str:
    """Return the id of an occurrence: that of its master, and the instant it was planned for."""
    ticks = (original_start.astimezone(UTC) - _EPOCH) // _MICROSECOND
    return base64.b64encode(
        base64.b64decode(item_id) + struct.pack(">Q", ticks) + bytes(4)
    ).decode()


def split_id(identity: str) -> tuple[str, datetime | None]:
    """Return an item's id, and an occurrence's original start; ValueError: it is no id."""
    try:
        raw = base64.b64decode(identity, validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error
    if len(raw) == _ITEM_BYTES:
        return identity, None
    if len(raw) != _ITEM_BYTES + _TICKS_BYTES:
        raise ValueError("not the length of an id")
    (ticks,) = struct.unpack(">Q", raw[_ITEM_BYTES:-4])
    try:
        original = _EPOCH + ticks * _MICROSECOND
    except OverflowError as error:
        raise ValueError("no instant in it") from error
    return base64.b64encode(raw[:_ITEM_BYTES]).decode(), original
