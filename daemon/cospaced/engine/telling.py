"""Log lines and story lines of bookings; what is private stays out of both."""

from collections.abc import Iterable

import structlog

from cospaced.domain.booking import Booking
from cospaced.domain.draft import Told
from cospaced.domain.story import Line
from cospaced.host.messages import sentence
from cospaced.settings import Settings


log = structlog.get_logger()


def tell(booking: Booking, told: Told, settings: Settings) -> None:
    """Write the log line of one change."""
    keys = {key: value for key, value in told.keys.items() if value not in ("", None)}
    if settings.daemon.log_titles and not booking.private and booking.title:
        keys["title"] = booking.title
    getattr(log, told.level)(told.event, booking=booking.id, **keys)


def lines_of(kind: str, booking: str, told: Iterable[Told]) -> list[Line]:
    """Put changes into words for the story of a booking (its id), as the journal puts them."""
    return [(kind, _words(booking, one)) for one in told]


def _words(booking: str, told: Told) -> str:
    keys = {key: str(value) for key, value in told.keys.items() if value not in ("", None)}
    text = sentence(told.event, {**keys, "booking": booking})
    # In its own story a booking needs no name.
    return text.replace(f"Booking {booking}", "The booking").replace(
        f"booking {booking}", "the booking"
    )
