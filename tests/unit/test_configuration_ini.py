from pathlib import Path

import pytest

from cospaced.configuration.ini import IniFile, parse, read


FILE = Path("rooms.ini")


def parsed(text: str | bytes) -> IniFile:
    return parse(text if isinstance(text, bytes) else text.encode(), FILE)


def entries(text: str | bytes) -> dict[str, str]:
    (section,) = parsed(text).sections
    return {entry.key: entry.value for entry in section.entries}


def told(text: str | bytes) -> list[tuple[int, str, str]]:
    return [(p.line, p.key, p.text) for p in parsed(text).problems]


def test_keys_are_separated_by_equals_or_colon_and_keep_their_lines() -> None:
    (section,) = parsed("\n[room:Aula 1]\n\nurl: http://x\nCalendar=a:b=c\n").sections
    assert (section.kind, section.name, section.title) == ("room", "Aula 1", "room:Aula 1")
    assert [(e.key, e.value, e.line) for e in section.entries] == [
        ("url", "http://x", 4),
        ("calendar", "a:b=c", 5),
    ]


def test_a_password_keeps_what_other_files_take_for_comments_and_interpolation() -> None:
    assert entries("[cms]\npassword = a;b #c %(d)s %% e\n") == {"password": "a;b #c %(d)s %% e"}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_of_every_system_are_understood(end: str) -> None:
    (section,) = parsed(f"[a]{end}; note{end}# note{end}key = 1{end}").sections
    assert [(e.key, e.value, e.line) for e in section.entries] == [("key", "1", 4)]


def test_indented_lines_continue_a_value_past_comments_and_blank_lines() -> None:
    text = "[room:x]\nendpoints =\n  a@b,\n  # not this one\n\n  c@d\ndial = no\n"
    assert entries(text) == {"endpoints": "a@b,\nc@d", "dial": "no"}


def test_a_key_may_be_indented_where_it_continues_nothing() -> None:
    assert entries("[a]\n  one = 1\n  two = 2\n") == {"one": "1", "two": "2"}


def test_a_byte_order_mark_is_no_part_of_the_first_section() -> None:
    assert entries(b"\xef\xbb\xbf[a]\nk = v\n") == {"k": "v"}


def test_bytes_that_are_not_utf_8_are_told_with_their_line() -> None:
    assert told(b"[a]\nk = B\xfcro\nm = \xff\n") == [
        (2, "", "byte 6 of this line is not UTF-8 (save the file as UTF-8)"),
        (3, "", "byte 5 of this line is not UTF-8 (save the file as UTF-8)"),
    ]


def test_utf_16_is_one_problem_and_not_one_for_each_line() -> None:
    ((line, _, text),) = told("[a]\nk = v\n".encode("utf-16"))
    assert line == 1
    assert "save the file as UTF-8" in text


def test_a_key_that_stands_twice_is_told_with_both_lines_and_the_first_one_counts() -> None:
    text = "[a]\nkey = 1\nKEY = 2\n  3\n"
    assert told(text) == [(3, "key", "stands twice, first in line 2 (keep one)")]
    assert entries(text) == {"key": "1"}


@pytest.mark.parametrize(
    "line", ["hunter2", "= hunter2", "two words = hunter2", "[a] hunter2", "["]
)
def test_lines_that_are_nothing_are_told_without_showing_what_they_hold(line: str) -> None:
    ((number, key, text),) = told(f"[cms]\n{line}\n")
    assert (number, key) == (2, "")
    assert "hunter2" not in text
    assert "(write " in text


def test_what_is_indented_below_a_line_that_is_nothing_belongs_to_no_value() -> None:
    assert entries("[a]\nkey = 1\nnothing\nother = 2\n") == {"key": "1", "other": "2"}


def test_a_key_before_the_first_section_is_told() -> None:
    assert told("k = v\n[a]\n") == [
        (1, "k", "stands before the first section (write [section] above)")
    ]


def test_a_file_that_is_not_there_is_a_problem_with_a_remedy(tmp_path: Path) -> None:
    (problem,) = read(tmp_path / "none.ini").problems
    assert (problem.file, problem.line) == (str(tmp_path / "none.ini"), 0)
    assert problem.text == "there is no such file (check the name; -c FILE names the main one)"


def test_a_directory_is_a_problem_with_a_remedy(tmp_path: Path) -> None:
    (problem,) = read(tmp_path).problems
    assert problem.text == "is a directory (name a file)"


def test_a_file_name_that_no_system_can_have_is_a_problem() -> None:
    (problem,) = read(Path("a\0b")).problems
    assert "name of a file" in problem.text


def test_a_file_that_may_not_be_read_is_a_problem_with_a_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    (problem,) = read(tmp_path / "x.ini").problems
    assert "chmod 0640" in problem.text
