"""The machine's chance; the only place in the daemon that asks for it."""

import random
import secrets
import uuid


class SystemEntropy:
    """Entropy of a running machine."""

    def uuid(self) -> str:
        """Return a random UUID."""
        return str(uuid.uuid4())

    def uniform(self, low: float, high: float) -> float:
        """Return a number from low to high; for jitter, not for secrets."""
        return random.uniform(low, high)  # noqa: S311 - jitter needs no cryptography

    def token(self, length: int) -> bytes:
        """Return bytes fit for a key."""
        return secrets.token_bytes(length)
