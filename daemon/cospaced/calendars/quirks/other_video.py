"""Links of other video services, which each producer writes where it likes.

Teams in DESCRIPTION and X-MICROSOFT-SKYPETEAMSMEETINGURL, Meet in X-GOOGLE-CONFERENCE, Zoom and
Webex in LOCATION, CONFERENCE (RFC 7986) or URL: every line of the event is looked at.
"""

import re
from collections.abc import Iterable


MARK = "X-COSPACED-OTHER-VIDEO"
"""Stands in reduced events for the link that was found."""

_HINTS = ("teams.", "zoom", "webex.com", "meet.google.com", "gov.teams", "skypeteams")
_LINKS = re.compile(
    r"teams\.(?:microsoft\.(?:com|us)|live\.com|cloud\.microsoft)/(?:l/meetup-join|meet)"
    r"|\bzoom(?:gov)?\.(?:us|com|com\.cn)/(?:j|my|w|s|wc|meeting)/"
    r"|https?://(?!help\.|www\.)[\w.-]+\.webex\.com/"
    r"|\bmeet\.google\.com/[a-z]"
    r"|^x-microsoft-skypeteamsmeetingurl[;:]",
)


def found_in(lines: Iterable[str]) -> bool:
    """Whether an event's lines carry such a link (or its mark)."""
    for line in lines:
        low = line.lower()
        if any(hint in low for hint in _HINTS) and _LINKS.search(low):
            return True
    return False
