"""The errors that cross a port; each class says what the caller does next.

- `CospacedError`: never raised itself.
    - `ConfigurationError`: the administrator must change the file; carries every problem found.
    - `CalendarError`: this room cannot be read now; its last good snapshot stays.
    - `Unreachable`: a Call Bridge gave no answer one can use; what it holds is unknown.
    - `ApiError`: a Call Bridge answered a *read* with a failure reason.
    - `StoreConflict`: somebody else changed the row, or holds the slot; load and decide again.
    - `StoreUnusable`: the state file can be neither read nor written.
    - `PoolUnsettled`: the range of numbers must be settled by a person before anything is written.

Exceptions do not log. Foreign exceptions become one of these in the adapter that met them.
"""

from dataclasses import dataclass
from datetime import timedelta


class CospacedError(Exception):
    """Root of the project's own errors; its text is a sentence for the journal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong with a configuration file, and what to write instead.

    `line` is 0 where no single line is at fault (a needed key that is missing).
    """

    file: str
    line: int
    section: str
    key: str
    text: str

    def __str__(self) -> str:
        where = " ".join(part for part in (f"[{self.section}]", self.key) if part not in ("[]", ""))
        return ": ".join(part for part in (f"{self.file}:{self.line}", where, self.text) if part)


class ConfigurationError(CospacedError):
    """A configuration that cannot be used; `problems` holds every one found, in file order."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class CalendarError(CospacedError):
    """A calendar could not be read, parsed or trusted.

    `kind` is one stable word for keys and tests (`timeout`, `login`, `certificate`, `not_found`,
    `truncated`, `not_a_calendar`, `too_large`, `hung`, `redirect`, `unreachable`, `unreadable`,
    `throttled`). `after`: the source asks not to be asked again before. `shared`: the fault is
    that of the whole `[calendar:NAME]` (its login), whichever room it was met with. `remedy` is
    what to do, apart from `seen`, what is wrong; None where `seen` may tell both in one sentence.
    """

    def __init__(
        self,
        kind: str,
        text: str,
        *,
        after: timedelta | None = None,
        shared: bool = False,
        remedy: str | None = None,
    ) -> None:
        super().__init__(f"{text} ({remedy})" if remedy else text)
        self.kind = kind
        self.seen = text
        self.remedy = remedy
        self.after = after
        self.shared = shared


class Unreachable(CospacedError):
    """A Call Bridge did not answer in time, or not with an answer of the API.

    `kind`: `timeout`, `connection`, `certificate`, `login`, `busy` (503), `nonsense`.
    """

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


class ApiError(CospacedError):
    """A Call Bridge refused a read; `reason` is its failureReason or `status 4xx`."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class StoreConflict(CospacedError):
    """A compare-and-set failed: the row's version moved on, or the slot is taken in that window."""


class StoreUnusable(CospacedError):
    """The state file cannot be used: newer than this program, locked by another, disk full."""


class PoolUnsettled(CospacedError):
    """The pool's range holds something that is not ours; the text says what and the remedy."""
