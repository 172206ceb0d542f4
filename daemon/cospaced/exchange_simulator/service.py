"""The service: one SOAP request, its effect, its reply; no waiting and no faults here."""

import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus

from cospaced.exchange_simulator import operations
from cospaced.exchange_simulator.asking import Call, failure, number
from cospaced.exchange_simulator.knobs import Knobs
from cospaced.exchange_simulator.markup import (
    MESSAGES,
    SOAP,
    TYPES,
    content,
    first,
    local,
    parsed,
    tag,
)
from cospaced.exchange_simulator.post import Post
from cospaced.exchange_simulator.refusals import Refusal, SoapFault
from cospaced.exchange_simulator.rights import Account, Rights
from cospaced.exchange_simulator.state import State
from cospaced.exchange_simulator.subscriptions import Subscription, Subscriptions


STREAMING = "GetStreamingEvents"
"""The one operation whose answer goes on; it has a budget of its own."""

_PROLOG = '<?xml version="1.0" encoding="utf-8"?>'


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request as it was read; `mailbox` is whose it is about, as far as it says."""

    operation: str
    request: ET.Element
    version: str
    impersonated: str
    mailbox: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A whole answer."""

    status: HTTPStatus
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """An answer that goes on: what GetStreamingEvents listens to, and for how many minutes."""

    subscriptions: tuple[Subscription, ...]
    minutes: int
    account: str


def read(body: bytes) -> Asked:
    """Return what a request's body asks; SoapFault where it cannot be read."""
    try:
        root = parsed(body)
    except (ET.ParseError, ValueError) as error:
        raise SoapFault("ErrorSchemaValidation", f"The request is no XML: {error}") from error
    inside = first(root, "s:Body")
    if inside is None or len(inside) != 1:
        raise SoapFault("ErrorSchemaValidation")
    version = first(root, "s:Header/t:RequestServerVersion")
    sid = first(root, "s:Header/t:ExchangeImpersonation/t:ConnectingSID")
    impersonated = content(sid, "t:PrimarySmtpAddress") or content(sid, "t:SmtpAddress")
    named = first(inside[0], ".//t:DistinguishedFolderId/t:Mailbox/t:EmailAddress")
    return Asked(
        operation=local(inside[0]),
        request=inside[0],
        version="" if version is None else version.get("Version", ""),
        impersonated=impersonated,
        mailbox=impersonated or (named.text or "" if named is not None else ""),
    )


class Service:
    """Carries requests out on the state."""

    def __init__(self, state: State, rights: Rights, post: Post) -> None:
        self.state = state
        self.rights = rights
        self.subscriptions = Subscriptions(state)
        self.streams: Counter[str] = Counter()
        """How many each account holds open."""
        self._post = post

    def handle(self, asked: Asked, account: Account) -> Reply | Stream:
        """Carry out a request; SoapFault where it fails as a whole."""
        if asked.version and asked.version not in self.state.knobs.versions:
            raise SoapFault("ErrorInvalidServerVersion")
        impersonated = None
        if asked.impersonated:
            impersonated = self.rights.impersonated(account, asked.impersonated)
        call = Call(
            operation=asked.operation,
            request=asked.request,
            account=account,
            impersonated=impersonated,
            state=self.state,
            rights=self.rights,
            post=self._post,
            subscriptions=self.subscriptions,
        )
        if asked.operation == STREAMING:
            return self._stream(call)
        carry_out = operations.OPERATIONS.get(asked.operation)
        if carry_out is None:
            raise SoapFault("ErrorInvalidRequest", f"There is no operation {asked.operation} here.")
        try:
            messages = list(carry_out(call))
        except Refusal as refusal:
            messages = [failure(asked.operation, refusal)]
        if not messages:
            raise SoapFault("ErrorSchemaValidation", "The request is about nothing.")
        return self.answered(asked.operation, messages)

    def answered(self, operation: str, messages: Iterable[str]) -> Reply:
        """Return the reply that response messages make."""
        return Reply(status=HTTPStatus.OK, body=self.response(operation, messages))

    def response(self, operation: str, messages: Iterable[str]) -> str:
        """Return the envelope around response messages."""
        inside = tag(f"m:{operation}Response", tag("m:ResponseMessages", *messages))
        return envelope(inside, self.state.knobs)

    def fault(self, fault: SoapFault) -> Reply:
        """Return the reply that a SOAP fault makes."""
        body = envelope(fault.markup(), self.state.knobs)
        return Reply(status=HTTPStatus.INTERNAL_SERVER_ERROR, body=body)

    def _stream(self, call: Call) -> Reply | Stream:
        account = call.account.name
        if self.streams[account] >= self.state.knobs.stream_limit:
            raise SoapFault("ErrorExceededConnectionCount")
        minutes = number(content(call.request, "m:ConnectionTimeout", "30"))
        wanted = operations.subscription_ids(call)
        found = {identity: self.subscriptions.find(identity) for identity in wanted}
        missing = [identity for identity, one in found.items() if one is None]
        if missing:
            message = operations.subscriptions_missing(missing)
            return self.answered(STREAMING, [message])
        listening = tuple(one for one in found.values() if one is not None)
        return Stream(subscriptions=listening, minutes=minutes, account=account)


def envelope(inside: str, knobs: Knobs) -> str:
    """Return a SOAP envelope with the server's version in its header."""
    major, minor, build, revision = knobs.build
    header = (
        f'<h:ServerVersionInfo MajorVersion="{major}" MinorVersion="{minor}" '
        f'MajorBuildNumber="{build}" MinorBuildNumber="{revision}" Version="{knobs.schema}" '
        f'xmlns:h="{TYPES}"/>'
    )
    return (
        f'{_PROLOG}<s:Envelope xmlns:s="{SOAP}"><s:Header>{header}</s:Header>'
        f'<s:Body xmlns:m="{MESSAGES}" xmlns:t="{TYPES}">{inside}</s:Body></s:Envelope>'
    )
