from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cospaced.commands.check_config import check_config
from support.configurations import VALID, write


def run(*arguments: str | Path) -> Result:
    return CliRunner(env={"TZ": "Europe/Berlin", "CREDENTIALS_DIRECTORY": None}).invoke(
        check_config, [str(argument) for argument in arguments]
    )


@pytest.mark.parametrize("option", ["-c", "--config"])
def test_a_sound_file_is_summed_up_and_ends_in_0(tmp_path: Path, option: str) -> None:
    file = write(tmp_path, VALID)
    result = run(option, file)
    assert result.exit_code == 0
    assert result.stderr == ""
    assert result.stdout.splitlines() == [
        f"{file}: no problems",
        "Call Bridges: https://cms.example.org, and those that it lists",
        "calendars: 1 (1 ical)",
        "rooms: 1, 1 with endpoints",
        "pool: 100 numbers, 82000 to 82099 at example.org",
        "time zone: Europe/Berlin",
        "warnings: 0",
    ]


def test_every_problem_has_a_line_on_stderr_and_the_exit_is_2(tmp_path: Path) -> None:
    text = VALID.replace("cms.example.org", "http://x").replace("82000", "082000")
    result = run("-c", write(tmp_path, text))
    assert result.exit_code == 2
    assert result.stdout == ""
    first, second = result.stderr.splitlines()
    assert first.startswith(f"{tmp_path}/cospaced.ini:2: [cms] address: names http://")
    assert second.startswith(f"{tmp_path}/cospaced.ini:7: [pool] numeric_id_base: ")


def test_warnings_go_to_stderr_and_the_exit_is_0(tmp_path: Path) -> None:
    result = run("-c", write(tmp_path, VALID.replace("[pool]", "verify = no\n[pool]")))
    assert result.exit_code == 0
    assert "warning: " in result.stderr
    assert "[cms] verify = no" in result.stderr


def test_show_prints_what_is_in_force_without_secrets(tmp_path: Path) -> None:
    result = run("-c", write(tmp_path, VALID), "--show")
    assert result.exit_code == 0
    assert result.stdout.startswith("[daemon]\nstate_dir = /var/lib/cospaced\n")
    assert "password = ********\n" in result.stdout
    assert "hunter2" not in result.output


def test_a_list_of_call_bridges_is_shown_once_each(tmp_path: Path) -> None:
    text = VALID.replace("[pool]", "call_bridges = cms.example.org, two:445\n[pool]")
    result = run("-c", write(tmp_path, text))
    assert "Call Bridges: https://cms.example.org, https://two:445\n" in result.stdout
