"""Names and secrets that can be computed again when the state file is gone.

Ids are UUIDv5 (RFC 9562 §5.5) of what they name; passcodes, join secrets and the place in the pool
are HMAC-SHA256 under the site's key, so that nobody who knows an invitation can guess them.
The texts that go in are fixed for good: a change here gives every coming booking another number.
"""

import base64
import hmac
import re
import uuid

from cospaced.settings import ConferenceSettings, PasscodeMode, PoolSettings


NAMESPACE = uuid.UUID("b2a1f0a4-6d0e-5c53-9a5c-c05bace0da3e")
"""The project's own UUID namespace."""

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_DIGITS_UP = "01234567890123456789"
_SHORTEST_JUDGED = 3


def booking_id(uid: str, recurrence_id: str, generation: int = 0) -> str:
    """Return a booking's id: UUIDv5 of the occurrence, and of its generation where it is not 0.

    `uid` is normalised, `recurrence_id` as in `Occurrence`: two copies of one occurrence give one
    id wherever they were read.
    """
    name = f"booking\0{uid}\0{recurrence_id}"
    return _uuid5(f"{name}\0{generation}" if generation else name)


def is_booking_id(text: str) -> bool:
    """Whether a text has the form of a booking's id, whoever's it is."""
    return _ID.fullmatch(text) is not None


def owner_id(booking: str, endpoint: str, attempt: int) -> str:
    """Return the `ownerId` of a call leg: UUIDv5 of booking, endpoint (any spelling), attempt."""
    return _uuid5(f"leg\0{booking}\0{normal_endpoint(endpoint)}\0{attempt}")


def passcode(site_key: bytes, booking: str, terms: ConferenceSettings) -> str:
    """Return the passcode of a booking under these terms; empty where none is asked for.

    A random one is uniform (10^77 goes into 256 bits) but for codes people guess first: one
    digit only, or digits counting up or down, are passed over. `booking` is the booking's id.
    """
    match terms.passcode:
        case PasscodeMode.NONE:
            return ""
        case PasscodeMode.FIXED:
            return terms.passcode_digits
        case PasscodeMode.RANDOM:
            return _random_digits(site_key, booking, terms.passcode_length)


def secret(site_key: bytes, booking: str) -> str:
    """Return the secret of a booking's join link: 128 bits as 22 characters of base64url."""
    digest = _derived(site_key, "secret", booking)[:16]
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def stable_start(site_key: bytes, uid: str, quantity: int) -> int:
    """Return where in a pool of `quantity` a series looks for its number first: 0 … quantity - 1.

    Raises ValueError for an empty pool.
    """
    if quantity < 1:
        raise ValueError(f"a pool of {quantity} numbers has no place to start from")
    return int.from_bytes(_derived(site_key, "number", uid), "big") % quantity


def home_number(site_key: bytes, uid: str, pool: PoolSettings) -> int:
    """Return the number that a series looks for first, whether or not it may be used."""
    return pool.numeric_id_base + stable_start(site_key, uid, pool.numeric_id_quantity)


def normal_endpoint(uri: str) -> str:
    """Return a SIP URI as it is compared: no scheme, no parameters, case folded.

    `sip:Board@Example.com;transport=tls` and `board@example.com` are one endpoint.
    """
    bare = uri.strip().partition(";")[0].casefold()
    for scheme in ("sip:", "sips:"):
        bare = bare.removeprefix(scheme)
    return bare


def _uuid5(name: str) -> str:
    # A UID may hold bytes that are no UTF-8 (lone surrogates), which uuid5 would refuse.
    return str(uuid.uuid5(NAMESPACE, name.encode("utf-8", "backslashreplace").decode("utf-8")))


def _derived(site_key: bytes, purpose: str, text: str) -> bytes:
    """Return 32 bytes that only the holder of the key can compute, different for each purpose."""
    message = f"{purpose}\0{text}".encode("utf-8", "backslashreplace")
    return hmac.digest(site_key, message, "sha256")


def _random_digits(site_key: bytes, booking: str, length: int) -> str:
    for draw in range(1000):
        number = int.from_bytes(_derived(site_key, f"passcode {draw}", booking), "big")
        digits = f"{number % 10**length:0{length}d}"
        if not _weak(digits):
            return digits
    raise AssertionError("a thousand weak passcodes in a row")


def _weak(digits: str) -> bool:
    if len(digits) < _SHORTEST_JUDGED:
        return False
    one_digit = digits == digits[0] * len(digits)
    return one_digit or digits in _DIGITS_UP or digits[::-1] in _DIGITS_UP
