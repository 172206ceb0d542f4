import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cospaced.errors import StoreUnusable
from cospaced.host.lock import StateLock


HOLD = (
    "import sys; from pathlib import Path; from cospaced.host.lock import StateLock\n"
    "lock = StateLock(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()\n"
)


def holder(state_dir: Path) -> subprocess.Popen[str]:
    """Start another process that holds the lock."""
    source = Path(__file__).parents[2] / "daemon"
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(state_dir)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": str(source)},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def ended(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate()


def test_a_second_daemon_is_told_pid_and_directory_until_the_first_is_gone(tmp_path: Path) -> None:
    first = holder(tmp_path)
    with pytest.raises(StoreUnusable) as caught:
        StateLock(tmp_path)
    assert f"pid {first.pid})" in str(caught.value)
    assert str(tmp_path) in str(caught.value)
    ended(first)
    with StateLock(tmp_path):
        assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"


def test_a_released_lock_can_be_taken_again_and_released_twice(tmp_path: Path) -> None:
    lock = StateLock(tmp_path)
    lock.release()
    lock.release()
    StateLock(tmp_path).release()


def test_a_refused_lock_leaves_the_holders_pid_in_the_file(tmp_path: Path) -> None:
    with StateLock(tmp_path):
        for _ in range(2):
            with pytest.raises(StoreUnusable, match=str(os.getpid())):
                StateLock(tmp_path)


def test_a_program_that_the_daemon_starts_does_not_keep_the_lock(tmp_path: Path) -> None:
    lock = StateLock(tmp_path)
    child = subprocess.Popen(
        [sys.executable, "-c", "import sys; print('up', flush=True); sys.stdin.read()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        close_fds=False,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"up\n"
    lock.release()
    StateLock(tmp_path).release()
    child.communicate()


def test_the_file_is_the_daemons_alone(tmp_path: Path) -> None:
    with StateLock(tmp_path):
        assert (tmp_path / "lock").stat().st_mode & 0o777 == 0o600


def test_a_directory_that_is_not_there_is_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(StoreUnusable, match=r"none cannot be used: .* must exist"):
        StateLock(tmp_path / "none")
