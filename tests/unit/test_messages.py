import re

import pytest

from cospaced.host.messages import MESSAGES, plainly, sentence


KEYS = [
    "room",
    "calendar",
    "booking",
    "uid",
    "space",
    "number",
    "call",
    "leg",
    "endpoint",
    "bridge",
    "reason",
    "url",
    "seconds",
    "late_ms",
    "count",
    "attempt",
    "requests",
    "since",
    "start",
    "end",
    "version",
    "library",
]


@pytest.mark.parametrize("event", sorted(MESSAGES))
def test_every_sentence_is_whole_with_all_keys_and_harmless_with_none(event: str) -> None:
    told = sentence(event, {key: f"<{key}>" for key in KEYS})
    assert not re.search(r"[\[\]{}]", told)
    assert not told.startswith(event)
    used = {"seconds" if k == "span" else k for k in re.findall(r"{(\w+)}", MESSAGES[event])}
    assert used <= set(KEYS), "a key outside the vocabulary"
    for key in used:
        assert f"<{key}>" in told
    bare = sentence(event, {})
    assert bare
    assert "{" not in bare


@pytest.mark.parametrize("event", sorted(MESSAGES))
def test_events_are_named_area_dot_what_happened(event: str) -> None:
    assert re.fullmatch(r"[a-z]+\.[a-z_]+", event)


def test_a_part_in_brackets_is_left_out_where_its_key_is_missing_or_empty() -> None:
    keys = {"number": "4711", "booking": "b1"}
    assert sentence("booking.opened", keys) == "Opened space 4711 for booking b1"
    late = {**keys, "late_ms": "0"}
    assert sentence("booking.opened", late) == "Opened space 4711 for booking b1, 0 ms late"
    assert sentence("booking.opened", {**keys, "late_ms": ""}).endswith("b1")


def test_a_missing_needed_key_or_an_unknown_event_gives_the_keys_themselves() -> None:
    assert sentence("booking.opened", {"number": "4711"}) == "booking.opened number=4711"
    assert sentence("new.event", {"reason": "two words"}) == "new.event reason='two words'"
    assert plainly("x.y", {"a": "", "b": "c=d"}) == "x.y a='' b='c=d'"


def test_braces_in_values_are_just_text() -> None:
    keys = {"bridge": "{reason}", "reason": "{0} [x] {unknown}"}
    told = sentence("bridge.unreachable", keys)
    assert told == "Call Bridge {reason} does not answer: {0} [x] {unknown}"


@pytest.mark.parametrize(
    ("seconds", "span"),
    [
        ("0", "0 s"),
        ("0.5", "0.5 s"),
        ("119", "119 s"),
        ("720", "12 min"),
        ("7200", "2 h"),
        ("200000", "2 d"),
        ("soon", "soon"),
        ("-5", "-5 s"),
        ("nan", "nan s"),
        ("inf", "inf s"),
    ],
)
def test_a_span_is_told_in_the_unit_that_reads_best(seconds: str, span: str) -> None:
    keys = {"room": "r", "seconds": seconds}
    assert (
        sentence("calendar.recovered", keys) == f"Calendar of room r can be read again after {span}"
    )
