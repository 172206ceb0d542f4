"""A second opinion on the simulated Exchange: a client that shares no code with exchangelib."""

import asyncio
import json
import os
import shutil
import subprocess
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from cospaced.exchange_simulator.recurrence import Daily, Recurrence
from support.exchange import ANNA, ROOM, SERVICE, an_exchange, noon


ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "tests" / "support" / "second_ews_client.js"
PACKAGE = "ews-javascript-api@0.15.3"
KEPT = ROOT / ".venv" / "node"


@pytest.fixture(scope="session")
def modules() -> Path:
    """Where the package is; it is fetched once and kept beside the virtual environment."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("node and npm are not installed")
    if not (KEPT / "made").exists():
        command = [npm, "install", "--no-audit", "--no-fund", "--prefix", str(KEPT), PACKAGE]
        KEPT.mkdir(parents=True, exist_ok=True)
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=100)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            pytest.skip(f"{PACKAGE} cannot be had: {error}")
        (KEPT / "made").touch()
    return KEPT / "node_modules"


@pytest.mark.timeout(150)
async def test_another_client_sees_the_same_calendar(tmp_path: Path, modules: Path) -> None:
    async with an_exchange(tmp_path) as desk:
        daily = Recurrence(pattern=Daily(), number=3)
        made = desk.scenarios.invite(ANNA, [ROOM], noon(), recurrence=daily)
        desk.scenarios.change_occurrence(made, noon(2), start=noon(2) + timedelta(hours=1))
        process = await asyncio.create_subprocess_exec(
            "node",
            *(str(SCRIPT), desk.served.url, SERVICE.name, SERVICE.password, ROOM),
            *(noon(0).isoformat(), noon(9).isoformat()),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "NODE_PATH": str(modules)},
        )
        out, errors = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 0, errors.decode()
    told = json.loads(out)
    seen = [(one["kind"], datetime.fromisoformat(one["start"])) for one in told["appointments"]]
    assert seen == [
        ("Occurrence", noon(1)),
        ("Exception", noon(2) + timedelta(hours=1)),
        ("Occurrence", noon(3)),
    ]
    assert {one["uid"] for one in told["appointments"]} == {made.uid}
    assert told["bound"] == {"subject": "Anna Example", "organizer": ANNA, "resources": [ROOM]}
    assert (told["created"], told["after"]) == (1, 0)
