"""The pool of numbers in values: what we claim, what was seen, how each number stands.

`cospaced.domain.pool_survey` judges and `cospaced.engine.pool` carries out. Two troubles are told
apart: a *clash* costs its own number (somebody's space happens to stand there), *unsettled* stops
everything (somebody else works on this range: another cospaced, TMS) until a person settles it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from cospaced.domain.seen import SeenSpace, SpaceSummary


BULK_FROM = 21
"""As many missing numbers in a row are made by one bulk sync; fewer by one POST each."""

BULK_MOST = 1000
"""More than this is made by several; CMS has a limit (failedIndexRangeTooGreat) and hides it."""

_SITE_PROFILE = "cospaced "


def site_profile_name(site_id: str) -> str:
    """Return the name of the call leg profile that marks the slots of one site."""
    return f"{_SITE_PROFILE}{site_id}"


class Standing(StrEnum):
    """How a number stands."""

    MISSING = "missing"
    CLOSED = "closed"
    """Ours and locked."""
    OPEN = "open"
    """Ours; has guest access or a booking's cdrTag."""
    ADOPTABLE = "adoptable"
    """Named `adopt_prefix` + number and free of what is never written."""
    CLASH = "clash"
    UNSETTLED = "unsettled"


_HELD = (Standing.CLOSED, Standing.OPEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How one number stands; `space` where a single look was taken, `why` for the two troubles."""

    number: int
    standing: Standing
    space: SeenSpace | None = None
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """Everything by which a space is recognised as ours or as somebody else's.

    `leg_profiles` maps the id of every call leg profile on CMS to its name (empty: none).
    `known_profile` is the call leg profile that we remember having made, `given_profile` the one
    that the configuration names; both may be empty. `ours` says of a cdrTag whether it is the id
    of one of our bookings.
    """

    site_id: str
    prefix: str
    adopt_prefix: str = ""
    leg_profiles: Mapping[str, str]
    known_profile: str = ""
    given_profile: str = ""
    ours: Callable[[str], bool]

    def stranger(self, leg_profile: str) -> str:
        """Return the name of another site's call leg profile; empty where it is none."""
        name = self.leg_profiles.get(leg_profile, "")
        if leg_profile == self.given_profile or not name.startswith(_SITE_PROFILE):
            return ""
        # The name goes before the memory: a state file copied to a second machine remembers
        # the first one's profile.
        return "" if name == site_profile_name(self.site_id) else name

    def marked(self, leg_profile: str) -> bool:
        """Whether only a space of ours carries this call leg profile (a given one proves less)."""
        if self.leg_profiles.get(leg_profile) == site_profile_name(self.site_id):
            return True
        if not leg_profile or leg_profile == self.given_profile or self.stranger(leg_profile):
            return False
        return leg_profile == self.known_profile

    def tagged(self, cdr_tag: str) -> bool:
        """Whether a cdrTag is the id of one of our bookings."""
        return bool(cdr_tag) and self.ours(cdr_tag)

    def made_here(self, space: SeenSpace) -> bool:
        """Whether a slot carries the profile, made or given, that all slots of our making do."""
        profile = space.call_leg_profile
        return bool(profile) and (profile == self.given_profile or self.marked(profile))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What was seen on CMS; `details` by space id holds the candidates that still exist.

    `peopled` are the spaces with members, `busy` those with a call.
    """

    spaces: Sequence[SpaceSummary]
    details: Mapping[str, SeenSpace] = field(default_factory=dict)
    peopled: frozenset[str] = frozenset()
    busy: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """The verdicts on all numbers asked about, by number."""

    verdicts: tuple[Verdict, ...]

    def of(self, *standings: Standing) -> tuple[Verdict, ...]:
        """Return the verdicts of these standings, by number."""
        return tuple(v for v in self.verdicts if v.standing in standings)

    @property
    def missing(self) -> tuple[int, ...]:
        """Numbers on which nothing stands."""
        return tuple(v.number for v in self.of(Standing.MISSING))

    @property
    def held(self) -> tuple[Verdict, ...]:
        """The numbers that are ours, closed or open."""
        return self.of(*_HELD)

    @property
    def unsettled(self) -> str:
        """What must be settled by a person, with the remedy; empty: nothing."""
        numbers: dict[str, list[int]] = {}
        for verdict in self.of(Standing.UNSETTLED):
            numbers.setdefault(verdict.why, []).append(verdict.number)
        return " ".join(f"Numbers {spans(found)}: {why}." for why, found in numbers.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One number and its space; `why` says why it is not usable."""

    number: int
    space: str
    usable: bool = True
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slots:
    """The pool as it stands. What is not in `by_number` is never written.

    `by_number` holds the usable slots and, not usable, open ones that a smaller range has left
    outside (they are still to be closed). `open` are the slots found open, inside and outside,
    for recovery. `clashes` are numbers of the range lost to somebody's space (whose id they
    carry, where it is known), `missing` those that were only looked at and not made.
    """

    by_number: Mapping[int, Slot]
    open: tuple[SeenSpace, ...] = ()
    usable: tuple[int, ...] = ()
    call_leg_profile: str = ""
    made: int = 0
    found: int = 0
    clashes: tuple[Slot, ...] = ()
    missing: tuple[int, ...] = ()


def runs(numbers: Iterable[int]) -> tuple[range, ...]:
    """Return the unbroken runs of these numbers, ascending."""
    found: list[range] = []
    for number in sorted(numbers):
        if found and found[-1].stop == number:
            found[-1] = range(found[-1].start, number + 1)
        else:
            found.append(range(number, number + 1))
    return tuple(found)


def bulk_runs(numbers: range, missing: Sequence[int]) -> tuple[range, ...]:
    """Return the runs to be made by bulk syncs: an empty pool, or long gaps of a larger one."""
    whole = len(missing) == len(numbers)
    long = [run for run in runs(missing) if whole or len(run) >= BULK_FROM]
    return tuple(
        run[begin : begin + BULK_MOST] for run in long for begin in range(0, len(run), BULK_MOST)
    )


def spans(numbers: Iterable[int]) -> str:
    """Return numbers as a person writes them: `1001-1004, 1009`."""
    return ", ".join(
        str(run.start) if len(run) == 1 else f"{run.start}-{run.stop - 1}" for run in runs(numbers)
    )
