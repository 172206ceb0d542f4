"""What the benchmarks share: tables, and what a process has used so far (read from /proc)."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path


TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
MIB = 1 << 20


def tell(line: str = "") -> None:
    """Print one line, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows under a head; the first column is left-aligned, numbers are given short."""
    lines = [list(head), *([shown(cell) for cell in row] for row in rows)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(head))]
    for line in lines:
        cells = [line[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)]
        tell("  ".join(cells).rstrip())
    tell()


def shown(cell: object) -> str:
    """Write a cell: three significant digits of a float, nothing for None."""
    if cell is None:
        return ""
    if isinstance(cell, float):
        return f"{cell:,.0f}" if abs(cell) >= 100 else f"{cell:.3g}"
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


def ratio(ours: float, theirs: float) -> str:
    """Write how many times `theirs` ours is."""
    return f"{ours / theirs:.2f} x" if theirs else ""


def cpu_seconds(pid: int) -> float:
    """Return the CPU time a living process has used, in user and kernel mode."""
    return _ticks(pid, 11) / TICKS


def children_cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process's children, of those that ended too."""
    return _ticks(pid, 13) / TICKS + sum(cpu_seconds(child) for child in children(pid))


def _ticks(pid: int, first: int) -> int:
    """Add two neighbouring fields of stat; they count from behind the process's name."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[first]) + int(fields[first + 1])


def rss_mib(pid: int) -> float:
    """Return a process's resident set in MiB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE / MIB


def children(pid: int) -> list[int]:
    """Return the processes that a process started and that live."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += [int(child) for child in (task / "children").read_text().split()]
    return found
