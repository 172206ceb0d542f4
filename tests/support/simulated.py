"""A simulated cluster and a plain client for it, in virtual time."""

import xml.etree.ElementTree as ET
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

import httpx

from cospaced.simulator.cluster import BridgeSpec, Cluster
from cospaced.simulator.knobs import Knobs
from support.virtual import SeededEntropy, VirtualClock, run_virtually


T = TypeVar("T")


class Client:
    """Speaks to the bridges of a cluster; paths are relative to /api/v1."""

    def __init__(self, cluster: Cluster, *, timeout: float | None = None) -> None:
        self._cluster = cluster
        self._http = httpx.AsyncClient(
            transport=cluster.transport(),
            auth=(cluster.username, cluster.password),
            timeout=timeout,
        )

    async def send(
        self, method: str, path: str, form: str = "", *, bridge: str = ""
    ) -> httpx.Response:
        bridges = self._cluster.bridges
        address = (self._cluster.bridge(bridge) if bridge else bridges[0]).address
        return await self._http.request(method, f"{address}/api/v1/{path}", content=form.encode())

    async def get(self, path: str, *, bridge: str = "") -> ET.Element:
        answer = await self.send("GET", path, bridge=bridge)
        assert answer.status_code == 200, answer.text
        return ET.fromstring(answer.content)

    async def make(self, path: str, form: str = "", *, bridge: str = "") -> str:
        """POST, and return the new id."""
        answer = await self.send("POST", path, form, bridge=bridge)
        assert answer.status_code == 200, answer.text
        assert answer.content == b""
        return answer.headers["location"].rpartition("/")[2]

    async def refusal(self, method: str, path: str, form: str = "", *, bridge: str = "") -> str:
        """Return the failure reason, with parameter and error where they are told."""
        answer = await self.send(method, path, form, bridge=bridge)
        assert answer.status_code == 400, (answer.status_code, answer.text)
        (reason,) = ET.fromstring(answer.content)
        return " ".join([reason.tag, *reason.attrib.values()])


def ids(collection: ET.Element) -> list[str]:
    return [one.attrib["id"] for one in collection]


def with_cluster(
    main: Callable[[Cluster, Client, VirtualClock], Coroutine[Any, Any, T]],
    *,
    bridges: Sequence[str | BridgeSpec] = ("one",),
    knobs: Knobs | None = None,
    seed: int = 1,
) -> T:
    """Run a scenario against a new cluster in virtual time."""

    async def run(clock: VirtualClock) -> T:
        cluster = Cluster(clock, SeededEntropy(seed), bridges=bridges, knobs=knobs)
        return await main(cluster, Client(cluster), clock)

    return run_virtually(run)
