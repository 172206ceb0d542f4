"""The daemon's Unix socket, by which `status`, `invite` and `why` ask it.

One request a connection: a line of JSON in (`{"command": "status", ...}`), one JSON document out.
Whoever may connect (mode 0660: the daemon's user and group) may ask, for passcodes too; nothing
here changes anything. A request is bounded in size and time, and at most `AT_ONCE` are answered at
once, so that no client can hold the daemon up.
"""

import asyncio
import json
import os
import socket
import stat
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from cospaced.errors import CospacedError
from cospaced.settings import DaemonSettings


AT_ONCE = 8
REQUEST_SIZE = 64 << 10
"""Bytes of one request, its newline included."""
READ_TIME = 2.0
"""Seconds within which a request must have come."""
ANSWER_TIME = 20.0
"""Seconds for making an answer, and again for the client to take it."""
CLOSE_TIME = 1.0
_LONGEST = 107
MODE = 0o660
RUNTIME_DIRECTORY = Path("/run/cospaced")
"""What the unit's RuntimeDirectory= makes."""

log = structlog.get_logger()


class ControlUnavailable(CospacedError):
    """No daemon answers at the socket, or the caller may not ask it."""


class ControlAbsent(ControlUnavailable):
    """No daemon runs: nobody listens at the socket."""


class ControlRefused(CospacedError):
    """The daemon answered with an error; its text."""


class ControlTaken(CospacedError):
    """The daemon cannot listen: another one does, or something else stands in the way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked: `command`, and every other key of the line."""

    command: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


Handler = Callable[[Request], Awaitable[dict[str, Any]]]


def control_path(state_dir: Path) -> Path:
    """Return where the daemon of a state_dir listens; depends on nothing else.

    So a command that reads the same configuration finds that daemon, and never another one.
    """
    if state_dir == DaemonSettings().state_dir:
        return RUNTIME_DIRECTORY / "control"
    return state_dir / "control"


class ControlServer:
    """Listens at `path` from `start` to `close`.

    `handler` answers a request with a JSON object; a CospacedError that it raises becomes the
    error text of the answer, any other exception is logged and answered without detail.
    """

    def __init__(self, path: Path, handler: Handler) -> None:
        self._path = path
        self._handler = handler
        self._server: asyncio.Server | None = None
        self._busy: dict[asyncio.Task[Any], None] = {}
        self._inode: tuple[int, int] | None = None

    async def start(self) -> None:
        """Listen. Raises ControlTaken where that is not possible."""
        bound = _bound(self._path)
        seen = self._path.stat()
        self._inode = (seen.st_dev, seen.st_ino)
        self._server = await asyncio.start_unix_server(
            self._connected, sock=bound, limit=REQUEST_SIZE
        )

    async def close(self) -> None:
        """Stop listening, drop requests under way, remove the socket; takes a second at most."""
        if self._server is None:
            return
        self._server.close()
        self._server = None
        self._remove()
        tasks = list(self._busy)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=CLOSE_TIME)

    def _remove(self) -> None:
        """Remove the socket, unless somebody has put another in its place."""
        with suppress(FileNotFoundError):
            seen = self._path.stat()
            if (seen.st_dev, seen.st_ino) == self._inode:
                self._path.unlink()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a connection is served by a task")
        self._busy[task] = None
        try:
            answer = await self._answer(reader, crowded=len(self._busy) > AT_ONCE)
            async with asyncio.timeout(ANSWER_TIME):
                writer.write(_encoded(answer))
                await writer.drain()
        except (OSError, TimeoutError) as error:
            log.debug("control.dropped", reason=f"the client went away: {error}")
        except asyncio.CancelledError:
            # The daemon is stopping; asyncio would report the end of this task as a fault.
            writer.transport.abort()
        finally:
            del self._busy[task]
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, *, crowded: bool) -> dict[str, Any]:
        if crowded:
            return {"error": f"busy: {AT_ONCE} requests are being answered; ask again"}
        try:
            async with asyncio.timeout(READ_TIME):
                line = await reader.readline()
        except TimeoutError:
            return {"error": f"no request came within {READ_TIME:g} s"}
        except ValueError:
            return {"error": f"the request is longer than {REQUEST_SIZE} bytes"}
        request = _parsed(line)
        if request is None:
            return {"error": 'a request is a line of JSON: {"command": "status"}'}
        return await self._handled(request)

    async def _handled(self, request: Request) -> dict[str, Any]:
        try:
            async with asyncio.timeout(ANSWER_TIME):
                return await self._handler(request)
        except CospacedError as error:
            return {"error": str(error)}
        except TimeoutError:
            log.warning("control.failed", reason=f"{request.command}: no answer in time")
            return {"error": f"the daemon had no answer within {ANSWER_TIME:g} s"}
        except Exception:
            # Broad on purpose: a question must never bring the daemon down.
            log.exception("control.failed", reason=request.command)
            return {"error": "the daemon could not answer; its log says why"}


def ask(path: Path, request: Mapping[str, Any], timeout: float = 10.0) -> dict[str, Any]:
    """Ask the daemon at `path` and return its answer; `timeout` seconds hold for each step.

    Raises ControlAbsent where no daemon runs, ControlUnavailable where none answers, and
    ControlRefused where it answers an error.
    """
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(timeout)
            with _address(path) as name:
                connection.connect(name)
            answer = _asked(connection, json.dumps(dict(request)).encode() + b"\n")
    except (FileNotFoundError, ConnectionRefusedError) as error:
        raise ControlAbsent(f"no cospaced listens at {path}; is it running?") from error
    except PermissionError as error:
        raise ControlUnavailable(
            f"no permission to ask the daemon at {path}; become root or join the group that owns it"
        ) from error
    except TimeoutError as error:
        raise ControlUnavailable(
            f"the daemon at {path} did not answer within {timeout:g} s"
        ) from error
    except OSError as error:
        raise ControlUnavailable(f"the daemon at {path} cannot be asked: {error}") from error
    return _read(path, answer)


def _asked(connection: socket.socket, line: bytes) -> bytes:
    parts = []
    # A server that is crowded answers without reading: its answer counts, not the broken pipe.
    with suppress(BrokenPipeError):
        connection.sendall(line)
    with suppress(ConnectionResetError):
        while part := connection.recv(1 << 16):
            parts.append(part)
    return b"".join(parts)


def _read(path: Path, answer: bytes) -> dict[str, Any]:
    try:
        document = json.loads(answer)
    except ValueError as error:
        raise ControlUnavailable(
            f"the daemon at {path} broke off in the middle of its answer; ask again"
        ) from error
    if not isinstance(document, dict):
        raise ControlUnavailable(f"what listens at {path} is no cospaced")
    if "error" in document:
        raise ControlRefused(str(document["error"]))
    return document


def _parsed(line: bytes) -> Request | None:
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or not isinstance(document.get("command"), str):
        return None
    arguments = {key: value for key, value in document.items() if key != "command"}
    return Request(command=document["command"], arguments=arguments)


def _encoded(answer: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(answer, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"
    except (TypeError, ValueError):
        log.exception("control.failed", reason="an answer is no JSON")
        return b'{"error": "the daemon could not answer; its log says why"}\n'


@contextmanager
def _address(path: Path) -> Iterator[str]:
    """Enter with a name of a socket that is short enough for any path (unix(7), sun_path)."""
    if len(os.fsencode(path)) <= _LONGEST:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def _bound(path: Path) -> socket.socket:
    """Return a socket bound to the path, not yet listening, with its mode set."""
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _cleared(path)
        with _address(path) as name:
            bound.bind(name)
        # Before anybody can connect: that takes listen(2).
        os.chmod(path, MODE)  # noqa: PTH101 - as bind: by name, at once
    except OSError as error:
        bound.close()
        raise ControlTaken(f"the control socket {path} cannot be made: {error}") from error
    except ControlTaken:
        bound.close()
        raise
    return bound


def _cleared(path: Path) -> None:
    """Make sure that nothing stands at the path; a socket that nobody listens at is removed."""
    path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    try:
        kind = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(kind):
        raise ControlTaken(f"{path} exists and is no socket; remove it")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            with _address(path) as name:
                probe.connect(name)
        except ConnectionRefusedError:
            path.unlink()
            return
    raise ControlTaken(f"another cospaced listens at {path}; stop it first")
