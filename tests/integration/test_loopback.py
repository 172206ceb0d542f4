"""What both simulators listen with."""

import socket
from typing import Any

import httpx

from cospaced.loopback.asgi import whole_body
from cospaced.loopback.listening import bound, make_server, transport_of


async def test_an_answer_never_waits_for_a_delayed_acknowledgement() -> None:
    """Headers and body are two writes: with Nagle's algorithm each answer would take 40 ms."""
    options: list[int] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await whole_body(receive)
        transport = transport_of(send)
        assert transport is not None
        connection = transport.get_extra_info("socket")
        options.append(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"done"})

    with bound("127.0.0.1", 0) as listener:
        server = make_server(app)
        await server.startup(sockets=[listener])
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.get(f"http://127.0.0.1:{listener.getsockname()[1]}/")
        await server.shutdown(sockets=[listener])
    assert answer.text == "done"
    assert options == [1]
