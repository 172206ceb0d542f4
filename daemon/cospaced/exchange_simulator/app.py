"""The simulator as an ASGI application: log-in, faults, one request, its answer.

Over sockets `serve` hands in the Connection; in process there is none, and a connection that is to
be torn is a ConnectionResetError instead.
"""

import asyncio
from dataclasses import dataclass
from http import HTTPStatus

from cospaced.exchange_simulator import wreck
from cospaced.exchange_simulator.access import Access, Challenge
from cospaced.exchange_simulator.connection import Connection
from cospaced.exchange_simulator.faults import Fault, Faults, Rule
from cospaced.exchange_simulator.refusals import SoapFault
from cospaced.exchange_simulator.request_log import Logged, RequestLog
from cospaced.exchange_simulator.rights import Account
from cospaced.exchange_simulator.service import Asked, Reply, Service, Stream, read
from cospaced.exchange_simulator.stream import envelopes
from cospaced.exchange_simulator.tokens import PATH_END, Tokens
from cospaced.loopback.asgi import Receive, Scope, Send, authorization, gone, need_http, whole_body


PATH = "/EWS/Exchange.asmx"
CONNECTION = "cospaced.connection"
"""Where a scope holds the Connection."""

_XML = (b"content-type", b"text/xml; charset=utf-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Exchange:
    """One request on its way."""

    account: Account
    asked: Asked
    raw: bytes
    rule: Rule | None


class App:
    """Answers on two paths: EWS, and `/TENANT/oauth2/v2.0/token`."""

    def __init__(
        self, service: Service, access: Access, tokens: Tokens, faults: Faults, log: RequestLog
    ) -> None:
        self._service = service
        self._access = access
        self._tokens = tokens
        self._faults = faults
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        need_http(scope)
        body = await whole_body(receive)
        path = scope["path"]
        if path.endswith(PATH_END):
            told = self._tokens.answer(body)
            kind = (b"content-type", b"application/json; charset=utf-8")
            await _send(send, told.status, told.body.encode(), [kind])
        elif path.lower() != PATH.lower():
            await _send(send, HTTPStatus.NOT_FOUND, b"")
        else:
            await self._ews(scope, receive, send, body)

    async def _ews(self, scope: Scope, receive: Receive, send: Send, body: bytes) -> None:
        connection = scope.get(CONNECTION) or Connection()
        login = self._access.login(authorization(scope), connection)
        if isinstance(login, Challenge):
            await _send(send, HTTPStatus.UNAUTHORIZED, b"", _offers(login.offers))
            return
        if not self._service.state.knobs.ews_enabled:
            await _send(send, HTTPStatus.FORBIDDEN, b"")
            return
        try:
            asked = read(body)
        except SoapFault as fault:
            await _reply(send, self._service.fault(fault))
            return
        if (seconds := self._faults.latency()) > 0:
            await self._service.state.clock.sleep(seconds)
        rule = self._faults.draw(asked.operation, asked.mailbox)
        exchange = _Exchange(account=login, asked=asked, raw=body, rule=rule)
        if rule is not None and await self._stricken(exchange, rule, connection, receive, send):
            return
        await self._answer(exchange, connection, receive, send)

    async def _stricken(
        self,
        exchange: _Exchange,
        rule: Rule,
        connection: Connection,
        receive: Receive,
        send: Send,
    ) -> bool:
        """Whether a fault took the place of the answer."""
        if rule.fault is Fault.RESET:
            self._note(exchange, 0, "")
            connection.reset()
            await gone(receive)
        elif rule.fault is Fault.HANG:
            self._note(exchange, 0, "")
            await gone(receive)
        elif (bare := wreck.bare(rule)) is not None:
            self._note(exchange, bare.status, "")
            await _send(send, bare.status, bare.body, bare.headers)
        elif (reply := wreck.refused(rule, exchange.asked.operation, self._service)) is not None:
            self._note(exchange, reply.status, reply.body)
            await _reply(send, reply)
        else:
            return False
        return True

    async def _answer(
        self, exchange: _Exchange, connection: Connection, receive: Receive, send: Send
    ) -> None:
        try:
            answer = self._service.handle(exchange.asked, exchange.account)
        except SoapFault as fault:
            answer = self._service.fault(fault)
        if isinstance(answer, Stream):
            await self._stream(exchange, answer, connection, receive, send)
            return
        self._note(exchange, answer.status, answer.body)
        rule = exchange.rule
        raw = wreck.torn(rule, answer) if rule is not None else None
        if rule is not None and rule.fault is Fault.RESET_AFTER:
            connection.reset()
            await gone(receive)
        elif raw is not None:
            connection.end_with(raw)
            await gone(receive)
        elif rule is not None and rule.fault is Fault.DRIP:
            await self._drip(send, answer, rule)
        elif rule is not None and rule.fault is Fault.TRUNCATED:
            kept = wreck.kept(answer.body.encode(), rule.keep)
            await _send(send, answer.status, kept, [_XML])
        else:
            if rule is not None and rule.fault is Fault.SLOW:
                await self._service.state.clock.sleep(rule.seconds)
            await _reply(send, answer)

    async def _drip(self, send: Send, reply: Reply, rule: Rule) -> None:
        body = reply.body.encode()
        await _start(send, reply.status, [_XML, (b"content-length", str(len(body)).encode())])
        size = -(-len(body) // rule.pieces)
        for begin in range(0, len(body), size):
            await self._service.state.clock.sleep(rule.seconds)
            piece = body[begin : begin + size]
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def _stream(
        self,
        exchange: _Exchange,
        stream: Stream,
        connection: Connection,
        receive: Receive,
        send: Send,
    ) -> None:
        await _start(send, HTTPStatus.OK, [_XML])
        rule = exchange.rule
        dies_after = rule.envelopes if rule and rule.fault is Fault.STREAM_DIES else None
        async with asyncio.TaskGroup() as tasks:
            sending = tasks.create_task(self._send_envelopes(exchange, stream, send, dies_after))
            leaving = tasks.create_task(gone(receive))
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
            sending.cancel()
            leaving.cancel()
        if dies_after is not None:
            connection.reset()
            await gone(receive)
            return
        await send({"type": "http.response.body", "body": b""})

    async def _send_envelopes(
        self, exchange: _Exchange, stream: Stream, send: Send, most: int | None
    ) -> None:
        sent = 0
        source = envelopes(stream, self._service)
        try:
            async for envelope in source:
                if sent == most:
                    return
                self._note(exchange, HTTPStatus.OK, envelope)
                body = envelope.encode()
                await send({"type": "http.response.body", "body": body, "more_body": True})
                sent += 1
        finally:
            await source.aclose()

    def _note(self, exchange: _Exchange, status: int, body: str) -> None:
        rule = exchange.rule
        self._log.add(
            Logged(
                at=self._service.state.clock.now(),
                account=exchange.account.name,
                operation=exchange.asked.operation,
                mailbox=exchange.asked.mailbox,
                request=exchange.raw,
                status=status,
                body=body,
                fault=rule.fault if rule is not None else "",
            )
        )


async def _reply(send: Send, reply: Reply) -> None:
    await _send(send, reply.status, reply.body.encode(), [_XML])


def _offers(offers: tuple[str, ...]) -> list[tuple[bytes, bytes]]:
    return [(b"www-authenticate", one.encode()) for one in offers]


async def _send(
    send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]] | None = None
) -> None:
    length = (b"content-length", str(len(body)).encode())
    await _start(send, status, [*(headers or ()), length])
    await send({"type": "http.response.body", "body": body})


async def _start(send: Send, status: int, headers: list[tuple[bytes, bytes]]) -> None:
    await send({"type": "http.response.start", "status": int(status), "headers": headers})
