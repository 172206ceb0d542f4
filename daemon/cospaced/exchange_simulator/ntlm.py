"""The server's side of NTLM, by pyspnego (which comes with exchangelib).

pyspnego reads whom it knows from the file that NTLM_USER_FILE names, whenever a login begins and
ends: the variable is set for just as long. Passwords with a colon or a line break cannot log in.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import spnego
from spnego.exceptions import SpnegoError

from cospaced.exchange_simulator.connection import Connection
from cospaced.exchange_simulator.rights import Account, Rights


_VARIABLE = "NTLM_USER_FILE"


class NtlmServer:
    """Logs connections in; the accounts are written to `folder/ntlm-users` (0600) each time."""

    def __init__(self, rights: Rights, folder: Path) -> None:
        self._rights = rights
        self._file = folder / "ntlm-users"

    def step(self, connection: Connection, token: bytes) -> bytes | str | None:
        """Return the next token, the name of who is now logged in, or None: refused."""
        with self._users():
            try:
                if token.startswith(b"NTLMSSP\x00\x01"):
                    connection.account = None
                    connection.handshake = spnego.server("exchange", "http", protocol="ntlm")
                if connection.handshake is None:
                    return None
                answer: bytes | None = connection.handshake.step(token)
            except SpnegoError:
                connection.handshake = None
                return None
        if not connection.handshake.complete:
            return answer
        name: str = connection.handshake.client_principal
        connection.handshake = None
        return name

    @contextmanager
    def _users(self) -> Iterator[None]:
        lines = (line for account in self._rights.accounts for line in _lines(account))
        self._file.touch(mode=0o600)
        self._file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        before = os.environ.get(_VARIABLE)
        os.environ[_VARIABLE] = str(self._file)
        try:
            yield
        finally:
            if before is None:
                del os.environ[_VARIABLE]
            else:
                os.environ[_VARIABLE] = before


def _lines(account: Account) -> Iterator[str]:
    if any(one in account.name + account.password for one in ":\r\n"):
        return
    domain, _, user = account.name.rpartition("\\")
    yield f"{domain}:{user}:{account.password}"
