import asyncio
import json
import socket
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from cospaced.errors import CospacedError
from cospaced.host import control
from cospaced.host.control import (
    ControlAbsent,
    ControlRefused,
    ControlServer,
    ControlTaken,
    ControlUnavailable,
    Request,
    ask,
    control_path,
)
from cospaced.settings import DaemonSettings


async def answer(request: Request) -> dict[str, Any]:
    match request.command:
        case "echo":
            return dict(request.arguments)
        case "large":
            return {"text": "ü" * 2_000_000}
        case "refuse":
            raise CospacedError("no booking of that name")
        case "break":
            raise ZeroDivisionError("passcode 123456")
        case "wait":
            await asyncio.Event().wait()
        case "odd":
            return {"x": object()}
    raise CospacedError(f"unknown command {request.command}")


@asynccontextmanager
async def serving(path: Path) -> AsyncIterator[ControlServer]:
    server = ControlServer(path, answer)
    await server.start()
    try:
        yield server
    finally:
        await server.close()


async def off_loop(work: Callable[..., Any], *given: Any) -> Any:
    """Run the commands' side, which blocks, beside the loop."""
    with ThreadPoolExecutor(1) as pool:
        return await asyncio.get_running_loop().run_in_executor(pool, work, *given)


def raw(path: Path, data: bytes, *, end: bool = True) -> Any:
    """Send bytes and return the JSON document that comes back."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(5)
        connection.connect(str(path))
        connection.sendall(data)
        if end:
            connection.shutdown(socket.SHUT_WR)
        told = b""
        try:
            while part := connection.recv(1 << 16):
                told += part
        except ConnectionResetError:
            pass
        return json.loads(told)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "control"


async def test_an_answer_is_the_json_that_the_handler_gave(path: Path) -> None:
    async with serving(path):
        asked = {"command": "echo", "booking": "b1", "text": "grüße\n", "deep": {"a": [1, None]}}
        told = await off_loop(ask, path, asked)
        assert told == {"booking": "b1", "text": "grüße\n", "deep": {"a": [1, None]}}


async def test_a_large_answer_comes_whole(path: Path) -> None:
    async with serving(path):
        told = await off_loop(ask, path, {"command": "large"})
        assert len(told["text"]) == 2_000_000


async def test_the_socket_is_for_user_and_group_and_goes_with_the_server(path: Path) -> None:
    async with serving(path):
        assert path.stat().st_mode & 0o777 == 0o660
    assert not path.exists()


async def test_an_error_of_ours_is_told_in_its_own_words(path: Path) -> None:
    async with serving(path):
        with pytest.raises(ControlRefused, match="no booking of that name"):
            await off_loop(ask, path, {"command": "refuse"})


@pytest.mark.parametrize("command", ["break", "odd"])
async def test_any_other_fault_is_logged_and_told_without_detail(path: Path, command: str) -> None:
    async with serving(path):
        with capture_logs() as logs, pytest.raises(ControlRefused) as caught:
            await off_loop(ask, path, {"command": command})
        assert "123456" not in str(caught.value)
        assert [record["event"] for record in logs] == ["control.failed"]
        assert await off_loop(ask, path, {"command": "echo", "x": 1}) == {"x": 1}


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        b"hello\n",
        b"[]\n",
        b"{}\n",
        b'{"command": 1}\n',
        b"[" * 50_000 + b"\n",
        b"\xff\n",
    ],
)
async def test_what_is_no_request_is_told_what_one_is(path: Path, line: bytes) -> None:
    async with serving(path):
        assert "line of JSON" in (await off_loop(raw, path, line))["error"]


async def test_a_request_without_its_newline_is_taken_at_its_end(path: Path) -> None:
    async with serving(path):
        assert await off_loop(raw, path, b'{"command": "echo", "x": 1}') == {"x": 1}


async def test_a_request_that_is_too_long_is_refused(path: Path) -> None:
    async with serving(path):

        def send() -> Any:
            return raw(path, b'{"command": "' + b"x" * 70_000, end=False)

        assert "longer than 65536 bytes" in (await off_loop(send))["error"]


async def test_a_client_that_says_nothing_is_sent_away(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "READ_TIME", 0.05)
    async with serving(path):

        def send() -> Any:
            return raw(path, b'{"command"', end=False)

        assert "no request came" in (await off_loop(send))["error"]


async def test_a_handler_that_hangs_is_given_up_and_logged(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "ANSWER_TIME", 0.05)
    async with serving(path):
        with capture_logs() as logs, pytest.raises(ControlRefused, match="no answer within"):
            await off_loop(ask, path, {"command": "wait"})
        assert logs[0]["event"] == "control.failed"


async def test_the_ninth_at_once_is_told_to_ask_again_and_the_place_is_freed(path: Path) -> None:
    async with serving(path):
        waiting = [await asyncio.open_unix_connection(str(path)) for _ in range(control.AT_ONCE)]
        with pytest.raises(ControlRefused, match="busy"):
            await off_loop(ask, path, {"command": "echo"})
        for _, writer in waiting:
            writer.close()
            await writer.wait_closed()
        assert await off_loop(ask, path, {"command": "echo", "x": 1}) == {"x": 1}


async def test_a_client_that_leaves_before_its_answer_harms_nobody(path: Path) -> None:
    async with serving(path):
        with capture_logs() as logs:
            for _ in range(3):
                _, writer = await asyncio.open_unix_connection(str(path))
                writer.write(b'{"command": "large"}\n')
                writer.transport.abort()
            assert await off_loop(ask, path, {"command": "echo", "x": 1}) == {"x": 1}
        assert [record for record in logs if record["log_level"] != "debug"] == []


async def test_closing_does_not_wait_for_requests_under_way(path: Path) -> None:
    async with serving(path) as server:
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(b'{"command": "wait"}\n')
        await writer.drain()
        while not server._busy:
            await asyncio.sleep(0)
        async with asyncio.timeout(1):
            await server.close()
        assert await reader.read() == b""
        writer.close()


async def test_a_socket_left_by_a_killed_daemon_is_replaced(path: Path) -> None:
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as left:
        left.bind(str(path))
        left.listen()
    async with serving(path):
        assert await off_loop(ask, path, {"command": "echo", "x": 1}) == {"x": 1}


async def test_a_second_daemon_does_not_take_the_firsts_socket(path: Path) -> None:
    async with serving(path):
        with pytest.raises(ControlTaken, match="another cospaced listens"):
            await ControlServer(path, answer).start()
        assert await off_loop(ask, path, {"command": "echo", "x": 1}) == {"x": 1}


async def test_a_file_in_the_way_is_not_removed(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("precious")
    with pytest.raises(ControlTaken, match="is no socket"):
        await ControlServer(path, answer).start()
    assert path.read_text() == "precious"


async def test_a_name_that_no_socket_can_have_is_told(tmp_path: Path) -> None:
    with pytest.raises(ControlTaken, match="cannot be made"):
        await ControlServer(tmp_path / ("x" * 120), answer).start()


@pytest.mark.parametrize("length", [107, 108, 300])
async def test_a_state_dir_may_lie_deeper_than_sockets_have_room_for(
    tmp_path: Path, length: int
) -> None:
    path = tmp_path / "deep"
    while len(str(path)) < length - 100:
        path /= "x" * 80
    path /= "x" * (length - len(str(path / "control")) - 1)
    path /= "control"
    assert len(str(path)) == length
    with pytest.raises(ControlAbsent):
        ask(path, {"command": "echo"})
    async with serving(path):
        assert await off_loop(ask, path, {"command": "echo", "x": 1}) == {"x": 1}
        assert path.stat().st_mode & 0o777 == control.MODE
        with pytest.raises(ControlTaken, match="another cospaced listens"):
            await ControlServer(path, answer).start()
    assert not path.exists()


async def test_closing_leaves_a_socket_that_somebody_else_has_put_there(path: Path) -> None:
    async with serving(path):
        path.unlink()
        other = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        other.bind(str(path))
    assert path.exists()
    other.close()


def test_without_a_daemon_the_commands_are_told_so(path: Path) -> None:
    with pytest.raises(ControlUnavailable, match="is it running"):
        ask(path, {"command": "status"})


@pytest.mark.parametrize(
    ("answered", "told"),
    [(b"", "broke off"), (b'{"x": ', "broke off"), (b"[1]", "is no cospaced"), (None, "0.1 s")],
)
def test_a_bad_answer_is_a_clear_error(tmp_path: Path, answered: bytes | None, told: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(str(tmp_path / "control"))
        server.listen()
        done = threading.Event()

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(100)
                if answered is None:
                    done.wait(5)
                else:
                    connection.sendall(answered)

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(ControlUnavailable, match=told):
            ask(tmp_path / "control", {"command": "status"}, 0.1 if answered is None else 5)
        done.set()
        thread.join()


def test_where_a_daemon_listens_follows_from_its_state_dir_alone(tmp_path: Path) -> None:
    assert control_path(DaemonSettings().state_dir) == Path("/run/cospaced/control")
    assert control_path(tmp_path) == tmp_path / "control"
