"""Tokens of Microsoft Entra, by msal: the client credentials grant of one application.

msal is synchronous, so it runs through the Offload port; its requests come back to the loop and go
out by `host.web` like all others, with their deadline, size limit and trust. It keeps a token until
shortly before its expiry, and asks no more than Entra's Retry-After allows; that a refused secret
is left alone for a while is the gate's doing.
"""

import asyncio
import functools
import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import msal

from cospaced.calendars.entra import refusal
from cospaced.calendars.login_gate import LoginGate
from cospaced.errors import CalendarError
from cospaced.host.web import Web, WebError
from cospaced.ports import Offload
from cospaced.settings import CalendarSettings


_LIMIT = 1_000_000
_SECONDS = 10.0


class Tokens:
    """Access tokens for Graph; `current` may be asked at any time, by several at once.

    One token serves them all: it is fetched by one of them, and the others wait for it.
    """

    def __init__(
        self, settings: CalendarSettings, web: Web, offload: Offload, gate: LoginGate
    ) -> None:
        self._settings = settings
        self._web = web
        self._offload = offload
        self._gate = gate
        self._application: Any = None
        self._turn = asyncio.Lock()

    async def current(self, *, refused: str = "") -> str:
        """Return a token that is valid now; `refused` is one that Graph has refused.

        Raises CalendarError: `login` with what the administrator must mend, or `unreachable`.
        """
        async with self._turn:
            # What another one was refused meanwhile is not asked for again.
            with self._gate.attempt(proves=False):
                return await self._fetched(refused)

    async def _fetched(self, refused: str) -> str:
        work = functools.partial(self._asked, asyncio.get_running_loop(), refused)
        try:
            answer: Mapping[str, Any] = await self._offload.run(work)
        except WebError as error:
            raise CalendarError(_kind(error), f"no token: {error}") from error
        except msal.exceptions.MsalServiceError as error:
            text = f"{self._settings.authority} gives no token now ({error})"
            raise CalendarError("unreachable", text) from error
        except ValueError as error:
            # msal could not read the tenant's own description.
            raise CalendarError("login", self._no_tenant(), shared=True) from error
        token = answer.get("access_token")
        if isinstance(token, str) and token:
            return token
        raise self._refused(answer)

    async def roles(self) -> frozenset[str] | None:
        """Return the application permissions that Entra put into a token; None where it is opaque.

        Raises CalendarError as `current` does.
        """
        return _roles(await self.current())

    def _asked(self, loop: asyncio.AbstractEventLoop, refused: str) -> Mapping[str, Any]:
        """Ask msal, off the loop."""
        if self._application is None:
            secret = self._settings.client_secret
            self._application = msal.ConfidentialClientApplication(
                self._settings.client_id,
                client_credential=secret.reveal() if secret is not None else "",
                authority=f"{self._settings.authority.rstrip('/')}/{self._settings.tenant_id}",
                # The authority is the administrator's: it need not be one that Microsoft lists.
                instance_discovery=False,
                http_client=_Bridge(self._web, loop),
            )
        scope = f"{self._settings.graph_url.rstrip('/')}/.default"
        answer: Mapping[str, Any] = self._application.acquire_token_for_client(scopes=[scope])
        if refused and answer.get("access_token") == refused:
            # Where another one was refused the same, the token is a new one by now.
            self._application.remove_tokens_for_client()
            answer = self._application.acquire_token_for_client(scopes=[scope])
        return answer

    def _no_tenant(self) -> str:
        place = f"{self._settings.authority} for tenant {self._settings.tenant_id}"
        return f"no login at {place} (check authority and tenant_id)"

    def _refused(self, answer: Mapping[str, Any]) -> CalendarError:
        text = refusal(str(answer.get("error_description") or answer.get("error") or "no token"))
        if answer.get("error") in ("temporarily_unavailable", "server_error"):
            return CalendarError("unreachable", text, after=timedelta(seconds=60))
        return CalendarError("login", text, shared=True)


def _roles(token: str) -> frozenset[str] | None:
    """Return the `roles` claim of a JWT (RFC 7519); an application without any has no claim."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return frozenset(map(str, claims.get("roles", ())))
    except (IndexError, ValueError, AttributeError, TypeError, RecursionError):
        return None


def _kind(error: WebError) -> str:
    return error.kind if error.kind in ("timeout", "certificate", "too_large") else "unreachable"


class _Answer:
    """An answer in the shape that msal expects (its `oauth2cli.http.Response`)."""

    def __init__(self, status: int, text: str, headers: Mapping[str, str]) -> None:
        self.status_code = status
        self.text = text
        self.headers = dict(headers)

    def raise_for_status(self) -> None:
        """Raise for a status of 400 and above."""
        if self.status_code >= 400:  # noqa: PLR2004 - where HTTP's errors begin
            raise ValueError(f"status {self.status_code}")

    def json(self) -> Any:
        """Return the body as JSON."""
        return json.loads(self.text)


class _Bridge:
    """msal's http_client: called in a thread, it sends by the loop's own `Web`."""

    def __init__(self, web: Web, loop: asyncio.AbstractEventLoop) -> None:
        self._web = web
        self._loop = loop

    def post(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        data: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        **_: Any,
    ) -> _Answer:
        """Send a form."""
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        body = urlencode(data or {}).encode()
        return self._send("POST", _with(url, params), {**form, **(headers or {})}, body)

    def get(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        **_: Any,
    ) -> _Answer:
        """Read."""
        return self._send("GET", _with(url, params), dict(headers or {}), None)

    def close(self) -> None:
        """Nothing is held."""

    def _send(self, method: str, url: str, headers: dict[str, str], body: bytes | None) -> _Answer:
        sending = self._web.request(
            method, url, headers=headers, body=body, total=_SECONDS, limit=_LIMIT
        )
        answer = asyncio.run_coroutine_threadsafe(sending, self._loop).result(_SECONDS + 1)
        return _Answer(answer.status, answer.body.decode("utf-8", "replace"), answer.headers)


def _with(url: str, params: Mapping[str, str] | None) -> str:
    return f"{url}?{urlencode(params)}" if params else url
