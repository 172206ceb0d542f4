"""The simulator over HTTPS, in the running loop and as a command."""

import asyncio
import os
import signal
import ssl
import sys
from pathlib import Path

import httpx
import pytest

from cospaced.host.clock import SystemClock
from cospaced.host.entropy import SystemEntropy
from cospaced.simulator.cluster import Cluster
from cospaced.simulator.faults import Fault
from cospaced.simulator.serve import Served, serve


def a_cluster(bridges: int = 1) -> Cluster:
    names = [f"core{number + 1}" for number in range(bridges)]
    return Cluster(SystemClock(), SystemEntropy(), bridges=names)


def a_client(cluster: Cluster, served: Served) -> httpx.AsyncClient:
    context = ssl.create_default_context(cafile=served.ca_file)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return httpx.AsyncClient(
        base_url=f"{served.url}/api/v1",
        auth=(cluster.username, cluster.password),
        verify=context,
        timeout=5,
        trust_env=False,
    )


async def test_every_bridge_listens_where_call_bridges_says(tmp_path: Path) -> None:
    cluster = a_cluster(2)
    async with serve(cluster, certificate_dir=tmp_path) as served:
        assert [one.url for one in served] == [one.address for one in cluster.bridges]
        for one, bridge in zip(served, cluster.bridges, strict=True):
            async with a_client(cluster, one) as client:
                status = await client.get("/system/status")
                assert status.status_code == 200
                entry = await client.get(f"/callBridges/{bridge.id}")
                assert f"<address>{one.url}</address>" in entry.text
                made = await client.post("/coSpaces", data={"name": "café"})
                assert made.headers["location"].startswith("/api/v1/coSpaces/")
    with pytest.raises(httpx.ConnectError):
        async with a_client(cluster, served[0]) as client:
            await client.get("/system/status")
    assert (tmp_path / "server.key").stat().st_mode & 0o077 == 0


async def test_a_stranger_does_not_trust_its_certificate(tmp_path: Path) -> None:
    async with serve(a_cluster(), certificate_dir=tmp_path) as (served,):
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            async with httpx.AsyncClient(trust_env=False) as client:
                await client.get(served.url)


async def test_lost_and_missing_answers_are_so_on_sockets_too(tmp_path: Path) -> None:
    cluster = a_cluster()
    async with (
        serve(cluster, certificate_dir=tmp_path) as (served,),
        a_client(cluster, served) as client,
    ):
        cluster.faults.next("POST", "coSpaces", Fault.LOST_AFTER)
        with pytest.raises(httpx.TransportError):
            await client.post("/coSpaces", data={"name": "a"})
        assert 'total="1"' in (await client.get("/coSpaces")).text
        cluster.faults.next("GET", "calls", Fault.SILENT_BEFORE)
        with pytest.raises(httpx.ReadTimeout):
            await client.get("/calls", timeout=0.2)
        cluster.scenarios.kill_bridge("core1", silent=False)
        with pytest.raises(httpx.TransportError):
            await client.get("/calls")


async def test_it_stops_at_once_while_a_request_waits_in_silence(tmp_path: Path) -> None:
    cluster = a_cluster()
    cluster.faults.next("GET", "calls", Fault.SILENT_BEFORE)
    loop = asyncio.get_running_loop()
    async with asyncio.TaskGroup() as tasks:
        async with serve(cluster, certificate_dir=tmp_path) as (served,):

            async def ask() -> None:
                async with a_client(cluster, served) as client:
                    with pytest.raises(httpx.TransportError):
                        await client.get("/calls")

            arrived = asyncio.Event()
            cluster.requests.listeners.append(lambda _: arrived.set())
            tasks.create_task(ask())
            await asyncio.wait_for(arrived.wait(), 5)
            began = loop.time()
        assert loop.time() - began < 2


async def test_a_taken_port_is_an_os_error(tmp_path: Path) -> None:
    async with serve(a_cluster(), certificate_dir=tmp_path) as (served,):
        port = int(served.url.rpartition(":")[2])
        with pytest.raises(OSError, match="in use"):
            async with serve(a_cluster(), certificate_dir=tmp_path / "two", ports=[port]):
                pass


RUN = "from cospaced.commands.simulate_cms import simulate_cms; simulate_cms()"


async def test_the_command_serves_tells_how_and_ends_with_ctrl_c(tmp_path: Path) -> None:
    ca_file = tmp_path / "ca.pem"
    options = ["--bridges", "2", "--port", "0", "--ca-out", str(ca_file), "--password", "pw"]
    options += ["--endpoint", "room@example.com=connect:1,hangup:60", "--latency", "1ms", "-v"]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", RUN, *options),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    said = (await process.stdout.readuntil(b"Ctrl-C ends it.\n")).decode()
    url = said.split("CallBridge-Core1 listens on ")[1].split("\n")[0]
    assert f"address = {url}\nusername = admin\npassword = pw\nca_file = {ca_file}\n" in said
    context = ssl.create_default_context(cafile=ca_file)
    async with httpx.AsyncClient(verify=context, auth=("admin", "pw"), trust_env=False) as client:
        made = await client.post(f"{url}/api/v1/coSpaces", data={"name": "a", "passcode": "777"})
    process.send_signal(signal.SIGINT)
    _, errors = await asyncio.wait_for(process.communicate(), 10)
    assert process.returncode == 0, errors.decode()
    space = made.headers["location"].rpartition("/")[2]
    line = errors.decode()
    assert 'CallBridge-Core1: API trace 1: POST for "/api/v1/coSpaces" (from 127.0.0.1)' in line
    assert f'API user "admin" created new space {space} (a)' in line
    assert "777" not in line


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--latency", "fast"], "write 50ms or 0.2s"),
        (["--endpoint", "room@example.com=sings"], "write connect[:RING]"),
        (["--endpoint", "busy"], "write URI=BEHAVIOUR"),
    ],
)
def test_the_command_says_what_to_write_instead(options: list[str], told: str) -> None:
    from click.testing import CliRunner

    from cospaced.commands.simulate_cms import simulate_cms

    result = CliRunner().invoke(simulate_cms, options)
    assert result.exit_code == 2
    assert told in result.output
