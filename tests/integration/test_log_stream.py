import io
import os
import select
from pathlib import Path

from cospaced.host.backlog import Backlog
from cospaced.host.log_stream import StreamSink, descriptor


def drained(fd: int) -> bytes:
    """Read what a pipe holds now."""
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    data = b""
    while any(events & select.POLLIN for _, events in poll.poll(0)):
        data += os.read(fd, 1 << 16)
    return data


def loss(count: int) -> bytes:
    return b"lost %d\n" % count


def test_a_stream_without_a_descriptor_is_simply_written_to() -> None:
    stream = io.StringIO()
    assert descriptor(stream) == -1
    sink = StreamSink(stream, tell_loss=loss)
    sink.send("grüße\n".encode(), minor=True)
    assert stream.getvalue() == "grüße\n"
    assert sink.flush()
    sink.close()
    assert not stream.closed


def test_lines_go_to_the_descriptor_in_order(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as stream:
        stream.write("before\n")
        sink = StreamSink(stream, tell_loss=loss)
        sink.send(b"one\n", minor=True)
        sink.send(b"x" * 100_000 + b"\n", minor=True)
        sink.send(b"two\n", minor=True)
    told = (tmp_path / "log").read_bytes()
    assert told == b"before\none\n" + b"x" * 100_000 + b"\ntwo\n"


def test_a_reader_that_stands_still_blocks_nobody_and_gets_whole_lines_later() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb"), os.fdopen(writing, "w") as stream:
        sink = StreamSink(stream, tell_loss=loss)
        sent = [b"%d " % number + b"x" * 9_000 + b"\n" for number in range(50)]
        for line in sent:
            sink.send(line, minor=False)
        assert not sink.flush()
        got = b""
        for _ in range(100):
            got += drained(reading)
            if sink.flush():
                break
        got += drained(reading)
        assert got == b"".join(sent)
        assert sink.lost == 0


def test_lost_lines_are_told_once_there_is_room_again() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb"), os.fdopen(writing, "w") as stream:
        sink = StreamSink(stream, tell_loss=loss, backlog=Backlog(records=2))
        while len(sink._backlog) < 2:
            sink.send(b"fill" + b"x" * 4_000 + b"\n", minor=True)
        sink.send(b"error 1\n", minor=False)
        sink.send(b"error 2\n", minor=False)
        sink.send(b"info\n", minor=True)
        assert sink.lost == 3
        got = drained(reading)
        assert sink.flush()
        got += drained(reading)
        assert got.endswith(b"\nerror 1\nerror 2\nlost 3\n")


def test_a_reader_that_went_away_costs_the_lines_and_nothing_else() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stream:
        sink = StreamSink(stream, tell_loss=loss)
        sink.send(b"a\n", minor=False)
        sink.send(b"b\n", minor=True)
        assert sink.lost >= 2
        sink.close()
