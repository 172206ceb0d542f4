"""`cospaced simulate-exchange`, as somebody tries it by hand."""

import asyncio
import os
import signal
import ssl
import sys
from base64 import b64encode
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner
from exchangelib import NTLM, Account, Configuration, Credentials
from exchangelib.protocol import CachingProtocol

from cospaced.commands.simulate_exchange import simulate_exchange
from support.configurations import CMS, POOL, loaded, problems
from support.exchange import VERSION, lite_calendar, noon
from support.loopback import listening


RUN = "from cospaced.commands.simulate_exchange import simulate_exchange; simulate_exchange()"


async def started(*options: str) -> tuple[asyncio.subprocess.Process, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", RUN, "--port", "0", *options),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    return process, (await process.stdout.readuntil(b"Ctrl-C ends it.\n")).decode()


async def ended(process: asyncio.subprocess.Process) -> str:
    process.send_signal(signal.SIGINT)
    _, errors = await asyncio.wait_for(process.communicate(), 10)
    assert process.returncode == 0, errors.decode()
    return errors.decode()


def value(said: str, key: str) -> str:
    return said.split(f"\n{key} = ")[1].partition("\n")[0]


def configuration(said: str) -> str:
    """What it tells, between sections of a whole file."""
    snippet = said.split("in cospaced.ini:\n\n")[1].partition("\nCtrl-C")[0]
    return CMS + POOL + snippet


async def test_it_tells_a_configuration_that_reads_bookings_and_ends_with_ctrl_c(
    tmp_path: Path,
) -> None:
    process, said = await started("--auth", "ntlm", "--room", "room@example.com", "-v")
    (room,) = loaded(tmp_path, configuration(said)).rooms
    assert (room.calendar, room.mailbox) == ("exchange", "room@example.com")
    assert room.endpoints == ("room@rooms.example.com",)

    def starts() -> int:
        CachingProtocol.clear_cache()
        account = Account(
            primary_smtp_address=value(said, "mailbox"),
            config=Configuration(
                service_endpoint=value(said, "server"),
                credentials=Credentials(value(said, "username"), value(said, "password")),
                auth_type=NTLM,
                version=VERSION,
            ),
            access_type="impersonation",
            autodiscover=False,
        )
        found = list(lite_calendar(account).view(noon(-1), noon(9)).only("start"))
        account.protocol.close()
        CachingProtocol.clear_cache()
        return len(found)

    assert await asyncio.to_thread(starts) >= 9
    errors = await ended(process)
    assert "cospaced: FindItem for room@example.com: 200, " in errors
    # The steps of NTLM are one login, and that was let in.
    assert "401" not in errors


async def test_oauth_over_https_gives_tokens_for_the_ca_that_it_tells(tmp_path: Path) -> None:
    ca_file = tmp_path / "ca.pem"
    process, said = await started("--auth", "oauth", "--ca-out", str(ca_file), "-v")
    url = said.split("tokens are had from ")[1].partition("\n")[0]
    assert url.startswith("https://")
    assert value(said, "ca_file") == str(ca_file)
    assert problems(tmp_path, configuration(said)) == []
    form = {
        "grant_type": "client_credentials",
        "client_id": value(said, "client_id"),
        "client_secret": value(said, "client_secret"),
        "scope": "https://outlook.office365.com/.default",
    }
    context = ssl.create_default_context(cafile=str(ca_file))
    async with httpx.AsyncClient(verify=context, trust_env=False) as client:
        answer = await client.post(url, data=form)
        assert answer.json()["token_type"] == "Bearer"
        refused = await client.post(url, data={**form, "grant_type": "refresh_token"})
        await client.post(url, data={**form, "client_secret": "wr0ng"})
    assert refused.status_code == 400
    assert "AADSTS900144" in refused.json()["error_description"]
    errors = await ended(process)
    told = [line.partition(f"{form['client_id']}: ")[2] for line in errors.splitlines()]
    assert [line.partition(", ")[0] for line in told] == ["token: 200", "token: 400", "token: 401"]
    assert "wr0ng" not in errors


@pytest.mark.parametrize(
    ("auth", "login", "who"),
    [
        ("basic", f"Basic {b64encode(b'cospaced:wr0ng').decode()}", "cospaced"),
        ("ntlm", f"NTLM {b64encode(b'no step of it').decode()}", "somebody"),
        ("oauth", "Bearer wr0ng", "somebody"),
    ],
)
async def test_a_login_that_is_refused_is_a_line_too(auth: str, login: str, who: str) -> None:
    process, said = await started("--auth", auth, "-v")
    async with httpx.AsyncClient(trust_env=False) as client:
        for headers in ({}, {"Authorization": login}):
            answer = await client.post(value(said, "server"), headers=headers)
            assert answer.status_code == 401
    errors = await ended(process)
    (line,) = errors.splitlines()
    assert line.endswith(f" {who}: login: 401, 0 bytes")


async def test_a_taken_port_is_told() -> None:
    async def silent(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        return

    async with listening(silent) as port:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", RUN, "--port", str(port)),
            stderr=asyncio.subprocess.PIPE,
        )
        _, errors = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 1
    assert f"cannot listen on 127.0.0.1, port {port}" in errors.decode()


@pytest.mark.parametrize(
    ("options", "told"),
    [(["--auth", "kerberos"], "'basic', 'ntlm', 'oauth'"), (["--port", "70000"], "70000")],
)
def test_a_wrong_option_says_what_to_write(options: list[str], told: str) -> None:
    result = CliRunner().invoke(simulate_exchange, options)
    assert result.exit_code == 2
    assert told in result.output
