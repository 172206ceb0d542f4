"""CPU per request of CmsBridge beside bare httpx on both transports, in one run.

A server in another process answers every request with a /system/status of 518 bytes, the size of
the recorded one. Prints a table: requests per second, CPU of this process and the longest wait.
Usage: python tests/bench/bench_cms_client.py [REQUESTS]
"""

import asyncio
import resource
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
from httpx_aiohttp import AiohttpTransport

from cospaced.cms.bridge import CmsBridge
from cospaced.host.clock import SystemClock
from cospaced.host.web import Web
from cospaced.settings import Secret


CONCURRENCY = (1, 8, 64)
LOGIN = ("admin", "password")

SERVER = """
import asyncio
BODY = (b'<?xml version="1.0"?><status><softwareVersion>2.0(RC)</softwareVersion>'
        b'<uptimeSeconds>333717</uptimeSeconds><cdrTime>2016-07-26T14:08:19Z</cdrTime>'
        b'<activated>true</activated><clusterEnabled>true</clusterEnabled>')
BODY += b'<callLegsActive>0</callLegsActive>' * 8
BODY += b'<pad>' + b'x' * (518 - len(BODY) - 20) + b'</pad></status>'
ANSWER = (b'HTTP/1.1 200 OK\\r\\nContent-Type: text/xml\\r\\nContent-Length: %d\\r\\n\\r\\n%b'
          % (len(BODY), BODY))
class Served(asyncio.Protocol):
    def connection_made(self, transport): self.transport, self.head = transport, b''
    def data_received(self, data):
        self.head += data
        while b'\\r\\n\\r\\n' in self.head:
            self.head = self.head.partition(b'\\r\\n\\r\\n')[2]
            self.transport.write(ANSWER)
async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Served, '127.0.0.1', 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"""

Ask = Callable[[], Awaitable[object]]


@asynccontextmanager
async def bare_httpx(address: str) -> AsyncIterator[Ask]:
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(auth=LOGIN, limits=limits, verify=False) as client:
        yield lambda: client.get(f"{address}/api/v1/system/status")


@asynccontextmanager
async def httpx_over_aiohttp(address: str) -> AsyncIterator[Ask]:
    async with httpx.AsyncClient(auth=LOGIN, transport=AiohttpTransport()) as client:
        yield lambda: client.get(f"{address}/api/v1/system/status")


@asynccontextmanager
async def our_web(address: str) -> AsyncIterator[Ask]:
    web = Web(connections=64)
    url = f"{address}/api/v1/system/status"
    login = {"username": LOGIN[0], "password": Secret(LOGIN[1])}
    yield lambda: web.request("GET", url, total=10, limit=10_000, **login)
    await web.close()


@asynccontextmanager
async def cms_bridge(address: str) -> AsyncIterator[Ask]:
    bridge = CmsBridge(
        "core1",
        address,
        LOGIN[0],
        Secret(LOGIN[1]),
        web=Web(connections=64),
        clock=SystemClock(),
        concurrency=64,
    )
    yield bridge.status
    await bridge.close()


CLIENTS = {
    "httpx, its own transport": bare_httpx,
    "httpx over aiohttp": httpx_over_aiohttp,
    "host/web.py": our_web,
    "CmsBridge.status()": cms_bridge,
}


async def measure(ask: Ask, requests: int, concurrency: int) -> tuple[float, float, float]:
    """Return requests per second, CPU ms per request, and the longest wait in ms."""
    left = iter(range(requests))
    longest = 0.0

    async def worker() -> None:
        nonlocal longest
        for _ in left:
            began = time.perf_counter()
            await ask()
            longest = max(longest, time.perf_counter() - began)

    await ask()
    cpu, wall = _cpu(), time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for _ in range(concurrency):
            tasks.create_task(worker())
    seconds = time.perf_counter() - wall
    return requests / seconds, (_cpu() - cpu) / requests * 1000, longest * 1000


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def bench(address: str, requests: int) -> None:
    show(f"{'client':28}{'at once':>8}{'req/s':>8}{'CPU ms':>8}{'max ms':>8}")
    for concurrency in CONCURRENCY:
        for name, client in CLIENTS.items():
            async with client(address) as ask:
                rate, cpu, longest = await measure(ask, requests, concurrency)
            show(f"{name:28}{concurrency:8}{rate:8.0f}{cpu:8.2f}{longest:8.0f}")


def show(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(requests: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        try:
            port = server.stdout.readline().strip()
            asyncio.run(bench(f"http://127.0.0.1:{port}", requests))
        finally:
            server.terminate()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1500)
