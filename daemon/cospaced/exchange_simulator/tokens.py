"""The token endpoint of Entra ID, for client credentials alone.

Who asks it to refresh is refused as Entra refuses: there is no refresh token in this grant.
"""

import json
from base64 import urlsafe_b64encode
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from cospaced.exchange_simulator.rights import Account, Rights
from cospaced.exchange_simulator.state import State


PATH_END = "/oauth2/v2.0/token"
"""After `/TENANT`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenReply:
    """An answer of the token endpoint, in JSON."""

    status: HTTPStatus
    body: str
    client_id: str = ""


class Tokens:
    """The access tokens that are out, each with its account and its end."""

    def __init__(self, state: State, rights: Rights) -> None:
        self._state = state
        self._rights = rights
        self._held: dict[str, tuple[Account, float]] = {}
        self.issued = 0
        self.expired: set[str] = set()
        """Client ids whose secret has expired."""
        self.consented: dict[str, tuple[str, ...]] = {}
        """Application permissions by client id: its tokens are JWTs whose `roles` name them. The
        tokens of others are opaque."""

    def holder(self, token: str) -> Account | None:
        """Return the account of a token that still holds."""
        found = self._held.get(token)
        if found is None or found[1] <= self._state.clock.monotonic():
            return None
        return found[0]

    def expire(self) -> None:
        """Let every token expire now."""
        self._held.clear()

    def answer(self, form: bytes) -> TokenReply:
        """Answer a POST to the token endpoint."""
        fields = {name: values[-1] for name, values in parse_qs(form.decode("latin-1")).items()}
        return replace(self._answered(fields), client_id=fields.get("client_id", ""))

    def _answered(self, fields: dict[str, str]) -> TokenReply:
        grant = fields.get("grant_type", "")
        if grant == "refresh_token" and "refresh_token" not in fields:
            return _missing("refresh_token")
        if grant != "client_credentials":
            text = "AADSTS70003: The app requested an unsupported grant type."
            return _refused("unsupported_grant_type", 70003, text)
        for needed in ("client_id", "client_secret", "scope"):
            if needed not in fields:
                return _missing(needed)
        if not fields["scope"].endswith("/.default"):
            text = "AADSTS1002012: The provided value for scope is not valid."
            return _refused("invalid_scope", 1002012, text)
        account = self._rights.account(fields["client_id"])
        if account is None:
            text = "AADSTS700016: Application was not found in the directory."
            return _refused("unauthorized_client", 700016, text)
        if account.name in self.expired:
            text = "AADSTS7000222: The provided client secret keys for app are expired."
            return _refused("invalid_client", 7000222, text, HTTPStatus.UNAUTHORIZED)
        if account.password != fields["client_secret"]:
            text = "AADSTS7000215: Invalid client secret provided."
            return _refused("invalid_client", 7000215, text, HTTPStatus.UNAUTHORIZED)
        return self._issued(account)

    def _issued(self, account: Account) -> TokenReply:
        seconds = self._state.knobs.token_seconds
        token = self._state.entropy.token(48).hex()
        if account.name in self.consented:
            token = _jwt(self.consented[account.name], token)
        self._held[token] = (account, self._state.clock.monotonic() + seconds)
        self.issued += 1
        told = {
            "token_type": "Bearer",
            "expires_in": int(seconds),
            "ext_expires_in": int(seconds),
            "access_token": token,
        }
        return TokenReply(status=HTTPStatus.OK, body=json.dumps(told))


def _jwt(roles: tuple[str, ...], signature: str) -> str:
    parts = ({"typ": "JWT", "alg": "RS256"}, {"idtyp": "app", "roles": roles})
    coded = [urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join((*coded, signature))


def _missing(parameter: str) -> TokenReply:
    text = f"AADSTS900144: The request body must contain the following parameter: '{parameter}'."
    return _refused("invalid_request", 900144, text)


def _refused(
    error: str, code: int, text: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST
) -> TokenReply:
    told: dict[str, Any] = {"error": error, "error_description": text, "error_codes": [code]}
    return TokenReply(status=status, body=json.dumps(told))
