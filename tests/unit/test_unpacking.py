"""Bodies are unpacked up to the limit, and a cut one is told from a whole one."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cospaced.host.unpacking import TooLarge, Unpacking


def unpacked(data: bytes, *, step: int = 7, encoding: str = "gzip", limit: int = 1000) -> bytes:
    body = Unpacking(encoding, limit)
    for start in range(0, len(data), step):
        body.add(data[start : start + step])
    return body.whole()


@given(st.lists(st.binary(max_size=200), max_size=4), st.integers(1, 300))
def test_whatever_was_packed_comes_out_however_it_comes_in(parts: list[bytes], step: int) -> None:
    assert unpacked(b"".join(map(gzip.compress, parts)), step=step) == b"".join(parts)
    assert unpacked(b"".join(parts), step=step, encoding="") == b"".join(parts)


def test_a_packed_body_cut_at_any_byte_is_never_taken_for_a_whole_one() -> None:
    packed = gzip.compress(b"some text that is packed " * 8)
    for end in range(1, len(packed)):
        try:
            whole = unpacked(packed[:end])
        except ValueError:
            continue
        assert whole == b"", "only where nothing was unpacked"


def test_a_member_cut_behind_a_whole_one_is_missed() -> None:
    with pytest.raises(ValueError, match="cut"):
        unpacked(gzip.compress(b"one") + gzip.compress(b"two")[:-4])


def test_padding_behind_the_end_is_no_member() -> None:
    assert unpacked(gzip.compress(b"one") + bytes(100)) == b"one"


@pytest.mark.parametrize("encoding", ["gzip", ""])
def test_the_limit_itself_is_allowed_and_a_byte_more_is_not(encoding: str) -> None:
    def sent(size: int) -> bytes:
        return gzip.compress(bytes(size)) if encoding else bytes(size)

    assert len(unpacked(sent(1000), encoding=encoding)) == 1000
    with pytest.raises(TooLarge):
        unpacked(sent(1001), encoding=encoding)


def test_a_bomb_is_unpacked_no_further_than_the_limit() -> None:
    body = Unpacking("gzip", 1000)
    with pytest.raises(TooLarge):
        body.add(gzip.compress(bytes(100_000_000)))
    assert len(body._body) == 1001


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip"])
def test_what_was_not_asked_for_is_refused(encoding: str) -> None:
    with pytest.raises(ValueError, match="not asked for"):
        Unpacking(encoding, 1000)


@pytest.mark.parametrize("encoding", ["identity", "", "GZIP", " x-gzip "])
def test_other_spellings_are_known(encoding: str) -> None:
    assert Unpacking(encoding, 1000).whole() == b""
