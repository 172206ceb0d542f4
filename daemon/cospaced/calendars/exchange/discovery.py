"""`server = autodiscover`: the URL of EWS, found through Autodiscover by exchangelib.

Of what exchangelib does, this is different:

- no file remembers what was found (it keeps one in the directory for temporary files);
- a login goes only to a host whose certificate is trusted and that asked for it (401), and after
  one refusal no other host is tried: accounts are locked after some;
- nobody is believed who did not show a certificate: plain HTTP is not asked, and an SRV record
  counts only where it leads to a host of the same domain;
- names are resolved as this machine does it for everything else, /etc/hosts included.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from time import monotonic  # noqa: TID251 - a worker process has no loop, and so no Clock
from typing import Any
from urllib.parse import urlsplit

from dns.exception import DNSException
from exchangelib import Configuration
from exchangelib.autodiscover import Autodiscovery, discovery
from exchangelib.autodiscover.protocol import AutodiscoverProtocol
from exchangelib.errors import (
    AutoDiscoverError,
    ErrorServerBusy,
    RedirectError,
    TransportError,
    UnauthorizedError,
)
from exchangelib.transport import get_unauthenticated_autodiscover_response
from exchangelib.util import CONNECTION_ERRORS, get_redirect_url

from cospaced.calendars.exchange.connection import AUTH, credentials, policy_for, set_up_library
from cospaced.calendars.exchange.faults import in_our_words, is_of_the_token, untrusted
from cospaced.errors import CalendarError
from cospaced.host.tls import certificate_text
from cospaced.settings import CalendarSettings


AUTODISCOVER = "autodiscover"
_REMEDY = "write server = https://.../EWS/Exchange.asmx"
_MOST_HOSTS = 10
"""Hosts asked for one mailbox, wherever the answers send us."""
_SHARE_OF_A_REQUEST = 1 / 6
_SHARE_OF_ALL = 1 / 2
"""Of a calendar's timeout; the rest is for reading."""
_PAUSE = timedelta(minutes=5)
"""How long a domain without a server is left alone."""
_MOVED = ("not_a_calendar", "redirect", "unreachable")
"""Faults after which the server is looked for again: it may be another now."""
_SCHEMES = {"basic": ("basic",), "ntlm": ("ntlm", "negotiate"), "oauth": ("bearer",)}
"""What a host must offer (WWW-Authenticate) to be sent a login."""
_OF_A_HOST = (TransportError, *CONNECTION_ERRORS, AttributeError, KeyError, ValueError)
"""What a host may cause; the last three by an answer that exchangelib takes for Autodiscover's."""
_EWS = ("external_ews_url", "internal_ews_url")

_found: dict[tuple[CalendarSettings, str], str] = {}
"""URLs of EWS, by settings and domain of the mailbox."""


@contextmanager
def with_server(settings: CalendarSettings, mailbox: str) -> Iterator[CalendarSettings]:
    """Yield settings whose `server` is a URL: that of this mailbox's domain, if it is to be found.

    It is looked for once for each domain, and again after a fault that a server which moved away
    causes. Raises CalendarError.
    """
    if settings.server != AUTODISCOVER:
        yield settings
        return
    key = settings, _domain(mailbox)
    if key not in _found:
        _found[key] = _discovered(settings, mailbox)
    try:
        yield replace(settings, server=_found[key])
    except CalendarError as error:
        if error.kind in _MOVED:
            _found.pop(key, None)
        raise


def _discovered(settings: CalendarSettings, mailbox: str) -> str:
    """Return the URL of EWS; CalendarError where there is none that may be used."""
    set_up_library(settings)
    domain = _domain(mailbox)
    with in_our_words(replace(settings, server=domain), mailbox):
        try:
            told = _Search(settings, mailbox).discover()
        except AutoDiscoverError as error:
            raise _none(domain, _brief(error)) from error
    # The external one comes first: its certificate is meant for machines outside the forest.
    urls = [told[key] for key in _EWS if told.get(key)]
    for url in urls:
        if url.lower().startswith("https://"):
            return str(url)
    raise _none(domain, f"it tells {urls[0]}, which is not https" if urls else "it tells none")


def _none(domain: str, why: str, *, answered: bool = True) -> CalendarError:
    text = f"Autodiscover finds no server for {domain}: {why}"
    if not answered:
        # Nobody answered at all: it may be this machine's network. It is asked again soon.
        return CalendarError("unreachable", text, remedy=_REMEDY)
    # Not shared: it may be a slip in the domain of one room, and others are not to wait for that.
    return CalendarError("not_found", text, after=_PAUSE, remedy=_REMEDY)


class _Forgetful(dict[Any, Any]):
    """What exchangelib takes for its cache; nothing stays in it."""

    def __enter__(self) -> None:
        """Be entered: exchangelib locks its own."""

    def __exit__(self, *_: object) -> None:
        """Be left."""

    def __setitem__(self, _: Any, __: Any) -> None:
        """Keep nothing."""


discovery.autodiscover_cache = _Forgetful()


class _Search(Autodiscovery):  # type: ignore[misc] # exchangelib has no types
    """One search for a server, on the hosts that Autodiscover may be on."""

    def __init__(self, settings: CalendarSettings, mailbox: str) -> None:
        super().__init__(email=mailbox)
        seconds = settings.timeout.total_seconds()
        self._settings = settings
        self._end = monotonic() + seconds * _SHARE_OF_ALL
        self._domain = _domain(mailbox)
        self._failures: dict[str, Exception] = {}
        self._answered = False
        self.DNS_RESOLVER_LIFETIME = seconds * _SHARE_OF_A_REQUEST
        self.DNS_RESOLVER_ATTRS = {"timeout": self.DNS_RESOLVER_LIFETIME / 2}
        AutodiscoverProtocol.TIMEOUT = seconds * _SHARE_OF_A_REQUEST

    def _attempt_response(self, url: str) -> tuple[bool, Any]:
        """Ask one host; whether it answers as Autodiscover does, and what."""
        host = urlsplit(url).netloc
        self._urls_visited.append(url.lower())
        if len(self._urls_visited) > _MOST_HOSTS or monotonic() > self._end:
            self._failures[host] = TransportError("not asked any more, it took too long")
            self._step_6()
        settings = replace(self._settings, server=url)
        try:
            return True, self._asked(settings)
        except RedirectError as error:
            if self._redirect_url_is_valid(error.url):
                return self._attempt_response(error.url)
            self._failures[host] = TransportError(f"it redirects to {error.url}")
        except Exception as error:
            if _ends_the_search(error, settings):
                with in_our_words(settings, self.email):
                    raise
            if not isinstance(error, _OF_A_HOST):
                raise
            self._failures[host] = error
        return False, None

    def _asked(self, settings: CalendarSettings) -> Any:
        """Return what the host at `server` tells of the mailbox; raises what exchangelib does."""
        login = credentials(settings)
        protocol = AutodiscoverProtocol(
            Configuration(
                service_endpoint=settings.server,
                credentials=login,
                auth_type=AUTH[settings.auth],
                retry_policy=policy_for(login),
                max_connections=1,
            )
        )
        self._see_that_it_wants_the_login(protocol)
        try:
            return protocol.get_user_settings(user=self.email, settings=list(_EWS))
        finally:
            protocol.close()

    def _see_that_it_wants_the_login(self, protocol: AutodiscoverProtocol) -> None:
        """Raise where a host, asked without a login, does not ask for one of this kind."""
        answer = get_unauthenticated_autodiscover_response(
            protocol=protocol, method="post", data=protocol.dummy_xml()
        )
        self._answered = True
        if answer.is_redirect:
            raise RedirectError(url=get_redirect_url(answer))
        if answer.status_code != 401:  # noqa: PLR2004 - Unauthorized
            raise TransportError(f"no Autodiscover there (status {answer.status_code})")
        offers = answer.headers.get("WWW-Authenticate", "").lower()
        if not any(scheme in offers for scheme in _SCHEMES[self._settings.auth]):
            raise TransportError(f"it does not offer auth = {self._settings.auth}")

    def _step_6(self) -> None:
        """Tell that nothing was found. A certificate comes first: it hides what is behind it.

        That of the domain's own host, mostly a website, does so only where no other host answered.
        """
        for host, error in reversed(self._failures.items()):
            if host == self._domain and self._answered:
                continue
            if (verdict := untrusted(error)) is not None:
                raise CalendarError("certificate", certificate_text(host, verdict))
        why = "; ".join(f"{host}: {_brief(error)}" for host, error in self._failures.items())
        raise _none(self._domain, why, answered=self._answered)

    def _redirect_url_is_valid(self, url: str) -> bool:
        return url.lower().startswith("https://") and url.lower() not in self._urls_visited

    def _step_3(self, hostname: str) -> Any:
        # It would ask over plain HTTP where to go: whoever is in between could say.
        return self._step_4(hostname=hostname)

    def _get_srv_records(self, hostname: str) -> list[Any]:
        try:
            records = super()._get_srv_records(hostname)
        except (DNSException, OSError):
            return []
        own = [one for one in records if one.srv.lower().endswith(f".{self._domain}")]
        if records and not own:
            why = f"its SRV record leads out of {self._domain}, and anybody may have sent it"
            self._failures[records[0].srv] = TransportError(why)
        return own

    def _build_response(self, ad_response: Any) -> dict[str, str]:
        return ad_response.user_settings or {}


def _ends_the_search(error: Exception, settings: CalendarSettings) -> bool:
    """Whether what befell one host is not to be met with another."""
    busy_or_refused = isinstance(error, UnauthorizedError | ErrorServerBusy)
    return busy_or_refused or is_of_the_token(error, settings)


def _domain(mailbox: str) -> str:
    return mailbox.rpartition("@")[2].lower()


def _brief(error: Exception) -> str:
    """Return in a few words what went wrong."""
    if untrusted(error) is not None:
        return "its TLS certificate is not trusted"
    if isinstance(error, CONNECTION_ERRORS) or isinstance(error.__context__, CONNECTION_ERRORS):
        return "no connection"
    return " ".join(str(error).split())[:100]
