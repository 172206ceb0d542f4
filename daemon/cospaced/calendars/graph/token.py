"""Tokens of Microsoft Entra, by msal: the client credentials grant of one application.

msal is synchronous, so it runs through an Offload of its own: it waits there for its requests,
which come back to the loop and go out by `host.web` like all others, with their deadline, size
limit and trust. What is no answer of Entra never gets to it. It keeps a token until
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
from urllib.parse import urlencode, urlsplit

import msal

from cospaced.calendars.entra import first_sentence, refusal
from cospaced.calendars.login_gate import LoginGate
from cospaced.calendars.web_answers import REDIRECTS, retry_after
from cospaced.errors import CalendarError
from cospaced.host.web import Web, WebError
from cospaced.ports import Clock, Offload
from cospaced.settings import CalendarSettings


_LIMIT = 1_000_000
_SECONDS = 10.0
_AGAIN = timedelta(seconds=5)
"""How long Entra is left alone after it could not be asked twice in a row."""


class Tokens:
    """Access tokens for Graph; `current` may be asked at any time, by several at once.

    One token serves them all: it is fetched by one of them, and the others wait for it, or are told
    why there is none. `offload` serves nothing else.
    """

    def __init__(
        self,
        settings: CalendarSettings,
        *,
        web: Web,
        offload: Offload,
        gate: LoginGate,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._web = web
        self._offload = offload
        self._gate = gate
        self._application: Any = None
        self._turn = asyncio.Lock()
        self._clock = clock
        self._failure: tuple[float, CalendarError] | None = None
        """Why there was no token the last time, and until when that holds."""
        seconds = min(_SECONDS, settings.timeout.total_seconds() / 3)
        self._bridge = _Bridge(web, seconds)

    async def current(self, *, refused: str = "") -> str:
        """Return a token that is valid now; `refused` is one that Graph has refused.

        Raises CalendarError: `login` with what the administrator must mend, or `unreachable`.
        """
        async with self._turn:
            self._check()
            # What another one was refused meanwhile is not asked for again.
            with self._gate.attempt(proves=False):
                try:
                    token = await self._fetched(refused)
                except CalendarError as error:
                    if not error.shared:
                        self._failed(error)
                    raise
                self._failure = None
                return token

    def _failed(self, error: CalendarError) -> None:
        # Once may be by chance: the next one tries at once.
        pause = error.after or (_AGAIN if self._failure is not None else timedelta(0))
        self._failure = self._clock.monotonic() + pause.total_seconds(), error

    def _check(self) -> None:
        """Raise what another one met just now: who waited behind it would fare no better."""
        if self._failure is not None and self._clock.monotonic() < self._failure[0]:
            told = self._failure[1]
            raise CalendarError(told.kind, str(told), after=told.after)

    async def _fetched(self, refused: str) -> str:
        self._bridge.loop = asyncio.get_running_loop()
        try:
            answer: Mapping[str, Any] = await self._offload.run(
                functools.partial(self._asked, refused)
            )
        except WebError as error:
            raise CalendarError(_kind(error), f"no token: {error}") from error
        except msal.exceptions.MsalServiceError as error:
            text = f"{self._settings.authority} gives no token now ({error})"
            raise CalendarError("unreachable", text) from error
        except RuntimeError as error:
            # A reload has closed this source, or msal met a status that it does not know.
            raise CalendarError("unreachable", f"no token: {error}") from error
        except (ValueError, KeyError) as error:
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

    def _asked(self, refused: str) -> Mapping[str, Any]:
        """Ask msal, off the loop."""
        if self._application is None:
            secret = self._settings.client_secret
            self._application = msal.ConfidentialClientApplication(
                self._settings.client_id,
                client_credential=secret.reveal() if secret is not None else "",
                authority=f"{self._settings.authority.rstrip('/')}/{self._settings.tenant_id}",
                # The authority is the administrator's: it need not be one that Microsoft lists.
                instance_discovery=False,
                http_client=self._bridge,
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
        said = f": {first_sentence(self._bridge.said)}" if self._bridge.said else ""
        return f"no login at {place}{said} (check authority and tenant_id)"

    def _refused(self, answer: Mapping[str, Any]) -> CalendarError:
        said = str(answer.get("error_description") or answer.get("error") or "no token")
        if answer.get("error") in ("temporarily_unavailable", "server_error"):
            text = f"{self._settings.authority} gives no token now: {first_sentence(said)}"
            return CalendarError("unreachable", text, after=timedelta(seconds=60))
        return CalendarError("login", refusal(said), shared=True)


def _roles(token: str) -> frozenset[str] | None:
    """Return the `roles` claim of a JWT (RFC 7519); an application without any has no claim."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return frozenset(map(str, claims.get("roles", ())))
    except (IndexError, ValueError, AttributeError, TypeError, RecursionError):
        return None


def _kind(error: WebError) -> str:
    # Not `timeout`: it is none of the room's, and no longer one of the calendar would help.
    return "certificate" if error.kind == "certificate" else "unreachable"


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
    """msal's http_client: called in a thread, it sends by the loop's own `Web`.

    Only what Entra itself says gets through: a JSON object. Proxies and firewalls answer with web
    pages, which msal takes for a wrong tenant, and writes into the log.
    """

    def __init__(self, web: Web, seconds: float) -> None:
        self._web = web
        self._seconds = seconds
        self.loop: asyncio.AbstractEventLoop | None = None
        """Where `web` runs; set before msal is asked."""
        self.said = ""
        """Why Entra refused the last request, in its words."""

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
        if self.loop is None:
            raise RuntimeError("asked without a loop")
        sending = self._web.request(
            method, url, headers=headers, body=body, total=self._seconds, limit=_LIMIT
        )
        answer = asyncio.run_coroutine_threadsafe(sending, self.loop).result(self._seconds + 1)
        said = _object(answer.body)
        refused = answer.status < 500 and (said is None or answer.status in REDIRECTS)  # noqa: PLR2004 - msal knows what those mean
        if refused:
            text = (
                f"no token: {urlsplit(url).netloc} answered with status {answer.status}, and not as"
                " Entra does; let no proxy answer in its place, or mend authority"
            )
            raise CalendarError("unreachable", text, after=retry_after(answer.headers))
        self.said = str((said or {}).get("error_description", ""))
        return _Answer(answer.status, answer.body.decode("utf-8", "replace"), answer.headers)


def _object(body: bytes) -> Mapping[str, Any] | None:
    """Return the JSON object that a body is; None where it is none."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def _with(url: str, params: Mapping[str, str] | None) -> str:
    return f"{url}?{urlencode(params)}" if params else url
