"""Room calendars written one by one, as servers that are not in step show a change."""

from datetime import datetime, timedelta

from support.site import Invitation, Site


def calendar_text(*events: Invitation | str) -> str:
    """Return a calendar of invitations, or of VEVENTs as text."""
    texts = [event if isinstance(event, str) else event.text() for event in events]
    head = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//cospaced//tests//EN\r\n"
    return head + "".join(texts) + "END:VCALENDAR\r\n"


def write(site: Site, room: str, *events: Invitation | str) -> None:
    """Write one room's calendar anew."""
    (site.folder / f"{room}.ics").write_text(calendar_text(*events), newline="")


def series(
    start: datetime,
    *,
    uid: str = "series@example.org",
    rule: str = "FREQ=DAILY;COUNT=5",
    minutes: float = 30,
    sequence: int = 0,
    lines: str = "",
    organizer: str = "ada@example.org",
) -> str:
    """Return a recurring VEVENT; `lines` end in CRLF."""
    end = start + timedelta(minutes=minutes)
    return (
        f"BEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20261101T000000Z\r\n"
        f"DTSTART:{start:%Y%m%dT%H%M%SZ}\r\nDTEND:{end:%Y%m%dT%H%M%SZ}\r\nSUMMARY:Daily\r\n"
        f"SEQUENCE:{sequence}\r\nRRULE:{rule}\r\n{lines}"
        f"ORGANIZER:mailto:{organizer}\r\nEND:VEVENT\r\n"
    )


async def seen(site: Site, seconds: float = 8) -> None:
    """Have the calendars read now, and give what follows from it some time."""
    assert site.machine is not None
    site.machine.polling.hurry(site.rooms)
    await site.clock.sleep(seconds)
