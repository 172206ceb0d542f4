"""The servers that the configuration names besides CMS; no check."""

from urllib.parse import urlsplit

from cospaced.host.probe import Server
from cospaced.settings import Settings, SourceType


def calendar_servers(settings: Settings) -> tuple[Server, ...]:
    """Return each server that calendars are read from, once, in the order of the rooms."""
    found: dict[tuple[str, str], Server] = {}
    for room in settings.rooms:
        calendar = settings.calendar(room.calendar)
        graph = calendar.graph_url if calendar.type is SourceType.GRAPH else ""
        for url in (room.url, calendar.server, graph):
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
