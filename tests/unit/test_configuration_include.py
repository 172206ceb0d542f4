from pathlib import Path

import pytest

from support.configurations import CMS, POOL, VALID, loaded, problem, problems, write


MAIN = CMS + POOL + "[daemon]\ninclude = rooms.d/*.ini\n"
CALENDAR = "[calendar:files]\ntype = ical\n"


def room(name: str) -> str:
    return f"[room:{name}]\ncalendar = files\npath = {name}.ics\nendpoints = {name}@example.org\n"


def test_included_files_are_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    write(tmp_path, room("b"), "rooms.d/20.ini")
    write(tmp_path, CALENDAR + room("a"), "rooms.d/10.ini")
    write(tmp_path, "garbage", "rooms.d/30.ini.off")
    write(tmp_path, "garbage", "rooms.d/.hidden.ini")
    (tmp_path / "rooms.d/folder.ini").mkdir()
    settings = loaded(tmp_path, MAIN)
    assert [r.name for r in settings.rooms] == ["a", "b"]


def test_paths_are_relative_to_the_file_that_names_them(tmp_path: Path) -> None:
    write(tmp_path, CALENDAR + room("a"), "rooms.d/10.ini")
    assert loaded(tmp_path, MAIN).rooms[0].path == tmp_path / "rooms.d/a.ics"


def test_problems_of_included_files_come_behind_those_of_the_main_file(tmp_path: Path) -> None:
    write(tmp_path, "\n" + CALENDAR + room("a") + "dail = no\n", "rooms.d/10.ini")
    write(tmp_path, "[room:b]\ncalendar = file\npath = b.ics\n", "rooms.d/20.ini")
    assert problems(tmp_path, MAIN + "stale_after = 0s\n") == [
        "cospaced.ini:11: [daemon] stale_after: 0s is too short (write 1s or more)",
        "rooms.d/10.ini:8: [room:a] dail: is no key of [room:a] (write dial)",
        "rooms.d/20.ini:2: [room:b] calendar: there is no calendar 'file' (write files)",
    ]


@pytest.mark.parametrize("section", ["daemon", "cms", "pool", "conferences", "bridge:x"])
def test_an_included_file_holds_calendars_and_rooms_only(tmp_path: Path, section: str) -> None:
    write(tmp_path, f"[{section}]\n", "rooms.d/10.ini")
    found = problem(tmp_path, MAIN)
    assert found.startswith(f"rooms.d/10.ini:1: [{section}]: may not stand in an included file")


def test_a_section_in_two_files_stands_twice(tmp_path: Path) -> None:
    write(tmp_path, CALENDAR + room("a"), "rooms.d/10.ini")
    write(tmp_path, room("a"), "rooms.d/20.ini")
    assert problem(tmp_path, MAIN) == (
        "rooms.d/20.ini:1: [room:a]: stands twice, first in rooms.d/10.ini:3 "
        "(join the two or rename one)"
    )


def test_a_pattern_that_finds_nothing_is_fine_and_a_name_that_is_not_there_is_not(
    tmp_path: Path,
) -> None:
    assert loaded(tmp_path, MAIN).rooms == ()
    found = problem(tmp_path, MAIN.replace("rooms.d/*.ini", "rooms.ini"))
    assert found.startswith("rooms.ini:0: ")
    assert "there is no such file" in found


def test_a_pattern_that_finds_the_main_file_does_not_read_it_twice(tmp_path: Path) -> None:
    settings = loaded(tmp_path, VALID + "[daemon]\ninclude = *.ini\n")
    assert [r.name for r in settings.rooms] == ["aula"]


def test_a_pattern_may_be_absolute_and_the_folder_may_look_like_one(tmp_path: Path) -> None:
    folder = tmp_path / "a[b]*"
    write(folder, CALENDAR + room("a"), "rooms.d/10.ini")
    assert len(loaded(folder, MAIN).rooms) == 1
    elsewhere = MAIN.replace("rooms.d", f"{tmp_path}/a[[]b]*/rooms.d")
    assert len(loaded(tmp_path / "other", elsewhere).rooms) == 1
