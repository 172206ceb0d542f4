"""The wheel, installed where a unit of a real systemd can see it."""

from pathlib import Path

import pytest

from support.machine import PREFIX, Machine


pytestmark = pytest.mark.real_systemd

PYTHON = PREFIX / "venv" / "bin" / "python"


def test_the_wheel_runs_where_the_unit_can_see_it(rig: Machine, wheel: Path) -> None:
    rig.install_wheel(wheel)
    found = rig.exec(str(PYTHON), "-c", "import cospaced; print(cospaced.__file__)").stdout
    assert found.startswith(f"{PREFIX}/venv/")
    assert rig.exec("head", "-1", "/usr/bin/cospaced").stdout == f"#!{PYTHON}\n"
