"""A worker that listens to mailboxes: `python -m cospaced.calendars.exchange.listener MEMORY`.

One process holds one stream over one connection. Exchange keeps a subscription on one mailbox
server, which a cookie of that connection leads to; and exchangelib retries where it has several.
What is heard is only that something changed: a poll looks what.
"""

from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from functools import lru_cache
from typing import Any

from exchangelib import Account
from exchangelib.errors import (
    ErrorExceededConnectionCount,
    ErrorServerBusy,
    ErrorSubscriptionNotFound,
    ErrorTimeoutExpired,
    ResponseMessageError,
)
from exchangelib.services import GetStreamingEvents, SubscribeToStreaming

from cospaced.calendars.exchange.connection import connection, silence_library
from cospaced.calendars.exchange.discovery import with_server
from cospaced.calendars.exchange.faults import explained, in_our_words
from cospaced.calendars.exchange.jobs import Heard, Listen
from cospaced.calendars.expand import Guard
from cospaced.calendars.worker import serve_each
from cospaced.errors import CalendarError
from cospaced.settings import CalendarSettings


_EVENTS = ("CopiedEvent", "CreatedEvent", "DeletedEvent", "ModifiedEvent", "MovedEvent")
_MINUTES = 29
"""How long a stream lasts; Exchange allows 30."""
_MINUTES_WITHOUT_SOME = 5
"""How long where mailboxes are missing from it: they are asked for again between two streams."""
_LOSSES = 2
"""A subscription that is lost so often before anything is heard on it is not made again."""
_OF_THE_SERVER = (ErrorExceededConnectionCount, ErrorServerBusy, ErrorTimeoutExpired)
"""Errors that say nothing of a mailbox, nor of a subscription."""


class _Lost(Exception):
    """The server forgot subscriptions; `ids` is empty where it does not say which."""

    def __init__(self, ids: Iterable[str]) -> None:
        super().__init__("subscriptions are lost")
        self.ids = frozenset(ids)


class _Subscribe(SubscribeToStreaming):  # type: ignore[misc] # exchangelib has no types
    """A subscription that is kept on the mailbox server of another mailbox, the anchor."""

    def __init__(self, account: Account, anchor: str) -> None:
        super().__init__(account=account)
        self._anchor = anchor

    def _extra_headers(self) -> dict[str, str]:
        return {**super()._extra_headers(), "X-AnchorMailbox": self._anchor}


class _Stream(GetStreamingEvents):  # type: ignore[misc] # as above
    """A stream as the messages that it is made of; no objects are made of what they hold."""

    def __init__(self, account: Account, patience: float) -> None:
        super().__init__(account=account)
        # For connecting, and between two signs of life.
        self.timeout = (self.protocol.TIMEOUT, patience)

    def messages(self, subscriptions: Iterable[str], minutes: int) -> Iterator[Any]:
        """Yield messages until the stream ends; `connection_status` says whether it was meant."""
        payload = self.get_payload(list(subscriptions), minutes)
        yield from self._get_elements(payload=payload)

    def _get_element_container(self, message: Any, name: str | None = None) -> Any:
        lost = [found.text for found in message.iterfind("{*}ErrorSubscriptionIds/{*}*")]
        if lost:
            raise _Lost(lost)
        found = super()._get_element_container(message=message, name=name)
        if isinstance(found, Exception):
            raise found
        return message

    @classmethod
    def _get_elements_in_container(cls, container: Any) -> list[Any]:
        return [container]


class _Listener:
    """What one process knows of its subscriptions, from one stream to the next."""

    def __init__(self, settings: CalendarSettings) -> None:
        self._settings = settings
        self._held: dict[str, str] = {}
        """Subscriptions by mailbox; the first is the anchor, whose server keeps them all."""
        self._losses: Counter[str] = Counter()

    def listen(self, job: Listen) -> Iterator[Heard]:
        """Listen to one stream; raises CalendarError.

        The next one is the daemon's to ask for: the login may have been refused meanwhile.
        """
        with in_our_words(self._settings, job.mailboxes[0]):
            refused = yield from self._subscribe(job.mailboxes)
            try:
                yield from self._stream(job, refused)
            except _Lost as lost:
                self._lose(lost.ids)
            except ErrorSubscriptionNotFound:
                self._lose(frozenset())
            except _OF_THE_SERVER:
                raise
            except ResponseMessageError:
                self._held.clear()
                raise
            yield Heard(over=True)

    def _subscribe(self, mailboxes: Iterable[str]) -> Generator[Heard, None, dict[str, str]]:
        """Subscribe to what is not yet; return why not, by mailbox."""
        refused: dict[str, str] = {}
        reason = CalendarError("not_found", "there is no mailbox to listen to")
        for mailbox in mailboxes:
            if mailbox in self._held:
                continue
            try:
                self._held[mailbox] = self._subscription(mailbox)
            except CalendarError as error:
                reason = error
                refused[mailbox] = str(error)
            yield Heard()
        if not self._held:
            raise reason
        return refused

    def _subscription(self, mailbox: str) -> str:
        """Return a new subscription; CalendarError where it is this mailbox that has none."""
        if self._losses[mailbox] >= _LOSSES:
            self._losses[mailbox] = 0
            text = "Exchange forgets its subscription at once; is it on another mailbox server?"
            raise CalendarError("unreachable", f"{mailbox}: {text}")
        calendar = connection(self._settings).calendar(mailbox)
        anchor = next(iter(self._held), mailbox)
        try:
            made = _Subscribe(calendar.account, anchor).get(folders=[calendar], event_types=_EVENTS)
        except _OF_THE_SERVER:
            raise
        except ResponseMessageError as error:
            known = explained(error, self._settings, mailbox)
            if known is None:
                raise
            raise known from error
        return str(made)

    def _stream(self, job: Listen, refused: dict[str, str]) -> Iterator[Heard]:
        mailboxes = {subscription: mailbox for mailbox, subscription in self._held.items()}
        anchor = connection(self._settings).calendar(next(iter(self._held))).account
        stream = _Stream(anchor, job.patience)
        minutes = _MINUTES_WITHOUT_SOME if refused else _MINUTES
        begun = False
        for message in stream.messages(mailboxes, minutes):
            if not begun:
                begun = True
                yield Heard(streaming=True, refused=tuple(refused.items()))
            told = {mailboxes[one]: changed for one, changed in _told(message) if one in mailboxes}
            for mailbox in told:
                self._losses.pop(mailbox, None)
            yield Heard(changed=tuple(mailbox for mailbox, changed in told.items() if changed))
        if stream.connection_status != stream.CLOSED:
            raise CalendarError("truncated", "the stream broke off before its time")

    def _lose(self, ids: frozenset[str]) -> None:
        for mailbox, subscription in tuple(self._held.items()):
            if not ids or subscription in ids:
                del self._held[mailbox]
                self._losses[mailbox] += 1


def _told(message: Any) -> Iterator[tuple[str, bool]]:
    """Yield the subscriptions that a message is about, and whether it tells a change of them."""
    for one in message.iterfind("{*}Notifications/{*}Notification"):
        names = {str(child.tag).rpartition("}")[2] for child in one}
        yield one.findtext("{*}SubscriptionId"), not names.isdisjoint(_EVENTS)


@lru_cache(maxsize=1)
def _listener(settings: CalendarSettings) -> _Listener:
    return _Listener(settings)


def listen(job: Listen, _: Guard) -> Iterator[Heard]:
    """Yield what is heard of mailboxes while a stream lasts; raises CalendarError."""
    with with_server(job.settings, job.mailboxes[0]) as settings:
        yield from _listener(settings).listen(job)


if __name__ == "__main__":
    silence_library()
    serve_each(listen)
