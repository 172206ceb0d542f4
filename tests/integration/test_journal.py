import array
import fcntl
import os
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from cospaced.host.backlog import Backlog
from cospaced.host.journal import JournalSink, encode, field_name, stderr_is_journal


class Journald:
    """A socket that takes records as journald does, when told to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.files = 0
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.setblocking(False)

    def take(self) -> list[bytes]:
        """Return what has come, the contents of passed files included."""
        taken = []
        while True:
            try:
                data, passed, _, _ = self._socket.recvmsg(1 << 22, socket.CMSG_SPACE(4))
            except BlockingIOError:
                return taken
            for _, _, raw in passed:
                (fd,) = array.array("i", raw)
                assert fcntl.fcntl(fd, fcntl.F_GET_SEALS) & fcntl.F_SEAL_WRITE
                data = os.pread(fd, 1 << 25, 0)
                os.close(fd)
                self.files += 1
            taken.append(data)

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def journald(tmp_path: Path) -> Iterator[Journald]:
    server = Journald(tmp_path / "socket")
    yield server
    server.close()


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[JournalSink]:
    made = JournalSink(tmp_path / "socket", tell_loss=lambda count: b"LOST=%d\n" % count)
    yield made
    made.close()


def fill(sink: JournalSink) -> int:
    """Send until journald's queue is full and one record is held; return how many were sent."""
    for number in range(1, 10_000):
        sink.send(b"N=%d\n" % number, minor=False)
        if len(sink._backlog):
            return number
    raise AssertionError("the queue has no end")


def test_fields_are_lines_or_framed_by_their_length() -> None:
    assert encode([("A", "1"), ("B", "x=y"), ("C", "")]) == b"A=1\nB=x=y\nC=\n"
    framed = b"A\n" + struct.pack("<Q", 3) + b"x\ny\n"
    assert encode([("A", "x\ny"), ("B", "ü")]) == framed + b"B=\xc3\xbc\n"


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("late_ms", "LATE_MS"),
        ("__cursor", "CURSOR"),
        ("1st", "FIELD_1ST"),
        ("", "FIELD_"),
        ("zähler", "Z_HLER"),
        ("a=b\nPRIORITY", "A_B_PRIORITY"),
        ("x" * 80, "X" * 64),
    ],
)
def test_any_key_becomes_a_name_that_journald_takes(key: str, name: str) -> None:
    assert field_name(key) == name


def test_a_record_is_one_datagram(journald: Journald, sink: JournalSink) -> None:
    sink.send(b"MESSAGE=x\n", minor=True)
    assert journald.take() == [b"MESSAGE=x\n"]
    assert sink.flush()


def test_a_record_too_large_for_a_datagram_goes_as_a_sealed_file(
    journald: Journald, sink: JournalSink
) -> None:
    large = b"MESSAGE=" + b"x" * (1 << 20) + b"\n"
    sink.send(large, minor=True)
    assert journald.take() == [large]
    assert journald.files == 1


def test_a_journald_that_stands_still_blocks_nobody_and_misses_nothing_once_it_goes_on(
    journald: Journald, sink: JournalSink
) -> None:
    sent = fill(sink)
    for number in range(sent + 1, sent + 201):
        sink.send(b"N=%d\n" % number, minor=False)
    taken = journald.take()
    assert not sink.flush()
    for _ in range(1_000):
        taken += journald.take()
        if sink.flush():
            break
    taken += journald.take()
    assert taken == [b"N=%d\n" % number for number in range(1, sent + 201)]
    assert sink.lost == 0


def test_a_large_record_that_finds_no_room_waits_its_turn_too(
    journald: Journald, sink: JournalSink
) -> None:
    fill(sink)
    large = b"MESSAGE=" + b"x" * (1 << 20) + b"\n"
    sink.send(large, minor=False)
    journald.take()
    assert sink.flush()
    assert journald.take()[-1] == large


def test_what_is_held_goes_before_the_next_record(journald: Journald, sink: JournalSink) -> None:
    sent = fill(sink)
    taken = journald.take()
    sink.send(b"LAST=1\n", minor=False)
    taken += journald.take()
    assert taken == [*(b"N=%d\n" % number for number in range(1, sent + 1)), b"LAST=1\n"]


def test_the_number_of_lost_records_is_told_once_there_is_room_again(
    tmp_path: Path, journald: Journald
) -> None:
    sink = JournalSink(
        journald.path, tell_loss=lambda count: b"LOST=%d\n" % count, backlog=Backlog(records=2)
    )
    fill(sink)
    for _ in range(5):
        sink.send(b"DEBUG=1\n", minor=True)
    sink.send(b"ERROR=1\n", minor=False)
    assert sink.lost == 5
    taken = journald.take()
    assert sink.flush()
    taken += journald.take()
    assert taken[-2:] == [b"ERROR=1\n", b"LOST=5\n"]
    sink.send(b"NEXT=1\n", minor=True)
    assert journald.take() == [b"NEXT=1\n"]
    sink.close()


def test_a_journald_that_is_not_there_yet_gets_everything_when_it_comes(
    tmp_path: Path, sink: JournalSink
) -> None:
    sink.send(b"EARLY=1\n", minor=True)
    assert not sink.flush()
    server = Journald(tmp_path / "socket")
    assert sink.flush()
    assert server.take() == [b"EARLY=1\n"]
    server.close()


def test_a_restarted_journald_is_found_again(tmp_path: Path, sink: JournalSink) -> None:
    first = Journald(tmp_path / "socket")
    sink.send(b"A=1\n", minor=True)
    first.close()
    sink.send(b"B=1\n", minor=True)
    (tmp_path / "socket").unlink()
    second = Journald(tmp_path / "socket")
    sink.send(b"C=1\n", minor=True)
    assert second.take() == [b"B=1\n", b"C=1\n"]
    second.close()


def test_a_record_that_journald_can_never_take_is_counted_and_holds_up_nobody(
    tmp_path: Path,
) -> None:
    stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    stream.bind(str(tmp_path / "stream"))
    sink = JournalSink(tmp_path / "stream", tell_loss=lambda count: b"LOST=%d\n" % count)
    sink.send(b"A=1\n", minor=False)
    assert sink.lost == 1
    assert sink.flush()
    sink.close()
    stream.close()


def test_stderr_is_the_journal_when_device_and_inode_say_so(tmp_path: Path) -> None:
    with (tmp_path / "x").open("w") as file:
        seen = os.fstat(file.fileno())
        named = {"JOURNAL_STREAM": f"{seen.st_dev}:{seen.st_ino}"}
        assert stderr_is_journal(named, file.fileno())
        assert not stderr_is_journal({"JOURNAL_STREAM": f"{seen.st_dev}:1"}, file.fileno())
        assert not stderr_is_journal({"JOURNAL_STREAM": "nonsense"}, file.fileno())
        assert not stderr_is_journal({}, file.fileno())
        assert not stderr_is_journal(named, -1)
