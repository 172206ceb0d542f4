"""The recorded requests of Cisco TMS, replayed against the simulator byte for byte."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from cospaced.simulator.cluster import BridgeSpec, Cluster
from cospaced.simulator.endpoints import Behaviour
from cospaced.simulator.knobs import Knobs
from cospaced.simulator.markup import PROLOG


TRACE = Path(__file__).parents[1] / "data" / "cms" / "tms-cms-2016.json"
CORE1 = BridgeSpec(
    name="CallBridge-Core1",
    address="https://14.80.82.30",
    id="0e3758db-b9b8-49df-a74c-55fa05e3e21d",
)
CORE2 = BridgeSpec(
    name="CallBridge-Core2",
    address="https://14.80.82.31",
    id="cfe31846-ca57-4703-9e11-da3e72a13066",
)
SLOT_1 = "458075bc-6def-4052-8ed6-b1192d6e6b35"
UPTIME = 333_717


class TraceClock:
    """Stands at the moment of the request that is replayed."""

    def __init__(self, moment: datetime) -> None:
        self.began = self.moment = moment

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return (self.moment - self.began).total_seconds()

    async def sleep(self, seconds: float) -> None:
        raise AssertionError(f"the lab of 2016 answers at once, not after {seconds} s")


class ScriptedEntropy:
    """Gives out the ids that the lab's server drew, and numbered ones where none is recorded."""

    def __init__(self) -> None:
        self.ids: Iterator[str] = iter(())
        self._count = 0

    def uuid(self) -> str:
        self._count += 1
        return next(self.ids, f"00000000-0000-4000-8000-{self._count:012d}")

    def uniform(self, low: float, high: float) -> float:
        return (low + high) / 2

    def token(self, length: int) -> bytes:
        self._count += 1
        return self._count.to_bytes(length, "big")


def requests() -> list[dict[str, Any]]:
    return json.loads(TRACE.read_text(encoding="utf-8"))["requests"]


def a_lab(clock: TraceClock, entropy: ScriptedEntropy) -> Cluster:
    """Return the lab as it was at the first request."""
    knobs = Knobs(software_version="2.0(RC)")
    cluster = Cluster(clock, entropy, bridges=(CORE1, CORE2), knobs=knobs)
    bridge = cluster.bridge(CORE1.name).state
    bridge.started_at = -UPTIME - 0.3  # its seconds tick between those of the wall clock
    bridge.legs_max, bridge.legs_completed = 3, 5
    make = cluster.scenarios.make_space
    make(
        "Cool Bridge Space",
        id="2be23a10-f400-4436-baef-6058f55ca688",
        uri="cool.bridge.space",
        callId="497540167",
    )
    make(
        "It's testacano1's Space!",
        auto_generated=True,
        id="f4c9601b-300e-43ac-a283-3e1a00699c2c",
        uri="testacano1.space",
        callId="020710167",
    )
    make(
        "It's testacano2's Space!", auto_generated=True, uri="testacano2.space", callId="136456483"
    )
    cluster.scenarios.behave("desk.ex90@tkratzke.local", Behaviour(rings=2, hangs_up=2640))
    drawn = [one["location"].rpartition("/")[2] for one in requests() if "location" in one]
    call_correlator = "76331036-6887-4d88-87ea-2a24a2f585d4"
    *reserved, call, leg = drawn
    slots = [SLOT_1, *(f"5{number}000000-0000-4000-8000-000000000000" for number in range(4))]
    entropy.ids = iter([*reserved, *slots, call, call_correlator, leg])
    return cluster


def prepare(cluster: Cluster, phase: str) -> None:
    """Do what the lab's people did between the recorded phases: four spaces were left."""
    if phase == "start":
        for number in (2, 3, 4, 5):
            cluster.scenarios.operator_deletes(f"TMS_Scheduled_Meeting_{number}")


async def test_the_recorded_requests_get_the_recorded_answers() -> None:
    clock = TraceClock(datetime.fromisoformat(requests()[0]["time"]))
    cluster = a_lab(clock, ScriptedEntropy())
    transport = httpx.ASGITransport(cluster.bridge(CORE1.name).app)
    phase = ""
    async with httpx.AsyncClient(transport=transport, base_url="https://14.80.82.30") as client:
        for wanted in requests():
            clock.moment = datetime.fromisoformat(wanted["time"])
            if wanted["phase"] != phase:
                phase = wanted["phase"]
                prepare(cluster, phase)
            credentials = None if wanted["status"] == 401 else ("admin", "simulated")
            answer = await client.request(
                wanted["method"],
                wanted["path"],
                content=wanted.get("form", "").encode(),
                auth=credentials,
            )
            told = f"{wanted['trace']} {wanted['method']} {wanted['path']}: {answer.text}"
            assert answer.status_code == wanted["status"], told
            assert len(answer.content) == wanted["reply_size"], told
            assert answer.headers.get("location") == wanted.get("location"), told
            assert answer.headers.get("www-authenticate") == wanted.get("www_authenticate"), told
            if "reply" in wanted:
                prolog = "" if wanted["path"].endswith("/calls") else PROLOG
                assert answer.text == prolog + wanted["reply"], told
            if "reply_head" in wanted:
                assert answer.text.startswith(PROLOG + wanted["reply_head"]), told
    assert len(cluster.requests) == 28
    assert [leg.reason for leg in cluster.ended_legs] == ["remoteTeardown"]
    assert len(cluster.endpoint("desk.ex90@tkratzke.local").rings) == 1


def test_the_recorded_forms_have_their_recorded_sizes() -> None:
    sizes = [len(one["form"].encode()) for one in requests() if "form" in one]
    assert sizes == [47, 167, 250, 60, 117, 44, 36, 117, 83]
