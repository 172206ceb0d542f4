"""Logging in: Basic for each request, NTLM for each connection, or a bearer token."""

import base64
import binascii
from dataclasses import dataclass
from typing import Protocol

from cospaced.exchange_simulator.connection import Connection
from cospaced.exchange_simulator.rights import Account, Rights
from cospaced.exchange_simulator.state import State
from cospaced.exchange_simulator.tokens import Tokens


_BEARER = (
    'Bearer client_id="00000002-0000-0ff1-ce00-000000000000", '
    'trusted_issuers="00000001-0000-0000-c000-000000000000@*", '
    'token_types="app_asserted_user_v1 service_asserted_app_v1"'
)
_CHALLENGES = {"Basic": 'Basic realm="exchange.example.test"', "NTLM": "NTLM", "Bearer": _BEARER}


@dataclass(frozen=True, slots=True)
class Challenge:
    """401, with these values of WWW-Authenticate.

    `refused` says that a login was made in vain; `name` is whose it was, where that is known.
    """

    offers: tuple[str, ...]
    refused: bool = False
    name: str = ""


class Ntlm(Protocol):
    """The server's side of NTLM."""

    def step(self, connection: Connection, token: bytes) -> bytes | str | None:
        """Return the next token, the name of who is now logged in, or None: refused."""


class Access:
    """Decides who a request comes from."""

    def __init__(self, state: State, rights: Rights, tokens: Tokens) -> None:
        self._state = state
        self._rights = rights
        self._tokens = tokens
        self.ntlm: Ntlm | None = None
        """Set where NTLM can be served; without it NTLM is not offered."""

    def login(self, authorization: str, connection: Connection) -> Account | Challenge:
        """Return whose request it is, or what to challenge the client with."""
        scheme, _, value = authorization.partition(" ")
        scheme = {"basic": "Basic", "ntlm": "NTLM", "bearer": "Bearer"}.get(scheme.lower(), "")
        offered = self._offered()
        if scheme == "NTLM" and scheme in offered:
            return self._ntlm(value, connection)
        if not authorization and connection.account is not None:
            return connection.account
        name, account = "", None
        if scheme == "Basic" and scheme in offered:
            name, account = self._basic(value)
        elif scheme in offered:
            account = self._tokens.holder(value)
        if account is not None:
            return account
        return Challenge(tuple(_CHALLENGES[one] for one in offered), bool(authorization), name)

    def _offered(self) -> list[str]:
        schemes = self._state.knobs.schemes
        return [one for one in schemes if one != "NTLM" or self.ntlm is not None]

    def _basic(self, value: str) -> tuple[str, Account | None]:
        """Return the name of a login, and the account that it opens."""
        try:
            name, _, password = base64.b64decode(value, validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            return "", None
        account = self._rights.account(name)
        return name, account if account is not None and account.password == password else None

    def _ntlm(self, value: str, connection: Connection) -> Account | Challenge:
        refused = Challenge(tuple(_CHALLENGES[one] for one in self._offered()), refused=True)
        try:
            token = base64.b64decode(value, validate=True)
        except binascii.Error:
            return refused
        next_token = self.ntlm.step(connection, token) if self.ntlm is not None else None
        if isinstance(next_token, bytes):
            return Challenge((f"NTLM {base64.b64encode(next_token).decode()}",))
        account = self._rights.account(next_token) if next_token is not None else None
        if account is None:
            return refused
        connection.account = account
        return account
