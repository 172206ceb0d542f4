"""Microsoft's clouds: in each, tokens are had at one place, and hold at another.

From Microsoft, "National cloud deployments"; GCC is in the worldwide one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloud:
    """The hosts that authority and graph_url name in it."""

    logins: Sequence[str]
    graphs: Sequence[str]


_CLOUDS = (
    Cloud(
        logins=("login.microsoftonline.com", "login.microsoft.com", "login.windows.net"),
        graphs=("graph.microsoft.com",),
    ),
    Cloud(
        logins=("login.microsoftonline.us",),
        graphs=("graph.microsoft.us", "dod-graph.microsoft.us"),
    ),
    Cloud(
        logins=("login.partner.microsoftonline.cn", "login.chinacloudapi.cn"),
        graphs=("microsoftgraph.chinacloudapi.cn",),
    ),
)


def apart(authority: str, graph_url: str) -> tuple[Cloud, Cloud] | None:
    """Return the clouds of two addresses that do not go together.

    None where they do, or are none of Microsoft's, as those of tests.
    """
    login, graph = urlsplit(authority).hostname, urlsplit(graph_url).hostname
    of_login = next((cloud for cloud in _CLOUDS if login in cloud.logins), None)
    of_graph = next((cloud for cloud in _CLOUDS if graph in cloud.graphs), None)
    if of_login is None or of_graph is None or of_login is of_graph:
        return None
    return of_login, of_graph
