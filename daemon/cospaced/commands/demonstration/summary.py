"""The end of the demo: every promise, kept or not, and the figures behind them."""

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cospaced.commands.demonstration.evidence import Held
from cospaced.commands.demonstration.performance import Verdict
from cospaced.commands.demonstration.witness import Kind


_ERRORS = 5
"""How many of the daemon's last errors are shown; `--keep` keeps its whole log."""


def show(verdict: Verdict, console: Console) -> None:
    """Print the summary."""
    table = Table(box=None, show_header=False, padding=(0, 1, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(ratio=1)
    table.add_column(justify="right", style="dim")
    for promise in verdict.promises:
        word = Text("PASS", "bold green") if promise.kept else Text("FAIL", "bold white on red")
        table.add_row(word, promise.text, promise.counted)
    console.print(Text("\ncospaced demo: what was promised, and what CMS saw", "bold"))
    console.print(table)
    console.print()
    for line in _figures(verdict):
        console.print(Text(line))
    for error in verdict.facts.errors[-_ERRORS:]:
        console.print(Text(f"the daemon said: {error}", "red"))
    broken = sum(not promise.kept for promise in verdict.promises)
    if broken:
        text = f"FAIL: {broken} of {len(verdict.promises)} promises broken"
        console.print(Text(f"{text} (with --keep, daemon.log tells more)", "bold red"))
    else:
        console.print(Text(f"PASS: all {len(verdict.promises)} promises kept", "bold green"))


def _figures(verdict: Verdict) -> Iterator[str]:
    facts = verdict.facts
    for held in facts.held:
        yield f"{held.title + ':':<16} {_writes(held)}"
    writes = facts.pool_writes + sum(sum(held.writes.values()) for held in facts.held)
    yield (
        f"CMS was asked {facts.requests} times: {writes} writes ({facts.pool_writes} for the "
        f"pool), {facts.requests - writes} looks."
    )
    if not facts.held:
        return
    yield "Cisco TMS, as recorded: 11 requests (3 writes) to open and dial one room,"
    yield "and 6 (2 writes) to close it."


def _writes(held: Held) -> str:
    counts = held.writes
    parts = [
        f"{word} {counts[kind]}"
        for kind, word in (
            (Kind.OPEN, "open and extend"),
            (Kind.CALL, "call"),
            (Kind.DIAL, "dial"),
            (Kind.DROP, "free"),
            (Kind.MESSAGE, "warn"),
        )
        if counts[kind]
    ]
    parts.append(f"close {counts[Kind.CLOSE] + counts[Kind.END]}")
    return f"{sum(counts.values())} writes ({', '.join(parts)})"
