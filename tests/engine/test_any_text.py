"""Whatever a calendar calls an event, or whoever it says invites: the conference is held."""

from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cospaced.calendars.ical_source import IcalSource
from cospaced.domain.calendar import Reading
from cospaced.domain.clean_text import clean
from cospaced.domain.timespan import Timespan
from cospaced.ports import CalendarSource
from cospaced.settings import ConferenceSettings, RoomSettings, TitleMode
from support.site import Site
from support.stories import MINUTE, booked, play_on, rings
from support.virtual import InlineOffload


@dataclass
class Worded:
    """A source that finds other words in its calendars, as no file could hold them."""

    inner: IcalSource
    words: dict[str, str]

    async def poll(self, room: RoomSettings, previous: Reading | None, window: Timespan) -> Reading:
        reading = await self.inner.poll(room, previous, window)
        found = (replace(o, **self.words) for o in reading.occurrences)  # type: ignore[arg-type]
        return replace(reading, occurrences=tuple(found))

    async def close(self) -> None:
        await self.inner.close()


class WordedSite(Site):
    words: dict[str, str]

    def sources(self, offload: InlineOffload) -> dict[str, CalendarSource]:
        return {"files": Worded(self.source(offload), self.words)}


def held(folder: Path, words: dict[str, str], terms: ConferenceSettings) -> WordedSite:
    """Hold a conference that is called so, with a restart in it; check that it was held."""

    async def story(site: WordedSite) -> None:
        site.words = words
        one = booked(site, minutes=10)
        async with site.running():
            await site.until(one.start - MINUTE)
        async with site.running():
            await site.until(one.start + MINUTE)
            assert site.endpoint("aula").connected
            assert site.endpoint("boardroom").connected
            await site.until(one.end + MINUTE)

    site = play_on(WordedSite, folder, story, terms=terms)
    assert rings(site, "aula", "boardroom") == [1, 1]
    worse = [told for told in site.events if told[2]["level"] not in ("info", "debug")]
    assert not worse
    site.assert_all_closed()
    return site


any_text = st.text(st.characters(exclude_categories=()), max_size=40)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(title=any_text, organizer=any_text, name=any_text, uid=any_text, shown=...)
def test_any_text_whatsoever_opens_rings_and_closes(
    title: str, organizer: str, name: str, uid: str, shown: TitleMode
) -> None:
    words = {"title": title, "organizer": organizer, "organizer_name": name, "uid": uid}
    with TemporaryDirectory() as folder:
        held(Path(folder), words, ConferenceSettings(title=shown))


@pytest.mark.parametrize(
    "title", ["bell \x07 x", "cut \ud83d", "\x1b]0;owned\x07", "a\u202eb", "no \uffff"], ids=ascii
)
def test_a_title_that_no_document_can_hold_is_shown_without_what_is_wrong_with_it(
    tmp_path: Path, title: str
) -> None:
    site = held(tmp_path, {"title": title}, ConferenceSettings())
    assert site.bookings()[0].title == clean(title)
    assert not site.happened("space.undecorated")


def test_what_an_earlier_release_stored_as_it_came_is_cleaned_at_the_start(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        one = booked(site)
        async with site.running():
            await site.until(one.start - 8 * MINUTE)
        for room, reading in (await site.store.readings()).items():
            old = tuple(replace(o, title="bell \x07 x") for o in reading.occurrences)
            await site.store.save_reading(room, replace(reading, occurrences=old))
        async with site.running():
            # Its file did not change, so nothing of it is read anew.
            await site.until(one.start + MINUTE)
            assert site.bookings()[0].title == "bell \ufffd x"
            assert site.endpoint("aula").connected
            await site.until(one.end + MINUTE)

    site = play_on(Site, tmp_path, story)
    assert not site.happened("space.undecorated")
