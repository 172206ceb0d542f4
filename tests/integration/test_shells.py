"""The completions in contrib/completion, in the shells they are for, where these are installed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.configurations import ENVIRONMENT, VALID, write


COMPLETION = Path(__file__).parents[2] / "contrib" / "completion"
PROGRAM = Path(sys.executable).with_name("cospaced")

BASH = """\
source {completion}/cospaced.bash
COMP_WORDS=(cospaced why -c cospaced.ini "$1")
COMP_CWORD=4
_cospaced_completion cospaced
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
ZSH = """\
zmodload zsh/zpty
zpty shell 'zsh -f -i'
zpty -w shell 'TERM=dumb PROMPT=; fpath=({completion} $fpath); autoload -U compinit; compinit -u -D
bindkey "^I" complete-word; print READY$((1 + 1))'
zpty -r shell seen '*READY2*'
zpty -n -w shell "cospaced $1"$'\\t'
zpty -r shell seen "*$2*"
zpty -d shell
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Lay a configuration with a room of a name that shells have to quote."""
    return write(tmp_path, VALID.replace("[room:aula]", "[room:Saal: eins, zwei]")).parent


def typed(shell: str, site: Path, script: str, *words: str) -> str:
    if shutil.which(shell) is None or not PROGRAM.exists():
        pytest.skip(f"{shell}, and cospaced installed beside this Python, are needed")
    done = subprocess.run(
        [shell, "-c", script.format(completion=COMPLETION), "-", *words],
        check=True,
        capture_output=True,
        text=True,
        timeout=45,
        env={**ENVIRONMENT, "HOME": str(site), "PATH": f"{PROGRAM.parent}:{os.environ['PATH']}"},
        cwd=site,
    )
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize(
    ("begun", "completed"),
    [
        ("", "Saal:\\ eins\\,\\ zwei"),
        ("Saal:\\ e", "Saal:\\ eins\\,\\ zwei"),
        ('"Saal: e', "Saal: eins, zwei"),
        ("'Sa", "Saal: eins, zwei"),
    ],
)
def test_bash_takes_a_name_with_blanks_for_one_word(site: Path, begun: str, completed: str) -> None:
    assert typed("bash", site, BASH, begun) == f"{completed}\n"


def test_fish_shows_names_and_help_to_their_end(site: Path) -> None:
    script = "source {completion}/cospaced.fish; complete -C $argv[2]"
    room = typed("fish", site, script, "cospaced why -c cospaced.ini Sa")
    assert room == "Saal: eins, zwei\troom\n"
    commands = typed("fish", site, script, "cospaced do").splitlines()
    assert [line.partition("\t")[0] for line in commands] == ["doctor"]
    assert commands[0].endswith("must be set up,...")
    options = typed("fish", site, script, "cospaced status --")
    assert [line.partition("\t")[0] for line in options.splitlines()] == [
        "--config",
        "--help",
        "--json",
    ]


@pytest.mark.parametrize(
    ("line", "completed"),
    [
        ("che", "check-config "),
        ("why -c cospaced.ini Sa", "Saal:\\\\ eins,\\\\ zwei "),
        ("invite -c cospaced.i", "cospaced.ini "),
    ],
)
def test_zsh_completes_commands_names_and_files(site: Path, line: str, completed: str) -> None:
    # Read until it stands there: what does not come ends in the time limit.
    typed("zsh", site, ZSH, line, completed)
