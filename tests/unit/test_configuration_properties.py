import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from cospaced.configuration import load, rendered
from cospaced.configuration.schema import CALENDARS, NAMED, SINGLE
from cospaced.errors import ConfigurationError, Problem
from support.configurations import ENVIRONMENT, VALID, write


KEYS = sorted(
    {
        name
        for keys in (
            *SINGLE.values(),
            *CALENDARS.values(),
            *(k for ks in NAMED.values() for k in ks),
        )
        for name in keys.names()
    }
)
HEADERS = ["[daemon]", "[cms]", "[pool]", "[conferences]", "[bridge:x]", "[room:aula]", "[room:x]"]
TYPES = ["ical", "caldav", "exchange", "graph", "other"]
VALUES = st.one_of(
    st.text(st.characters(exclude_characters="\r\n"), max_size=20),
    st.sampled_from(["", "5m", "none", "1", "yes", "a@b", "https://[", "//x", "~/x", "files", "["]),
    st.from_regex(r"(https?|sip|webcal):/{0,2}[a-z0-9:@\[\]./%?#-]{0,20}", fullmatch=True),
)
LINES = st.one_of(
    st.sampled_from(HEADERS),
    st.sampled_from(TYPES).map(lambda kind: f"[calendar:{kind}]\ntype = {kind}"),
    st.builds(lambda key, value: f"{key} = {value}", st.sampled_from(KEYS), VALUES),
    st.builds(lambda value: f"  {value}", VALUES),
    VALUES,
)


def survives(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = write(Path(folder), content)
        problems: tuple[Problem, ...] = ()
        try:
            rendered(load(file, environment=ENVIRONMENT))
        except ConfigurationError as error:
            problems = error.problems
        assert all("\n" not in str(problem) for problem in problems)
        assert all("(" in problem.text for problem in problems)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_but_a_configuration_error(content: bytes) -> None:
    survives(content)


@settings(max_examples=250, deadline=None, derandomize=True)
@given(st.lists(LINES, max_size=12), st.booleans())
def test_no_values_raise_anything_but_a_configuration_error(lines: list[str], full: bool) -> None:
    text = (VALID if full else "") + "\n".join(lines)
    survives(text.encode("utf-8", errors="surrogatepass"))
