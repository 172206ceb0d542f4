#!/usr/bin/env python3
"""Make the manual pages and the shell completions from what the program says of itself.

`make documents` runs it; a test holds the committed files to it. The commands and their options
come from the command line's own help, the keys from config/cospaced.ini.example.
"""

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

import click
from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

from cospaced.commands.cli import COMMANDS, cli


HERE = Path(__file__).parent
EXAMPLE = HERE.parent / "config" / "cospaced.ini.example"
COMPLETIONS: dict[str, type[ShellComplete]] = {
    "cospaced.bash": BashComplete,
    "_cospaced": ZshComplete,
    "cospaced.fish": FishComplete,
}

MENDED = {
    # A room's name may hold blanks: it is one word, unless it is being quoted already.
    "COMPREPLY+=($value)": r"""[[ ${COMP_WORDS[COMP_CWORD]} == [\'\"]* ]] ||
                printf -v value %q "$value"
            COMPREPLY+=("$value")""",
    # And commas, as help does.
    'string split "," $completion': 'string split --max 1 "," $completion',
}
"""What the command line library's scripts get wrong, and what is written instead."""


def documents() -> dict[Path, str]:
    """Return every made file by its path under contrib/."""
    manual = (HERE / "man" / "cospaced.8.in").read_text()
    keys = (HERE / "man" / "cospaced.ini.5.in").read_text()
    found = {
        Path("man/cospaced.8"): manual.replace("@COMMANDS@", "\n".join(_commands())),
        Path("man/cospaced.ini.5"): keys.replace("@SECTIONS@", "\n".join(_sections())),
    }
    for name, kind in COMPLETIONS.items():
        shell = kind(cli, {}, "cospaced", "_COSPACED_COMPLETE")
        text = kind.source_template % shell.source_vars()
        for wrong, right in MENDED.items():
            text = text.replace(wrong, right)
        found[Path("completion") / name] = f"{text.strip()}\n"
    return found


# --- cospaced.8 -------------------------------------------------------------------------------


def _commands() -> Iterator[str]:
    yield ".Bl -tag -width Ds"
    with click.Context(cli) as context:
        for name in COMMANDS:
            command = cli.get_command(context, name)
            if command is not None:
                yield from _command(name, command)
    yield ".El"


def _command(name: str, command: click.Command) -> Iterator[str]:
    options = [one for one in command.params if isinstance(one, click.Option)]
    arguments = [one for one in command.params if isinstance(one, click.Argument)]
    yield " ".join(
        (
            f".It Cm {name}",
            *(f"Oo {_flags(one)} Oc" for one in options),
            *(f"Ar {one.human_readable_name}" for one in arguments),
        )
    )
    paragraphs = (command.help or "").strip().split("\n\n")
    for number, paragraph in enumerate(paragraphs):
        if number:
            yield ".Pp"
        yield from _prose(" ".join(paragraph.split()))
    told = [one for one in options if one.help and one.name != "file"]
    if told:
        yield ".Bl -tag -width Ds"
        for one in told:
            yield f".It {_flags(one)}"
            yield from _prose(_option_help(one))
        yield ".El"


def _flags(option: click.Option) -> str:
    """Return an option's names and its value in mdoc."""
    shown = option.opts[:1] if option.name == "file" else option.opts
    names = " , ".join(
        f"Fl Fl {name[2:]}" if name.startswith("--") else f"Fl {name[1:]}" for name in shown
    )
    if option.is_flag:
        return names
    value = option.metavar or ("FILE" if option.name == "file" else str(option.name).upper())
    return f"{names} Ar {value}"


def _option_help(option: click.Option) -> str:
    text = option.help or ""
    if option.show_default and option.default is not None and not option.is_flag:
        return f"{text} Default: {option.default}."
    return text


# --- cospaced.ini.5 ---------------------------------------------------------------------------


def _sections() -> Iterator[str]:
    listing = False
    bridge = False
    for block in re.split(r"\n\n+", EXAMPLE.read_text()):
        lines = block.splitlines()
        header = next((one for one in lines if re.fullmatch(r"#?\[[^\]]+\]", one)), "")
        comment = [one[2:] if one.startswith("# ") else "" for one in lines if _comment(one)]
        keys = [one.lstrip("#") for one in lines if re.fullmatch(r"#?[a-z_]+ =.*", one)]
        if header:
            if listing:
                yield ".El"
            bridge = header.startswith("#[bridge")
            yield f".Ss {_title(header)}\\&"
            yield from _text(comment)
            yield ".Bl -tag -width Ds"
            listing = True
            comment = []
        if keys and listing:
            yield from _keys(keys, comment, plain=bridge)
    yield ".El"


def _comment(line: str) -> bool:
    return line == "#" or line.startswith("# ")


def _title(header: str) -> str:
    """Return a section's title, its example name replaced."""
    return re.sub(r":[^\]]+", ":NAME", header.lstrip("#"))


def _keys(keys: list[str], comment: list[str], *, plain: bool) -> Iterator[str]:
    for number, line in enumerate(keys):
        key, _, value = line.partition(" =")
        shown = f"{key} = {value.strip()}" if value.strip() and not plain else key
        yield f'.It Ic "{_escaped(shown)}"'
        if number < len(keys) - 1:
            yield "\\&"
    yield from _text(comment) if comment else iter(("\\&",))


def _text(lines: list[str]) -> Iterator[str]:
    """Return a comment as running text, its indented lines as they stand."""
    running: list[str] = []
    literal: list[str] = []
    for line in [*lines, ""]:
        if line.startswith("  ") or (literal and line.startswith(" ")):
            yield from _prose(" ".join(running))
            running = []
            literal.append(line)
            continue
        if literal:
            yield ".Bd -literal -compact"
            yield from map(_escaped, literal)
            yield ".Ed"
            literal = []
        running.append(line)
    yield from _prose(" ".join(running))


def _prose(text: str) -> Iterator[str]:
    """Return sentences, each on a line of its own as mdoc wants them."""
    for sentence in re.split(r"(?<=[^\s.][.:?]) +(?=[A-Z])", " ".join(text.split())):
        for line in textwrap.wrap(sentence, 79, break_long_words=False, break_on_hyphens=False):
            yield _escaped(line)


def _escaped(text: str) -> str:
    safe = text.replace("\\", "\\e").replace('"', "\\(dq")
    return f"\\&{safe}" if safe[:1] in (".", "'") else safe


def main() -> None:
    """Write the files."""
    for path, text in documents().items():
        (HERE / path).write_text(text)
        print(f"contrib/{path}")


if __name__ == "__main__":
    main()
