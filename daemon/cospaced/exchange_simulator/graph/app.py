"""Graph over ASGI: faults, one request, its answer."""

from cospaced.exchange_simulator.app import CONNECTION, send_whole
from cospaced.exchange_simulator.connection import Connection
from cospaced.exchange_simulator.graph.faults import Fault, Faults, spoilt
from cospaced.exchange_simulator.graph.service import ROOT, Request, Service
from cospaced.exchange_simulator.rights import Rights
from cospaced.exchange_simulator.state import State
from cospaced.exchange_simulator.tokens import Tokens
from cospaced.loopback.asgi import Receive, Scope, Send, gone


TENANT = "11111111-2222-3333-4444-555555555555"


class Graph:
    """Microsoft Graph and the tenant's description; `seen` keeps every request to Graph."""

    def __init__(self, state: State, rights: Rights, tokens: Tokens) -> None:
        self.tenant_id = TENANT
        self.seen: list[Request] = []
        self.faults = Faults()
        self.service = Service(state, rights, tokens, self.tenant_id)

    async def __call__(self, scope: Scope, receive: Receive, send: Send, body: bytes) -> None:
        """Answer one request whose body was read."""
        request = _request(scope, body)
        of_graph = request.path.startswith(ROOT)
        if of_graph:
            self.seen.append(request)
        fault = self.faults.take(request.path, entra=not of_graph)
        if fault is Fault.LOST:
            (scope.get(CONNECTION) or Connection()).reset()
        if fault in (Fault.LOST, Fault.SILENT, Fault.ENTRA_SILENT):
            await gone(receive)
            return
        reply = self.service.handle(request)
        if fault is not None:
            own = f"{request.base}{request.path}?{request.query}"
            reply = spoilt(fault, reply, own)
        headers = [(name.lower().encode(), value.encode()) for name, value in reply.headers.items()]
        await send_whole(send, reply.status, reply.body, headers)


def _request(scope: Scope, body: bytes) -> Request:
    headers = {str(k, "latin-1").lower(): str(v, "latin-1") for k, v in scope["headers"]}
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return Request(
        method=scope["method"],
        base=f"{scope['scheme']}://{headers.get('host', '')}",
        path=raw.decode("latin-1").partition("?")[0],
        query=scope["query_string"].decode("latin-1"),
        headers=headers,
        body=body,
    )
