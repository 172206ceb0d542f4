"""Plain tables for the terminal, and for mails and tickets that people paste them into."""

from collections.abc import Sequence

from cospaced.commands.terminal import columns
from cospaced.host.printable import printable


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return rows under a head, columns aligned, no lines drawn."""
    every = [list(head), *([printable(str(cell)) for cell in row] for row in rows)]
    widths = [max(columns(row[column]) for row in every) for column in range(len(head))]
    lines = [
        "  ".join(
            cell + " " * (width - columns(cell)) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in every
    ]
    return "\n".join(lines)
