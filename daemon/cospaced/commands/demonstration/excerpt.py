"""What the screen shows of the administrator's file."""

from itertools import zip_longest

from rich.text import Text

from cospaced.commands.demonstration.site import ROOMS


_COLUMN = 38
_SHOWN = (("cms", "pool"), ("conferences", "room:Aula"))
"""Sections of the file that are shown, by column."""
_INSTEAD = ("conferences", "calendar:exchange")
"""A section that gives its place to another, in a file that has it: there is no room for both."""


def excerpt(configuration: str, *, tall: bool) -> list[Text]:
    """Return the INI file without its later rooms, in one column or in two."""
    sections: dict[str, list[str]] = {}
    name = ""
    for row in configuration.splitlines():
        name = row.strip("[]") if row.startswith("[") else name
        if row:
            sections.setdefault(name, []).append(row)
    if _INSTEAD[1] in sections:
        sections[_INSTEAD[0]] = sections[_INSTEAD[1]]
    columns = [[row for name in names for row in sections.get(name, ())] for names in _SHOWN]
    columns[-1].append(f"... and {len(ROOMS) - 1} more rooms")
    if tall:
        return [_coloured(row) for column in columns for row in column]
    pairs = zip_longest(*columns, fillvalue="")
    return [
        Text.assemble(
            *(_coloured(left), " " * (_COLUMN - len(left)), _coloured(right)),
            no_wrap=True,
            overflow="ellipsis",
        )
        for left, right in pairs
    ]


def _coloured(row: str) -> Text:
    key, equals, value = row.partition(" = ")
    if equals:
        return Text.assemble((key, "cyan"), " = ", (value, "bold"))
    return Text(row, "bold yellow" if row.startswith("[") else "dim")
