"""How a booking is called where people see it: on screen, in `agenda`, in answers to commands."""

from cospaced.domain.booking import Booking, SpaceForm
from cospaced.settings import ConferenceSettings, PrivateMode, TitleMode


PRIVATE_TITLE = "Private meeting"  # the wording that calendars themselves use


def hidden(private: bool, terms: ConferenceSettings) -> bool:
    """Whether title and organizer must not be shown."""
    return private and terms.private is PrivateMode.HIDE


def title(booking: Booking, terms: ConferenceSettings) -> str:
    """Return what the conference is called on screen."""
    if hidden(booking.private, terms):
        return PRIVATE_TITLE
    organizer = booking.organizer_name or booking.organizer
    rooms = ", ".join(booking.rooms)
    wanted = {
        TitleMode.SUBJECT: booking.title,
        TitleMode.ORGANIZER: organizer,
        TitleMode.ROOM: rooms,
    }[terms.title]
    return wanted or booking.title or organizer or rooms


def organizer(booking: Booking, terms: ConferenceSettings) -> str:
    """Return the organizer's address, empty where it must not be shown."""
    return "" if hidden(booking.private, terms) else booking.organizer


def space_form(booking: Booking) -> SpaceForm:
    """Return what the booking's space is told while it is open, by the terms it opened with."""
    return SpaceForm(
        name=title(booking, booking.terms),
        passcode=booking.passcode,
        secret=booking.secret,
        cdr_tag=booking.id,
        scheduler=organizer(booking, booking.terms),
    )


def placeholder(prefix: str, number: int) -> str:
    """Return what a closed slot is called."""
    return f"{prefix}{number}"
