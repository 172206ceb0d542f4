import stat
from pathlib import Path

import pytest

from cospaced.errors import StoreUnusable
from cospaced.store import load_or_make, site_id
from support.virtual import SeededEntropy


def test_a_key_is_made_once_and_nobody_else_can_read_it(tmp_path: Path) -> None:
    key = load_or_make(tmp_path, SeededEntropy(1))
    assert len(key) == 32
    assert load_or_make(tmp_path, SeededEntropy(2)) == key
    file = tmp_path / "site.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_a_crash_while_the_key_was_written_leaves_no_half_key(tmp_path: Path) -> None:
    (tmp_path / "site.key.new").write_bytes(b"half")
    assert len(load_or_make(tmp_path, SeededEntropy(1))) == 32
    assert [path.name for path in tmp_path.iterdir()] == ["site.key"]


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_key_of_another_length_is_refused_and_left_alone(tmp_path: Path, length: int) -> None:
    file = tmp_path / "site.key"
    file.write_bytes(b"x" * length)
    with pytest.raises(StoreUnusable, match=rf"site.key holds {length} bytes.*from a backup"):
        load_or_make(tmp_path, SeededEntropy(1))
    assert file.read_bytes() == b"x" * length


def test_a_missing_directory_is_told_with_its_remedy(tmp_path: Path) -> None:
    with pytest.raises(StoreUnusable, match=r"nowhere/site\.key.*belongs to the user"):
        load_or_make(tmp_path / "nowhere", SeededEntropy(1))


def test_a_site_id_is_short_and_tells_sites_apart() -> None:
    assert site_id(bytes(32)) == "882be04b"
    assert site_id(bytes(range(32))) != site_id(bytes(32))
