"""The site's key: 32 random bytes that numbers, passcodes and secrets are derived from.

It is kept apart from the state file, so that all of them come out the same when that is lost.
"""

import hashlib
import hmac
import os
from pathlib import Path

import structlog

from cospaced.errors import StoreUnusable
from cospaced.ports import Entropy


log = structlog.get_logger()

FILE = "site.key"
_LENGTH = 32


def has_key(state_dir: Path) -> bool:
    """Whether a daemon has run with this state_dir; raises nothing."""
    return (state_dir / FILE).is_file()


def load_or_make(state_dir: Path, entropy: Entropy) -> bytes:
    """Return the key in `state_dir`/site.key, made (mode 0600) where there is none.

    Blocks: call it off the loop. Raises StoreUnusable, with the remedy, for a file that cannot
    be read, made, or is not 32 bytes long; that one is never overwritten.
    """
    path = state_dir / FILE
    try:
        try:
            key = path.read_bytes()
        except FileNotFoundError:
            key = _make(path, entropy.token(_LENGTH))
            log.info("store.site_key_made", reason=f"there was no {path}")
    except OSError as error:
        raise StoreUnusable(
            f"{path} cannot be used: {error.strerror or error}; see that its directory exists and"
            " belongs to the user that cospaced runs as"
        ) from error
    return _whole(path, key)


def read(path: Path) -> bytes:
    """Return the key in a file, empty where there is none; raises as `load_or_make`, and blocks."""
    try:
        return _whole(path, path.read_bytes())
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise StoreUnusable(f"{path} cannot be read: {error.strerror}") from error


def _whole(path: Path, key: bytes) -> bytes:
    if len(key) != _LENGTH:
        raise StoreUnusable(
            f"{path} holds {len(key)} bytes instead of {_LENGTH}: put it back from a backup, or"
            " remove it (every new booking then gets other numbers, passcodes and links)"
        )
    return key


def site_id(key: bytes) -> str:
    """Return 8 hex digits that tell sites apart and say nothing of the key."""
    return hmac.digest(key, b"site id", hashlib.sha256).hex()[:8]


def _make(path: Path, key: bytes) -> bytes:
    """Write the key so that a crash leaves the whole file or none."""
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
    return key
