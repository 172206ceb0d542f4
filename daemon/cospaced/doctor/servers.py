"""The servers that the configuration names besides CMS; no check."""

from urllib.parse import urlsplit

from cospaced.host.probe import Server
from cospaced.settings import Settings


def calendar_servers(settings: Settings) -> tuple[Server, ...]:
    """Return each server that calendars are read from, once, in the order of the rooms."""
    found: dict[tuple[str, str], Server] = {}
    for room in settings.rooms:
        calendar = settings.calendar(room.calendar)
        for url in (room.url, calendar.server):
            at = origin(url)
            if at:
                server = Server(url=at, ca_file=calendar.ca_file, verify=calendar.verify)
                found.setdefault((at, str(calendar.ca_file)), server)
    return tuple(found.values())


def origin(url: str) -> str:
    """Return `https://host[:port]` of an address; empty where it is none of http or https."""
    usual = url.replace("webcals://", "https://", 1).replace("webcal://", "http://", 1)
    parts = urlsplit(usual)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}" if parts.scheme in _WEB else ""


_WEB = ("http", "https")
