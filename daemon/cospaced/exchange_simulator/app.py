"""The simulator as an ASGI application: log-in, faults, one request, its answer.

Over sockets `serve` hands in the Connection; in process there is none, and a connection that is to
be torn is a ConnectionResetError instead.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import TypeAlias

from cospaced.exchange_simulator import autodiscover, wreck
from cospaced.exchange_simulator.access import Access, Challenge
from cospaced.exchange_simulator.connection import Connection
from cospaced.exchange_simulator.faults import Fault, Faults, Rule
from cospaced.exchange_simulator.refusals import SoapFault
from cospaced.exchange_simulator.request_log import Logged, RequestLog
from cospaced.exchange_simulator.rights import Account
from cospaced.exchange_simulator.service import STREAMING, Asked, Reply, Service, Stream, read
from cospaced.exchange_simulator.stream import envelopes
from cospaced.exchange_simulator.tokens import PATH_END, Tokens
from cospaced.loopback.asgi import Receive, Scope, Send, authorization, gone, need_http, whole_body


PATH = "/EWS/Exchange.asmx"
CONNECTION = "cospaced.connection"
"""Where a scope holds the Connection."""

Elsewhere: TypeAlias = Callable[[Scope, Receive, Send, bytes], Awaitable[None]]

_XML = (b"content-type", b"text/xml; charset=utf-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Turn:
    """One request on its way to its answer."""

    account: Account
    asked: Asked
    raw: bytes
    rule: Rule | None
    connection: Connection
    receive: Receive
    send: Send


class App:
    """Answers on three paths: EWS, Autodiscover, and `/TENANT/oauth2/v2.0/token`.

    All others go to `elsewhere`, with the body that was read; by default nothing is there.
    """

    def __init__(
        self, service: Service, access: Access, tokens: Tokens, faults: Faults, log: RequestLog
    ) -> None:
        self.elsewhere: Elsewhere = _nowhere
        self._service = service
        self._access = access
        self._tokens = tokens
        self._faults = faults
        self._log = log
        self._under_way: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        need_http(scope)
        body = await whole_body(receive)
        path = scope["path"]
        if path.endswith(PATH_END):
            told = self._tokens.answer(body)
            self._note_login("token", told.client_id, told.status, told.body)
            kind = (b"content-type", b"application/json; charset=utf-8")
            await send_whole(send, told.status, told.body.encode(), [kind])
        elif path.lower() == autodiscover.PATH and self._service.state.knobs.autodiscover:
            await self._autodiscover(scope, send, body)
        elif path.lower() != PATH.lower():
            await self.elsewhere(scope, receive, send, body)
        else:
            await self._ews(scope, receive, send, body)

    async def _autodiscover(self, scope: Scope, send: Send, body: bytes) -> None:
        """Tell where EWS is: at the host that was asked."""
        login = self._access.login(authorization(scope), scope.get(CONNECTION) or Connection())
        if isinstance(login, Challenge):
            await self._challenge(send, login)
            return
        host = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
        try:
            told = autodiscover.answer(
                body, self._service.state, f"{scope['scheme']}://{host}{PATH}"
            )
        except ValueError:
            await send_whole(send, HTTPStatus.BAD_REQUEST, b"")
            return
        await send_whole(send, HTTPStatus.OK, told.encode(), [_XML])

    async def _ews(self, scope: Scope, receive: Receive, send: Send, body: bytes) -> None:
        connection = scope.get(CONNECTION) or Connection()
        login = self._access.login(authorization(scope), connection)
        if isinstance(login, Challenge):
            await self._challenge(send, login)
            return
        if not self._service.state.knobs.ews_enabled:
            await send_whole(send, HTTPStatus.FORBIDDEN, b"")
            return
        try:
            asked = read(body)
        except SoapFault as fault:
            await _reply(send, self._service.fault(fault))
            return
        turn = _Turn(
            account=login,
            asked=asked,
            raw=body,
            rule=self._faults.draw(asked.operation, asked.mailbox),
            connection=connection,
            receive=receive,
            send=send,
        )
        if asked.operation == STREAMING:
            await self._take(turn)
            return
        with self._counted(asked.impersonated.lower() or login.name) as at_once:
            if at_once > self._service.state.knobs.request_limit:
                reply = self._service.fault(SoapFault("ErrorExceededConnectionCount"))
                self._note(turn, reply.status, reply.body)
                await _reply(send, reply)
            else:
                await self._take(turn)

    async def _challenge(self, send: Send, login: Challenge) -> None:
        """Ask for a login; one that was made in vain is noted, the steps of one are not."""
        if login.refused:
            self._note_login("login", login.name, HTTPStatus.UNAUTHORIZED, "")
        await send_whole(send, HTTPStatus.UNAUTHORIZED, b"", _offers(login.offers))

    def _note_login(self, operation: str, name: str, status: int, body: str) -> None:
        """Note a login or the request for a token; the password that was sent is not kept."""
        self._log.add(
            Logged(
                at=self._service.state.clock.now(),
                account=name or "somebody",
                operation=operation,
                mailbox="",
                request=b"",
                status=status,
                body=body,
            )
        )

    @contextmanager
    def _counted(self, budget: str) -> Iterator[int]:
        self._under_way[budget] += 1
        try:
            yield self._under_way[budget]
        finally:
            self._under_way[budget] -= 1

    async def _take(self, turn: _Turn) -> None:
        if (seconds := self._faults.latency()) > 0:
            await self._service.state.clock.sleep(seconds)
        if turn.rule is None or not await self._stricken(turn, turn.rule):
            await self._answer(turn)

    async def _stricken(self, turn: _Turn, rule: Rule) -> bool:
        """Whether a fault took the place of the answer."""
        if rule.fault in (Fault.RESET, Fault.HANG):
            self._note(turn, 0, "")
            if rule.fault is Fault.RESET:
                turn.connection.reset()
            await gone(turn.receive)
        elif (bare := wreck.bare(rule)) is not None:
            self._note(turn, bare.status, "")
            await send_whole(turn.send, bare.status, bare.body, bare.headers)
        elif (reply := wreck.refused(rule, turn.asked.operation, self._service)) is not None:
            self._note(turn, reply.status, reply.body)
            await _reply(turn.send, reply)
        else:
            return False
        return True

    async def _answer(self, turn: _Turn) -> None:
        try:
            answer = self._service.handle(turn.asked, turn.account)
        except SoapFault as fault:
            answer = self._service.fault(fault)
        if isinstance(answer, Stream):
            await self._stream(turn, answer)
            return
        self._note(turn, answer.status, answer.body)
        if turn.rule is None:
            await _reply(turn.send, answer)
        else:
            await self._spoil(turn, turn.rule, answer)

    async def _spoil(self, turn: _Turn, rule: Rule, answer: Reply) -> None:
        """Let a fault do to an answer what it does."""
        raw = wreck.torn(rule, answer)
        if raw is not None:
            turn.connection.end_with(raw)
            await gone(turn.receive)
        elif rule.fault is Fault.RESET_AFTER:
            turn.connection.reset()
            await gone(turn.receive)
        elif rule.fault is Fault.DRIP:
            await self._drip(turn.send, answer, rule)
        elif rule.fault is Fault.TRUNCATED:
            kept = wreck.kept(answer.body.encode(), rule.keep)
            await send_whole(turn.send, answer.status, kept, [_XML])
        else:
            await self._service.state.clock.sleep(rule.seconds)
            await _reply(turn.send, answer)

    async def _drip(self, send: Send, reply: Reply, rule: Rule) -> None:
        body = reply.body.encode()
        await _start(send, reply.status, [_XML, (b"content-length", str(len(body)).encode())])
        size = -(-len(body) // rule.pieces)
        for begin in range(0, len(body), size):
            await self._service.state.clock.sleep(rule.seconds)
            piece = body[begin : begin + size]
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def _stream(self, turn: _Turn, stream: Stream) -> None:
        await _start(turn.send, HTTPStatus.OK, [_XML])
        rule = turn.rule
        dies_after = rule.envelopes if rule and rule.fault is Fault.STREAM_DIES else None
        async with asyncio.TaskGroup() as tasks:
            sending = tasks.create_task(self._send_envelopes(turn, stream, dies_after))
            leaving = tasks.create_task(gone(turn.receive))
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
            sending.cancel()
            leaving.cancel()
        if dies_after is None:
            await turn.send({"type": "http.response.body", "body": b""})
        else:
            turn.connection.reset()
            await gone(turn.receive)

    async def _send_envelopes(self, turn: _Turn, stream: Stream, most: int | None) -> None:
        sent = 0
        async with aclosing(envelopes(stream, self._service)) as source:
            async for envelope in source:
                if sent == most:
                    return
                self._note(turn, HTTPStatus.OK, envelope)
                body = envelope.encode()
                await turn.send({"type": "http.response.body", "body": body, "more_body": True})
                sent += 1

    def _note(self, turn: _Turn, status: int, body: str) -> None:
        rule = turn.rule
        self._log.add(
            Logged(
                at=self._service.state.clock.now(),
                account=turn.account.name,
                operation=turn.asked.operation,
                mailbox=turn.asked.mailbox,
                request=turn.raw,
                status=status,
                body=body,
                fault=rule.fault if rule is not None else "",
            )
        )


async def _nowhere(_: Scope, __: Receive, send: Send, ___: bytes) -> None:
    await send_whole(send, HTTPStatus.NOT_FOUND, b"")


async def _reply(send: Send, reply: Reply) -> None:
    await send_whole(send, reply.status, reply.body.encode(), [_XML])


def _offers(offers: tuple[str, ...]) -> list[tuple[bytes, bytes]]:
    return [(b"www-authenticate", one.encode()) for one in offers]


async def send_whole(
    send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]] | None = None
) -> None:
    """Send an answer at once."""
    length = (b"content-length", str(len(body)).encode())
    await _start(send, status, [*(headers or ()), length])
    await send({"type": "http.response.body", "body": body})


async def _start(send: Send, status: int, headers: list[tuple[bytes, bytes]]) -> None:
    await send({"type": "http.response.start", "status": int(status), "headers": headers})
