"""The manual pages and shell completions say what the program does."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import click
import pytest
from click.shell_completion import BashComplete

from cospaced.commands import options
from cospaced.commands.cli import COMMANDS, cli
from cospaced.configuration import schema
from support.configurations import ENVIRONMENT, VALID, write


ROOT = Path(__file__).parents[2]
CONTRIB = ROOT / "contrib"
PAGES = ("cospaced.8", "cospaced.ini.5")


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("making", CONTRIB / "make_documents.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def page(name: str) -> str:
    return (CONTRIB / "man" / name).read_text()


def test_the_committed_pages_are_those_that_make_documents_makes(maker: ModuleType) -> None:
    made = maker.documents()
    assert len(made) == 5
    stale = [
        str(path)
        for path, text in made.items()
        if path.parent.name == "man" and (CONTRIB / path).read_text() != text
    ]
    assert stale == [], "run `make documents`"
    # The scripts for the shells are the command line library's: each release writes its own.
    for path in made:
        assert (CONTRIB / path).exists()


def test_the_manual_names_every_command_and_every_option_with_its_help() -> None:
    text = page("cospaced.8")
    with click.Context(cli) as context:
        for name in COMMANDS:
            assert f".It Cm {name}" in text
            command = cli.get_command(context, name)
            assert command is not None
            assert command.help
            for option in command.params:
                if isinstance(option, click.Option) and option.name != "file":
                    flag = next(one for one in option.opts if one.startswith("--"))
                    assert f"Fl Fl {flag[2:]}" in text, f"{name} {flag}"


def test_the_manual_of_the_configuration_names_every_section_and_key() -> None:
    text = page("cospaced.ini.5")
    for section in (*schema.SINGLE, *schema.NAMED):
        assert f".Ss [{section}" in text
    kinds = [*schema.SINGLE.values(), *(kind for kinds in schema.NAMED.values() for kind in kinds)]
    keys = {key for kind in kinds for key in kind.model_fields}
    assert len(keys) > 60
    named = set(re.findall(r'^\.It Ic "([a-z_]+)', text, re.MULTILINE))
    assert sorted(keys - named) == []


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize(
    "judge",
    [("mandoc", "-T", "lint", "-W", "warning"), ("groff", "-mdoc", "-K", "utf8", "-ww", "-z")],
    ids=lambda judge: judge[0],
)
def test_a_manual_page_is_sound(name: str, judge: tuple[str, ...]) -> None:
    if shutil.which(judge[0]) is None:
        pytest.skip(f"{judge[0]} is not installed")
    done = subprocess.run(
        [*judge, str(CONTRIB / "man" / name)], check=False, capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("", "")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return write(tmp_path, VALID)


def completed(words: list[str], begun: str = "") -> list[str]:
    shell = BashComplete(cli, {}, "cospaced", "_COSPACED_COMPLETE")
    return [one.value for one in shell.get_completions(words, begun)]


def test_commands_and_rooms_are_completed_and_nothing_where_there_is_no_configuration(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    file = ["-c", str(site)]
    assert completed([], "w") == ["why"]
    assert completed(["why", *file]) == ["aula"]
    assert completed(["invite", *file], "au") == ["aula"]
    assert completed(["invite", *file], "b") == []
    assert completed(["agenda", *file, "--room"]) == ["aula"]
    assert completed(["why", "-c", f"{site}.none"]) == []


def test_rooms_are_completed_where_secrets_are_the_units_credentials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = tmp_path / "credentials"
    secrets.mkdir()
    (secrets / "cms.password").write_text("simulated\n")
    file = write(tmp_path, re.sub(r"(?m)^password = .*\n", "", VALID))
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    assert completed(["why", "-c", str(file)]) == []
    monkeypatch.setattr(options, "DEFAULT_FILE", file)
    monkeypatch.setattr(options, "CREDENTIALS", secrets)
    assert completed(["why", "-c", str(file)]) == ["aula"]


def test_bash_completes_a_room_with_the_installed_script(site: Path) -> None:
    program = Path(sys.executable).with_name("cospaced")
    if shutil.which("bash") is None or not program.exists():
        pytest.skip("bash, and cospaced installed beside this Python, are needed")
    script = f"""
        source {CONTRIB / "completion" / "cospaced.bash"}
        COMP_WORDS=(cospaced why -c {site} "")
        COMP_CWORD=4
        _cospaced_completion cospaced
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(
        ["bash", "-c", script],
        check=True,
        capture_output=True,
        text=True,
        env={**ENVIRONMENT, "PATH": f"{program.parent}:{os.environ['PATH']}"},
    )
    assert done.stderr == ""
    assert done.stdout.split() == ["aula"]
