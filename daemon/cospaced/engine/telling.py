"""Log lines and story lines of bookings; what is private stays out of both."""

import structlog

from cospaced.domain.booking import Booking
from cospaced.domain.draft import Told
from cospaced.settings import Settings


log = structlog.get_logger()


def tell(booking: Booking, told: Told, settings: Settings) -> None:
    """Write the log line of one change."""
    keys = {key: value for key, value in told.keys.items() if value not in ("", None)}
    if settings.daemon.log_titles and not booking.private and booking.title:
        keys["title"] = booking.title
    getattr(log, told.level)(told.event, booking=booking.id, **keys)


def told_text(told: Told) -> str:
    """Put one change into words for the story."""
    keys = " ".join(f"{key}={value}" for key, value in told.keys.items() if value not in ("", None))
    return f"{told.event} {keys}".rstrip()
