"""What was found, as text for people and as a document for monitoring."""

import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from cospaced import __version__
from cospaced.doctor.base import Finding, Severity, command_of, counted
from cospaced.doctor.examination import Examined
from cospaced.domain.document import moment
from cospaced.host.printable import printable


_MARKS = {
    Severity.OK: "ok",
    Severity.NOTE: "note",
    Severity.WARNING: "WARNING",
    Severity.ERROR: "ERROR",
}
_COLOURS = {Severity.WARNING: "33;1", Severity.ERROR: "31;1", Severity.OK: "32"}
_INDENT = 10
_NARROWEST = 60


def worst(examined: Sequence[Examined]) -> Severity:
    """Return the worst severity of all findings."""
    found = (finding.severity for one in examined for finding in one.findings)
    return max(found, default=Severity.OK)


def text(examined: Sequence[Examined], *, width: int, coloured: bool) -> str:
    """Return findings by area, in their order, remedies below; a summary is the last line."""
    lines: list[str] = []
    area = None
    for one in examined:
        if one.check.area is not area:
            area = one.check.area
            lines += ["", str(area)] if lines else [str(area)]
        for finding in map(_shown, one.findings):
            lines += _lines(one.check.title, finding, max(width, _NARROWEST), coloured=coloured)
    return "\n".join([*lines, "", summary(examined)])


def _shown(finding: Finding) -> Finding:
    """Return a finding as a terminal may show it: calendars and servers are cited in it."""

    def fit(words: str) -> str:
        return " ".join(map(printable, words.splitlines()))

    seen, remedy, subject = map(fit, (finding.seen, finding.remedy, finding.subject))
    return replace(finding, seen=seen, remedy=remedy, subject=subject)


def summary(examined: Sequence[Examined]) -> str:
    """Return how many findings of each severity there are, in a sentence."""
    counts = _counts(examined)
    told = {severity: counted(counts[severity], severity.name.lower()) for severity in Severity}
    checks, notes = counted(len(examined), "check"), told[Severity.NOTE]
    if worst(examined) < Severity.WARNING:
        return f"{checks}: all is well, {notes}."
    wrong = [told[one] for one in (Severity.ERROR, Severity.WARNING) if counts[one]]
    return f"{checks}: {', '.join(wrong)}, {notes}."


def document(examined: Sequence[Examined], now: datetime) -> dict[str, Any]:
    """Return everything for `doctor --json`.

    Keys: version, at, worst, counts (by severity), findings, each with check, title, area,
    severity, subject, seen, remedy, command (that of the remedy, to be typed as it stands).
    """
    counts = _counts(examined)
    return {
        "version": __version__,
        "at": moment(now),
        "worst": worst(examined).name.lower(),
        "counts": {severity.name.lower(): counts[severity] for severity in Severity},
        "findings": [
            {
                "check": one.check.slug,
                "title": one.check.title,
                "area": str(one.check.area),
                "severity": finding.severity.name.lower(),
                "subject": finding.subject,
                "seen": finding.seen,
                "remedy": finding.remedy,
                "command": command_of(finding.remedy)[0],
            }
            for one in examined
            for finding in one.findings
        ],
    }


def _counts(examined: Sequence[Examined]) -> Counter[Severity]:
    return Counter(finding.severity for one in examined for finding in one.findings)


def _lines(title: str, finding: Finding, width: int, *, coloured: bool) -> Iterator[str]:
    mark = _MARKS[finding.severity].ljust(_INDENT - 2)
    colour = _COLOURS.get(finding.severity)
    if coloured and colour:
        mark = f"\x1b[{colour}m{mark}\x1b[0m"
    about = f"{title}, {finding.subject}" if finding.subject else title
    seen = textwrap.wrap(f"{about}: {finding.seen}", width - _INDENT, break_on_hyphens=False)
    for number, line in enumerate(seen):
        yield f"  {mark}{line}" if not number else " " * _INDENT + line
    if finding.remedy:
        yield from _remedy(finding.remedy, width)


def _remedy(remedy: str, width: int) -> Iterator[str]:
    """Yield a remedy: a command on a line of its own, however long, to be pasted as it stands."""
    first, rest = " " * _INDENT + "-> ", " " * (_INDENT + 3)
    command, words = command_of(remedy)
    if command:
        yield f"{first}{command}"
    yield from textwrap.wrap(
        f"({words})" if command and words else words,
        width,
        initial_indent=rest if command else first,
        subsequent_indent=rest,
        break_on_hyphens=False,
        break_long_words=False,
    )
