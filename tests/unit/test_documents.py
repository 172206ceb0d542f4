"""What the project writes about itself is what its code says."""

import re
from pathlib import Path

from cospaced.configuration import schema
from cospaced.domain.lifecycle import diagram
from cospaced.host.messages import MESSAGES


ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "daemon" / "cospaced").rglob("*.py"))
EVENT = re.compile(
    r'(?:log|told)\.(?:debug|info|warning|error|exception)\(\s*"([a-z]+\.[a-z_]+)"'
    r'|draft\.tell\(\s*"([a-z]+\.[a-z_]+)"'
    r'|(?:_back_off\(draft, outcome, |_tell_once\()"([a-z]+\.[a-z_]+)"'
)


def events() -> set[str]:
    return {
        next(name for name in found.groups() if name)
        for path in SOURCES
        for found in EVENT.finditer(path.read_text())
    }


def test_every_event_that_is_logged_has_a_sentence() -> None:
    found = events()
    assert len(found) > 50
    assert sorted(found - MESSAGES.keys()) == []


NOT_YET = {"bridge.dead", "bridge.unwatched"}
"""Of taking conferences to another Call Bridge, which is still to come."""


def test_every_sentence_is_of_an_event_that_something_logs() -> None:
    texts = [path.read_text() for path in SOURCES if path.name != "messages.py"]
    unused = {event for event in MESSAGES if not any(f'"{event}"' in text for text in texts)}
    assert unused == NOT_YET


def test_the_state_model_shows_the_table_of_the_code() -> None:
    assert diagram() in (ROOT / "daemon" / "STATE-MODEL.md").read_text()


def test_the_readme_names_every_key_of_the_configuration() -> None:
    text = (ROOT / "README.md").read_text()
    reference = text[text.index("## Configuration") : text.index("## Words")]
    kinds = [*schema.SINGLE.values(), *(kind for kinds in schema.NAMED.values() for kind in kinds)]
    keys = {key for kind in kinds for key in kind.model_fields}
    assert len(keys) > 60
    assert sorted(key for key in keys if f"`{key}`" not in reference) == []


def test_the_readme_names_every_command() -> None:
    from cospaced.commands.cli import COMMANDS

    text = (ROOT / "README.md").read_text()
    assert [name for name in COMMANDS if f"`cospaced {name}" not in text] == []


def test_the_readme_asks_the_journal_for_events_and_fields_that_there_are() -> None:
    text = (ROOT / "README.md").read_text()
    asked = re.findall(r"\b([A-Z_]+)=([a-z]+\.[a-z_]+|\S+)", _journal_lines(text))
    events = [value for field, value in asked if field == "EVENT"]
    fields = {
        key.upper() for template in MESSAGES.values() for key in re.findall(r"{(\w+)}", template)
    }
    assert len(events) >= 10
    assert [event for event in events if event not in MESSAGES] == []
    assert {field for field, _ in asked} - {"EVENT"} <= fields


def _journal_lines(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if "journalctl -u cospaced" in line)
