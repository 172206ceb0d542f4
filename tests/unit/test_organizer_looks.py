"""Whom a look that failed is laid to, in virtual time."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from cospaced.calendars.organizer_copies import Ledger, Version
from cospaced.calendars.organizer_looks import AGAIN, Answers, Mended, OrganizerLooks, Shown
from cospaced.domain.calendar import Occurrence
from cospaced.domain.spoilt_title import Event, OwnCopy
from cospaced.errors import CalendarError
from support.virtual import START, VirtualClock, run_virtually


AULA = "aula@example.org"
PEOPLE = ["ada@example.org", "grace@example.org", "joan@example.org"]
UIDS = [f"040000008200E00074C5B7101A82E008{n:048X}" for n in range(len(PEOPLE))]
SHOWN = Shown(
    mailbox=AULA,
    occurrences=tuple(
        Occurrence(
            uid=uid,
            start=START + timedelta(days=1, hours=n),
            end=START + timedelta(days=1, hours=n + 1),
            title="",
            organizer=who,
        )
        for n, (uid, who) in enumerate(zip(UIDS, PEOPLE, strict=True))
    ),
    versions=(Version(change_key="one"),) * len(PEOPLE),
)


class Exchange:
    """Where looks at the copies of one organizer end the whole look, with this error."""

    def __init__(self, at: str, error: CalendarError) -> None:
        self.at = at
        self.error = error
        self.asked: list[str] = []

    async def look(self, events: Sequence[Event], _: float) -> Answers:
        self.asked = [organizer for organizer, _ in events]
        if self.at in self.asked:
            raise self.error
        return Answers(found={event: OwnCopy(title="Planning") for event in events})


def titles(mended: Mended) -> list[str]:
    return [one.title for one in mended.occurrences]


@pytest.mark.parametrize("kind", ["timeout", "hung", "unreadable"])
@pytest.mark.parametrize("at", range(len(PEOPLE)))
def test_an_organizer_at_whom_looks_hang_does_not_starve_the_others(kind: str, at: int) -> None:
    exchange = Exchange(PEOPLE[at], CalendarError(kind, "it did not end"))  # type: ignore[arg-type] # by name

    async def main(clock: VirtualClock) -> None:
        looks = OrganizerLooks(clock)
        ledger: Ledger = {}
        for _ in range(20):
            mended = await looks.mended(SHOWN, ledger, exchange.look, 10)
            ledger = mended.ledger
            await clock.sleep(AGAIN.total_seconds() / 2)
        wanted = ["" if who == exchange.at else "Planning" for who in PEOPLE]
        assert titles(mended) == wanted

    run_virtually(main)


@pytest.mark.parametrize("how", [{"shared": True}, {"after": AGAIN}], ids=["login", "rest"])
def test_what_holds_for_all_is_laid_to_nobody_and_asks_nobody_for_a_while(
    how: dict[str, object],
) -> None:
    exchange = Exchange(PEOPLE[1], CalendarError("login", "not now", **how))  # type: ignore[arg-type] # by name

    async def main(clock: VirtualClock) -> None:
        looks = OrganizerLooks(clock)
        mended = await looks.mended(SHOWN, {}, exchange.look, 10)
        assert titles(mended) == ["", "", ""]
        assert not looks.pending(mended.ledger)
        exchange.at = ""
        await clock.sleep(AGAIN.total_seconds())
        mended = await looks.mended(SHOWN, mended.ledger, exchange.look, 10)
        assert exchange.asked == PEOPLE
        assert titles(mended) == ["Planning"] * 3

    run_virtually(main)
