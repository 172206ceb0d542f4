"""structlog, set up once: records go to the journal, or as lines of JSON or text to stderr.

Every record passes the same steps: level, time from the Clock, secrets masked, traceback made
text; then one of three renderers. Nothing here waits: the sinks hold back what cannot be written
at once. Loggers are looked up at each record (not cached), so that a reload, or a test, changes
them all.
"""

import logging
from collections.abc import Callable, Mapping, MutableMapping
from pathlib import Path
from typing import Any, Protocol, TextIO

import structlog

from cospaced.host.journal import JOURNAL_SOCKET, JournalSink, stderr_is_journal
from cospaced.host.log_mask import mask
from cospaced.host.log_render import (
    Record,
    Renderer,
    as_coloured_console,
    as_console,
    as_journal,
    as_json,
    stamp,
)
from cospaced.host.log_stream import StreamSink, descriptor
from cospaced.ports import Clock


LEVELS: Mapping[str, int] = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}

_METHODS: Mapping[str, int] = {**LEVELS, "warn": logging.WARNING, "critical": logging.CRITICAL}
_Event = MutableMapping[str, Any]


class Sink(Protocol):
    """Where rendered records go; never waits."""

    @property
    def lost(self) -> int:
        """How many records were given up."""

    def send(self, payload: bytes, *, minor: bool) -> None:
        """Write, hold or give up a record."""

    def flush(self) -> bool:
        """Write what is held; True when nothing is left."""

    def close(self) -> None:
        """Flush and close."""


class Logging:
    """The log of this process, made by `configure`; the daemon flushes it now and then."""

    def __init__(self, pipeline: "_Pipeline", sink: Sink) -> None:
        self._pipeline = pipeline
        self._sink = sink
        self._libraries = _LibraryHandler(logging.WARNING)

    @property
    def lost(self) -> int:
        """How many records were given up since the start."""
        return self._sink.lost

    def set_level(self, level: str) -> None:
        """Take `debug`, `info`, `warning` or `error` as the least level from now on."""
        self._pipeline.threshold = _threshold(level)

    def flush(self) -> bool:
        """Write what was held back, as far as there is room; True when nothing is left."""
        return self._sink.flush()

    def close(self) -> None:
        """Flush, and give structlog and logging back as they were."""
        logging.getLogger().removeHandler(self._libraries)
        structlog.reset_defaults()
        self._sink.close()

    def install(self) -> None:
        """Make every structlog logger, and what libraries say to logging, end here."""
        output = _Output(self._sink)
        structlog.configure(
            processors=[self._pipeline],
            wrapper_class=structlog.make_filtering_bound_logger(logging.NOTSET),
            context_class=dict,
            logger_factory=lambda *_: output,
            cache_logger_on_first_use=False,
        )
        logging.getLogger().addHandler(self._libraries)


def configure(
    *,
    level: str,
    format: str,  # noqa: A002 - as the key of the configuration is called
    clock: Clock,
    stderr: TextIO,
    environment: Mapping[str, str],
    journal_socket: Path = JOURNAL_SOCKET,
) -> Logging:
    """Set structlog up for this process and return its log.

    `format` is `journal` (fields to journald; `console` where stderr is not the journal), `json`
    or `console`. Colours only go to a terminal, and not where NO_COLOR is set. Raises ValueError
    for another level or format.
    """
    fd = descriptor(stderr)
    if format not in ("journal", "json", "console"):
        raise ValueError(f"{format!r} is no log format (write journal, json or console)")
    journal = format == "journal" and stderr_is_journal(environment, fd)
    render: Renderer = as_journal if journal else as_json
    if not journal and format != "json":
        coloured = stderr.isatty() and not environment.get("NO_COLOR")
        render = as_coloured_console if coloured else as_console
    pipeline = _Pipeline(threshold=_threshold(level), clock=clock, render=render)
    sink: Sink
    if journal:
        sink = JournalSink(journal_socket, tell_loss=pipeline.loss)
    else:
        sink = StreamSink(stderr, tell_loss=pipeline.loss)
    log = Logging(pipeline, sink)
    log.install()
    return log


class _Pipeline:
    """The steps between a call of the logger and the bytes of a record."""

    def __init__(self, *, threshold: int, clock: Clock, render: Renderer) -> None:
        self.threshold = threshold
        self._clock = clock
        self._render = render

    def __call__(
        self, _: Any, method: str, event: _Event
    ) -> tuple[tuple[bytes, bool], dict[str, Any]]:
        """Return what the output is called with; raise DropEvent below the threshold."""
        level = _METHODS.get(method, logging.INFO)
        if level < self.threshold:
            raise structlog.DropEvent
        if "exc_info" in event:
            event = structlog.processors.format_exc_info(None, method, event)
        return (self._rendered(level, event), level < logging.WARNING), {}

    def loss(self, count: int) -> bytes:
        """Return the record that tells of lost ones."""
        return self._rendered(logging.WARNING, {"event": "log.lost", "count": count})

    def _rendered(self, level: int, event: _Event) -> bytes:
        name = str(event.pop("event", ""))
        record = Record(at=stamp(self._clock.now()), level=level, event=name, keys=mask(event))
        return self._render(record)


class _Output:
    """The logger that structlog wraps; each of its methods takes what the pipeline returns."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def msg(self, payload: bytes, minor: bool) -> None:
        self._sink.send(payload, minor=minor)

    debug = info = warning = warn = error = critical = msg


class _LibraryHandler(logging.Handler):
    """Hands what libraries tell the standard logging (warnings and worse) to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log one record as `library.warned`."""
        say: Callable[..., Any] = structlog.get_logger().warning
        if record.levelno >= logging.ERROR:
            say = structlog.get_logger().error
        try:
            text = record.getMessage()
        except (TypeError, ValueError) as error:
            text = f"{record.msg!r} ({error})"
        say("library.warned", library=record.name, reason=text, exc_info=record.exc_info)


def _threshold(level: str) -> int:
    try:
        return LEVELS[level]
    except KeyError:
        known = ", ".join(LEVELS)
        raise ValueError(f"{level!r} is no log level (write one of {known})") from None
