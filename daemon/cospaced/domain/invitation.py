"""What guests are told of a booking: number, URI, passcode, join link."""

from datetime import datetime
from typing import Any

from cospaced.domain.booking import Booking, State
from cospaced.domain.document import document
from cospaced.domain.trouble import trouble, unopened
from cospaced.settings import Settings


CMS_2_PAGE = "/invited.sf"
"""The page of CMS 2's Web Bridge; a `web_bridge` that ends so gets links of its form."""


def join_link(web_bridge: str, number: str, secret: str) -> str:
    """Return the link by which a browser joins; empty where there is no Web Bridge.

    CMS 3: `…/meeting/CALLID?secret=SECRET`. CMS 2: `…/invited.sf?secret=SECRET&id=CALLID`, where
    the address is written with that page.
    """
    if not web_bridge:
        return ""
    if web_bridge.endswith(CMS_2_PAGE):
        return f"{web_bridge}?secret={secret}&id={number}"
    return f"{web_bridge}/meeting/{number}?secret={secret}"


def invitation(
    booking: Booking, settings: Settings, now: datetime, *, observing: bool = False
) -> dict[str, Any]:
    """Return the document of `cospaced invite`; it holds the passcode and the secret's link.

    Keys: booking (as `document`), numeric_id, uri (both None without a number), passcode, link
    (empty where there is none), warning (a sentence; empty where the invitation holds).
    """
    shown = document(booking, settings)
    number = shown["numeric_id"]
    link = join_link(settings.cms.web_bridge, number, booking.secret) if number else ""
    return {
        "booking": shown,
        "numeric_id": number,
        "uri": shown["uri"],
        "passcode": booking.passcode if number else "",
        "link": link,
        "warning": _warning(booking, now, observing=observing),
    }


def _warning(booking: Booking, now: datetime, *, observing: bool) -> str:
    if booking.state in (State.CLOSED, State.CANCELLED, State.MISSED, State.REFUSED):
        why = f" ({booking.reason})" if booking.reason else ""
        return f"nobody can join it: it is {booking.state}{why}"
    if observing:
        return "nobody can join it: the daemon only observes, and opens nothing on CMS"
    if booking.closing or booking.cancelled_at is not None:
        return "it is being closed"
    if why := unopened(booking, now):
        return f"nobody can join it now: {why}"
    return trouble(booking, now)
