"""exchangelib as we use it, in one place: one connection, no retry of its own, strict answers.

What it gets wrong is mended here, each in one place:

- it forgives and overlooks what an answer says: see `answers`;
- it hides 429, tells a wrong password by its connection header, and would wait for an hour inside:
  `Policy`;
- it asks for a new token with a refresh token that it never had (its issue 1345), and judges by
  this machine's clock whether a token still holds: `Application`.
"""

import logging
import ssl
import warnings
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urljoin

import requests
from exchangelib import DELEGATE, IMPERSONATION, Account, Build, Configuration, Credentials, Version
from exchangelib.credentials import OAuth2Credentials
from exchangelib.errors import (
    ErrorServerBusy,
    MalformedResponseError,
    RedirectError,
    TransportError,
    UnauthorizedError,
)
from exchangelib.folders import Calendar, Root
from exchangelib.properties import DistinguishedFolderId, Mailbox
from exchangelib.protocol import BaseProtocol, CachingProtocol, FailFast
from exchangelib.services.common import EWSService
from exchangelib.transport import BASIC, NTLM, OAUTH2
from oauthlib.oauth2 import BackendApplicationClient, TokenExpiredError

from cospaced.calendars.exchange import answers
from cospaced.calendars.web_answers import REDIRECTS, retry_after
from cospaced.host.tls import tls_context
from cospaced.settings import CalendarSettings


AUTH = {"basic": BASIC, "ntlm": NTLM, "oauth": OAUTH2}
_VERSION = Version(Build(15, 1))
"""Exchange 2016: what it names is asked for, so that no request is spent on finding out."""
_USUAL_BACK_OFF = 60


class Forbidden(TransportError):  # type: ignore[misc] # exchangelib has no types
    """403: EWS is not open to this account, or not at all."""


class Failed(TransportError):  # type: ignore[misc] # as above
    """A status that means no more than that the request failed."""

    def __init__(self, status: int) -> None:
        super().__init__(f"the server answered with status {status}")
        self.status = status


class Application(OAuth2Credentials):  # type: ignore[misc] # as above
    """An application that logs in with its secret, at the tenant's own authority."""

    def __init__(self, settings: CalendarSettings) -> None:
        secret = settings.client_secret
        super().__init__(
            client_id=settings.client_id,
            client_secret=secret.reveal() if secret is not None else "",
            tenant_id=settings.tenant_id,
        )
        self._authority = settings.authority.rstrip("/")
        self._resource = "/".join(settings.server.split("/")[:3])
        self._client = _Client(client_id=settings.client_id)
        self._token_was_taken = False

    # exchangelib keeps a connection for each login, and would compare what changes with the token.
    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    @property
    def client(self) -> BackendApplicationClient:
        """The token's keeper."""
        return self._client

    @property
    def token_url(self) -> str:
        """Where tokens are had."""
        return f"{self._authority}/{self.tenant_id}/oauth2/v2.0/token"

    @property
    def scope(self) -> list[str]:
        """EWS of this server, with whatever the application was granted."""
        return [f"{self._resource}/.default"]

    def session_params(self) -> dict[str, Any]:
        """Return the token alone: without one, the first is fetched as any later one is."""
        return {"token": self.access_token}

    def taken(self) -> None:
        """Note that the server takes the token."""
        self._token_was_taken = True

    def refused(self) -> bool:
        """Forget a token that the server refuses; whether it took it before: a new one may do.

        One that was never taken is forgotten too: rights that are granted now stand in the next.
        """
        was_taken, self._token_was_taken = self._token_was_taken, False
        self.access_token = None
        return was_taken


class _Client(BackendApplicationClient):  # type: ignore[misc] # as above
    """Holds a token until the server refuses it, whatever this machine's clock says."""

    def populate_token_attributes(self, response: Mapping[str, Any]) -> None:
        """Take a token without its end."""
        endless = {k: v for k, v in response.items() if not k.startswith("expires")}
        super().populate_token_attributes(endless)


class Policy(FailFast):  # type: ignore[misc] # as above
    """What an HTTP status means; counts the answers. Nothing is tried again here, but for a token.

    `application` is the one whose token goes out, if any does.
    """

    def __init__(self, application: Application | None = None) -> None:
        super().__init__()
        self.answers = 0
        self._application = application

    def raise_response_errors(self, response: requests.Response) -> None:
        """Raise for an answer that is none; `back_off` is what the server asks for, in seconds."""
        self.answers += 1
        status = response.status_code
        if status == 401:  # noqa: PLR2004 - Unauthorized
            if self._application is not None and self._application.refused():
                raise TokenExpiredError
            raise UnauthorizedError("the login was refused")
        if self._application is not None:
            self._application.taken()
        if status == 403:  # noqa: PLR2004 - Forbidden
            raise Forbidden("the server forbids it (status 403)")
        if status in (429, 503, 504):
            asked = retry_after(response.headers)
            seconds = asked.total_seconds() if asked is not None else _USUAL_BACK_OFF
            raise ErrorServerBusy(f"the server is busy (status {status})", back_off=seconds)
        if status in REDIRECTS and "location" in response.headers:
            raise RedirectError(url=urljoin(response.url, response.headers["location"]))
        try:
            super().raise_response_errors(response)
        except MalformedResponseError as error:
            raise Failed(status) from error


class Connection:
    """What one worker holds of one `[calendar:NAME]`."""

    def __init__(self, settings: CalendarSettings) -> None:
        login = credentials(settings)
        self.policy = policy_for(login)
        self._access = IMPERSONATION if settings.access == "impersonation" else DELEGATE
        self._configuration = Configuration(
            service_endpoint=settings.server,
            credentials=login,
            auth_type=AUTH[settings.auth],
            version=_VERSION,
            retry_policy=self.policy,
            max_connections=1,
        )
        self._asked_last: Account | None = None

    def calendar(self, mailbox: str) -> Calendar:
        """Return a mailbox's calendar, named and not looked for: that would be two requests."""
        account = Account(
            primary_smtp_address=mailbox,
            config=self._configuration,
            access_type=self._access,
            autodiscover=False,
        )
        if self._asked_last is not None:
            # Which version of EWS a server knows is found out once, and not for each mailbox.
            account.version = self._asked_last.version
        self._asked_last = account
        named = DistinguishedFolderId(id="calendar", mailbox=Mailbox(email_address=mailbox))
        return Calendar(root=Root(account=account), _distinguished_id=named)


def connection(settings: CalendarSettings) -> Connection:
    """Return the connection for these settings, kept from one job to the next."""
    set_up_library(settings)
    return _connection(settings)


def set_up_library(settings: CalendarSettings) -> None:
    """Set what all connections of exchangelib share; for each job, as they open sockets at will."""
    BaseProtocol.TIMEOUT = settings.timeout.total_seconds()
    BaseProtocol.USERAGENT = "cospaced"
    EWSService._get_soap_parts = classmethod(answers.parts)  # noqa: SLF001 - the one place for it
    EWSService._get_exception = staticmethod(answers.error_told)  # noqa: SLF001 - as above
    BaseProtocol.HTTP_ADAPTER_CLS = _adapter(settings)


def silence_library() -> None:
    """Let it write nothing beside what is told in our words: it shows requests, and advises."""
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")


def limit_requests(seconds: float) -> None:
    """Let each request of this job take so long at most; the next job is set up anew."""
    BaseProtocol.TIMEOUT = seconds


def discard_connections() -> None:
    """Begin anew with the next job.

    exchangelib replaces a session that failed by a new one; where that got no token, its pool stays
    empty, and it would wait for ever.
    """
    CachingProtocol.clear_cache()
    _connection.cache_clear()


@lru_cache(maxsize=4)
def _connection(settings: CalendarSettings) -> Connection:
    return Connection(settings)


def credentials(settings: CalendarSettings) -> Any:
    """Return what exchangelib logs in with; a token is one for `server` alone."""
    if settings.auth == "oauth":
        return Application(settings)
    password = settings.password.reveal() if settings.password is not None else ""
    return Credentials(username=settings.username, password=password)


def policy_for(login: Any) -> Policy:
    """Return a policy for a login that `credentials` made."""
    return Policy(login if isinstance(login, Application) else None)


@lru_cache(maxsize=4)
def _adapter(settings: CalendarSettings) -> type[requests.adapters.HTTPAdapter]:
    """Return an adapter class that trusts what the settings say, and nothing of the environment."""
    context = tls_context(verify=settings.verify, ca_file=settings.ca_file)

    class Adapter(requests.adapters.HTTPAdapter):
        def init_poolmanager(self, *args: Any, **keys: Any) -> None:
            super().init_poolmanager(*args, ssl_context=context, **keys)

        def cert_verify(self, conn: Any, *_: Any) -> None:
            # The context says whom to trust; requests would put its own bundle in its place.
            conn.cert_reqs = ssl.CERT_REQUIRED if settings.verify else ssl.CERT_NONE

        def build_connection_pool_key_attributes(
            self, request: Any, verify: Any, cert: Any = None
        ) -> Any:
            host, _ = super().build_connection_pool_key_attributes(request, verify, cert)
            return host, {"ssl_context": context}

    return Adapter
