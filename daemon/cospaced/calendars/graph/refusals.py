"""What it means that Graph answers with something else than what was asked for; pure.

The error codes are those of Microsoft's "Error responses" page and of Exchange behind it.
"""

import json
from datetime import timedelta

from cospaced.calendars.web_answers import retry_after
from cospaced.errors import CalendarError
from cospaced.host.web import Answer


_USUAL_AFTER = timedelta(seconds=30)
_OUTAGE = "it is asked again by itself; where it stays so, see the service health of Microsoft 365"
_STRANGE = "see graph_url, and whether a proxy stands in the way"
_REFUSED = (
    "check graph_url, authority and tenant_id; where other rooms are read, the mailbox may be on"
    " premises: a calendar of type exchange reads it"
)
_POLICY = ("AppOnly AccessPolicy", "Access to OData is disabled")
"""What Exchange says where New-ApplicationAccessPolicy keeps an application out."""


class ListFault(CalendarError):
    """Graph fails at this one list; another of the same mailbox may be had all the same.

    A delta whose link is no longer known (410), or one that does not end.
    """


def asked_to_wait(answer: Answer) -> timedelta | None:
    """Return how long Graph asks to wait; None where it does not."""
    if answer.status not in (429, 503, 504):
        return None
    asked = retry_after(answer.headers)
    return _USUAL_AFTER if asked is None else asked


def refusal(answer: Answer, mailbox: str, *, shared: bool) -> CalendarError:
    """Return what an answer other than 200 means; `shared` holds for a token that is refused."""
    code, said = _error(answer)
    wait = asked_to_wait(answer)
    if wait is not None:
        what = "is busy" if answer.status != 429 else "asks to be asked less often"  # noqa: PLR2004 - Too Many Requests
        text = f"Graph {what} (status {answer.status}); it is asked again after {wait.seconds} s"
        # A list that takes Graph too long (504) may do so each time.
        kind = ListFault if answer.status == 504 else CalendarError  # noqa: PLR2004 - Gateway Timeout
        return kind("throttled", text, after=wait)
    match answer.status:
        case 401:
            text = f"Graph refuses the token: {code or 'no reason'} ({_REFUSED})"
            return CalendarError("login", text, shared=shared)
        case 403:
            return CalendarError("login", _no_right(code, said, mailbox))
        case 404:
            return ListFault("not_found", _no_mailbox(code, mailbox))
        case status:
            text = f"Graph answered with status {status} ({code or said or 'no reason'})"
            remedy = _OUTAGE if status >= 500 else _STRANGE  # noqa: PLR2004 - the server's own fault
            return ListFault("unreachable", text, remedy=remedy)


def _no_right(code: str, said: str, mailbox: str) -> str:
    told = f"the application may not read the calendar of {mailbox}: {code}"
    if any(words in said for words in _POLICY):
        return (
            f"{told}, by an application access policy of the tenant (take the mailbox into its"
            " group: Get-ApplicationAccessPolicy tells it; then wait an hour)"
        )
    return (
        f"{told} (grant it Calendars.Read by RBAC for Applications, with a scope that holds this"
        " mailbox: contrib/exchange/Grant-CospacedGraph.ps1; then wait up to two hours)"
    )


def _no_mailbox(code: str, mailbox: str) -> str:
    if code in ("MailboxNotEnabledForRESTAPI", "MailboxNotSupportedForRESTAPI"):
        return (
            f"the mailbox {mailbox} is not in Exchange Online: {code} (read it by a calendar of"
            " type exchange, or mend mailbox)"
        )
    return f"there is no mailbox {mailbox}: {code or 'not found'} (mend mailbox)"


def _error(answer: Answer) -> tuple[str, str]:
    """Return code and message of Graph's error object; empty where there is none."""
    try:
        error = json.loads(answer.body)["error"]
        return str(error.get("code", "")), str(error.get("message", ""))[:200]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return "", ""
