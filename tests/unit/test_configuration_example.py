"""The example file is the reference of every key: it must be whole, right and loadable."""

import re
from collections import Counter
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from cospaced.configuration import load
from cospaced.configuration.keys import Keys, needed
from cospaced.configuration.rendering import default_text
from cospaced.configuration.schema import CALENDARS, NAMED, SINGLE, RoomKeys
from cospaced.settings import CalendarSettings, CmsSettings, SourceType
from support.configurations import ENVIRONMENT, write


CONFIG = Path(__file__).parents[2] / "config"
EXAMPLE = (CONFIG / "cospaced.ini.example").read_text(encoding="utf-8")
ALL_KEYS: dict[str, type[Keys]] = {
    **SINGLE,
    "bridge": NAMED["bridge"][0],
    **{f"calendar of type {kind}": keys for kind, keys in CALENDARS.items()},
    "room": RoomKeys,
}


def shown() -> list[tuple[str, str, str, bool]]:
    """Return (section, key, value, whether it is commented out) of every setting shown."""
    found: list[tuple[str, str, str, bool]] = []
    section = ""
    for line in EXAMPLE.splitlines():
        if header := re.fullmatch(r"#?\[([a-z]+)(:[^\]]+)?\]", line):
            section = header.group(1)
        elif entry := re.fullmatch(r"(#?)([a-z_]+) =(?: (.*))?", line):
            mark, key, value = entry.groups()
            if section == "calendar" and key == "type":
                section = f"calendar of type {value}"
            found.append((section, key, value or "", bool(mark)))
    return found


def value_of(keys: type[Keys], key: str, text: str) -> Any:
    hints = TypeAdapter(keys.__pydantic_fields__[key].rebuild_annotation())
    return hints.validate_python(text, context={"folder": Path("/etc/cospaced")})


@pytest.mark.parametrize("section", list(ALL_KEYS))
def test_every_key_stands_in_the_example_once(section: str) -> None:
    counted = Counter(key for title, key, _, _ in shown() if title == section)
    assert counted == dict.fromkeys(ALL_KEYS[section].names(), 1)


def test_the_example_has_no_section_that_the_daemon_does_not_know() -> None:
    assert {title for title, _, _, _ in shown()} == set(ALL_KEYS)


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        (section, key, value)
        for section, key, value, commented in shown()
        if key in ALL_KEYS[section].model_fields
        and key not in needed(ALL_KEYS[section])
        and key not in ALL_KEYS[section].secrets
        and section != "bridge"
    ],
)
def test_every_default_that_the_example_shows_is_the_real_one(
    section: str, key: str, value: str
) -> None:
    keys = ALL_KEYS[section]
    default = default_text(keys, key)
    if value and default:
        assert value_of(keys, key, value) == value_of(keys, key, default)
    else:
        assert value == default


def test_only_what_is_needed_is_not_commented_out() -> None:
    active = [(section, key) for section, key, _, commented in shown() if not commented]
    assert active == [(section, key) for section, keys in SINGLE.items() for key in needed(keys)]


def test_the_example_can_be_loaded_as_it_is() -> None:
    settings = load(CONFIG / "cospaced.ini.example", environment=ENVIRONMENT)
    assert settings.cms.address == "https://cms.example.org:445"
    assert settings.pool.numbers == range(82000, 82100)


def test_the_example_with_every_default_written_out_says_the_same(tmp_path: Path) -> None:
    head = EXAMPLE.partition("\n#[bridge:")[0]
    tail = EXAMPLE[EXAMPLE.index("\n[pool]") : EXAMPLE.index("# Where calendars are read.")]
    text = re.sub(r"(?m)^#(?=[a-z_]+ =)", "", head + tail)
    written = load(write(tmp_path, text), environment=ENVIRONMENT)
    plain = load(CONFIG / "cospaced.ini.example", environment=ENVIRONMENT)
    assert (written.daemon, written.cms) == (plain.daemon, plain.cms)
    assert (written.pool, written.conferences) == (plain.pool, plain.conferences)


def test_the_example_of_rooms_can_be_included(tmp_path: Path) -> None:
    rooms = (CONFIG / "rooms.d/example.ini").read_text(encoding="utf-8")
    write(tmp_path, rooms, "rooms.d/example.ini")
    main = EXAMPLE.replace("#include =", "include = rooms.d/*.ini")
    settings = load(write(tmp_path, main), environment=ENVIRONMENT)
    assert [room.name for room in settings.rooms] == ["Boardroom", "Aula", "Video conference"]
    assert settings.warnings == ()


@pytest.mark.parametrize("section", list(ALL_KEYS))
def test_every_key_fills_a_field_of_the_settings(section: str) -> None:
    keys = ALL_KEYS[section]
    assert set(keys.model_fields) <= {field.name for field in fields(keys.target)}


@pytest.mark.parametrize("target", sorted({k.target for k in ALL_KEYS.values()}, key=str))
def test_every_field_of_the_settings_has_a_key(target: type[Any]) -> None:
    keys = {k for model in ALL_KEYS.values() if model.target is target for k in model.model_fields}
    without = {field.name for field in fields(target)} - keys
    # A name is the section's; two parts of the passcode and the bridges stand elsewhere.
    assert without <= {"name", "passcode_digits", "passcode_length", "bridges"}


@pytest.mark.parametrize("section", list(ALL_KEYS))
def test_what_has_no_default_in_the_settings_is_needed_in_the_file(section: str) -> None:
    keys = ALL_KEYS[section]
    bare = {field.name for field in fields(keys.target) if field.default is MISSING} - {"name"}
    more = set(needed(keys)) - bare
    assert bare <= set(needed(keys))
    assert not more or keys.target is CalendarSettings


def test_each_source_has_its_keys() -> None:
    assert set(CALENDARS) == set(SourceType)
    assert SINGLE["cms"].target is CmsSettings
