"""urllib3 is the one that was installed, here and wherever the project's own steps are followed."""

import sys
import venv
from pathlib import Path
from subprocess import run

from cospaced.host import urllib3_shadow
from cospaced.host.urllib3_shadow import HOOK, REMEDY, shadow, told


def test_the_environment_under_test_is_clean():
    assert shadow() == ""


def test_another_version_than_the_installed_one_is_told_with_the_remedy():
    text = told("2.8.0", "2.25.904", [])
    assert text.startswith("urllib3 is 2.25.904 where 2.8.0 is installed")
    assert REMEDY in text


def test_a_hook_that_has_not_struck_yet_is_told():
    text = told("2.8.0", "2.8.0", [f"/usr/lib/python3/{HOOK}"])
    assert text.startswith(f"/usr/lib/python3/{HOOK} overwrites urllib3")


def test_an_environment_without_urllib3_is_clean():
    assert told("", "", []) == ""


def test_an_interpreter_with_the_hook_and_an_overwritten_module_is_told(tmp_path: Path):
    venv.create(tmp_path / "venv", with_pip=False, symlinks=True)
    python = tmp_path / "venv/bin/python"
    site = next((tmp_path / "venv/lib").glob("python*/site-packages"))
    (site / HOOK).write_text("# struck\n")
    (site / "urllib3").mkdir()
    (site / "urllib3/__init__.py").write_text("__version__ = '2.25.904'\n")
    (site / "urllib3-2.8.0.dist-info").mkdir()
    (site / "urllib3-2.8.0.dist-info/METADATA").write_text(
        "Metadata-Version: 2.1\nName: urllib3\nVersion: 2.8.0\n"
    )
    program = (
        "import runpy, sys; print(runpy.run_path(sys.argv[1])['shadow']())",
        str(urllib3_shadow.__file__),
    )
    said = run([python, "-I", "-c", *program], capture_output=True, text=True, check=True)
    assert "urllib3 is 2.25.904 where 2.8.0 is installed" in said.stdout, sys.version
