"""What goes wrong with EWS, in our words: each exception of exchangelib as a CalendarError.

A fault of the login holds for the whole calendar: `login` is told with what to mend, and the source
asks nothing more for a while, because accounts are locked after some wrong passwords.
"""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeGuard

from exchangelib import errors
from oauthlib.oauth2 import OAuth2Error
from oauthlib.oauth2.rfc6749.errors import (
    MissingTokenError,
    ServerError,
    TemporarilyUnavailableError,
)
from requests.exceptions import ChunkedEncodingError, RequestException

from cospaced.calendars.entra import refusal
from cospaced.calendars.exchange.answers import Truncated
from cospaced.calendars.exchange.connection import Failed, Forbidden, discard_connections
from cospaced.calendars.web_answers import MOST_AFTER
from cospaced.errors import CalendarError
from cospaced.host import powershell
from cospaced.host.causes import network_cause
from cospaced.host.tls import certificate_text
from cospaced.settings import CalendarSettings


_BACK_OFF = 60.0


@contextmanager
def in_our_words(settings: CalendarSettings, mailbox: str) -> Iterator[None]:
    """Raise a CalendarError in place of whatever exchangelib raises; other faults are ours."""
    try:
        yield
    except Exception as error:
        if is_of_the_token(error, settings):
            discard_connections()
        known = explained(error, settings, mailbox)
        if known is None:
            raise
        raise known from error


def explained(error: Exception, settings: CalendarSettings, mailbox: str) -> CalendarError | None:
    """Return what an exception means; None where it is none that Exchange can cause."""
    host = settings.server.split("/")[2] if settings.server.count("/") > 1 else settings.server
    if isinstance(error, CalendarError):
        return error
    verdict = untrusted(error)
    if is_of_the_token(error, settings):
        return _of_authority(error, settings, verdict)
    if verdict is not None:
        return CalendarError("certificate", certificate_text(host, verdict))
    if isinstance(error, errors.EWSError):
        return _of_exchange(error, settings, mailbox, host)
    if isinstance(error, PermissionError) and not error.errno:
        # It asks for a login by NTLM and takes none; an error of a file would have a number.
        text = f"{host} does not go on with the login by NTLM ({_credentials(settings)})"
        return CalendarError("login", text, shared=True)
    if isinstance(error, RequestException):
        # In the middle of a stream; before one begins, exchangelib has an error of its own.
        return _unreachable(f"{host}: the connection broke ({_cause(error)})")
    return None


def is_of_the_token(
    error: Exception, settings: CalendarSettings
) -> TypeGuard[OAuth2Error | RequestException]:
    """Whether something befell the request for a token, and not one of those to Exchange."""
    if isinstance(error, OAuth2Error):
        return True
    asked = error.request.url if isinstance(error, RequestException) and error.request else None
    return str(asked or "").startswith(settings.authority.rstrip("/") + "/")


def untrusted(error: BaseException | None) -> ssl.SSLCertVerificationError | None:
    """Return the verdict on a certificate that an error came of, if it did."""
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        error = error.__cause__ or error.__context__
    return error


def _of_authority(
    error: OAuth2Error | RequestException,
    settings: CalendarSettings,
    verdict: ssl.SSLCertVerificationError | None,
) -> CalendarError:
    """Return why there is no token."""
    authority = settings.authority
    if verdict is not None:
        return CalendarError("certificate", certificate_text(authority, verdict))
    if isinstance(error, RequestException):
        return _unreachable(f"no token from {authority} ({_cause(error)})")
    if isinstance(error, MissingTokenError) or not isinstance(error.error, str):
        # An answer that is none of OAuth's: another server, or a page in between.
        text = f"{authority} answered without a token (check authority and tenant_id)"
        return CalendarError("unreachable", text)
    text = refusal(str(error.description or error.error or error))
    if isinstance(error, ServerError | TemporarilyUnavailableError):
        return CalendarError("unreachable", text, after=timedelta(seconds=_BACK_OFF))
    return CalendarError("login", text, shared=True)


def _of_exchange(
    error: errors.EWSError, settings: CalendarSettings, mailbox: str, host: str
) -> CalendarError:
    if isinstance(error, errors.ErrorServerBusy | errors.ErrorExceededConnectionCount):
        asked = getattr(error, "back_off", None) or _BACK_OFF
        seconds = min(asked, MOST_AFTER.total_seconds())
        text = f"{host} asks to be asked less often; it is asked again after {seconds:g} s"
        return CalendarError("throttled", text, after=timedelta(seconds=seconds))
    return _of_login(error, settings, mailbox, host) or _of_answer(error, host)


def _of_login(
    error: errors.EWSError, settings: CalendarSettings, mailbox: str, host: str
) -> CalendarError | None:
    """Return what an error says of the account and what it may open; None where it does not."""
    match error:
        case errors.UnauthorizedError():
            text = f"{host} refuses the login ({_credentials(settings)})"
            return CalendarError("login", text, shared=True)
        case Forbidden():
            return CalendarError("login", _forbidden(settings, host), shared=True)
        case errors.ErrorNonExistentMailbox():
            return CalendarError("not_found", f"there is no mailbox {mailbox} (mend mailbox)")
        case errors.ErrorImpersonateUserDenied():
            return CalendarError("login", _no_impersonation(settings, mailbox))
        case errors.ErrorAccessDenied() | errors.ErrorFolderNotFound():
            return CalendarError("login", _no_access(settings, mailbox))
        case _:
            return None


def _of_answer(error: errors.EWSError, host: str) -> CalendarError:
    """Return what an error says of the answer, or that there was none."""
    match error:
        case errors.ErrorTimeoutExpired():
            return _unreachable(f"{host}: no connection, or it broke ({_cause(error)})")
        case Truncated():
            return CalendarError("truncated", f"{host}: {error}")
        case errors.RedirectError():
            text = f"{host} redirects to {error.url} (write that as server, if it is EWS)"
            return CalendarError("redirect", text)
        case Failed(status=status) if status >= 500:  # noqa: PLR2004 - the server's own faults
            # A gateway before it says so, too, while the server is away.
            return _unreachable(f"{host} answered with status {status}")
        case Failed(status=status):
            text = f"{host} answered with status {status} (check server)"
            return CalendarError("not_a_calendar", text)
        case errors.MalformedResponseError() | errors.SOAPError():
            text = f"{host} answered something that is not EWS: {_brief(error)} (check server)"
            return CalendarError("not_a_calendar", text)
        case errors.TransportError() if network_cause(error):
            return _unreachable(f"{host}: no connection, or it broke ({_cause(error)})")
        case _:
            return _unreachable(f"{host}: {type(error).__name__}: {_brief(error)}")


def _unreachable(text: str) -> CalendarError:
    """Return a fault whose text may be anybody's: no part of it is a remedy."""
    return CalendarError("unreachable", text, remedy="")


def _credentials(settings: CalendarSettings) -> str:
    if settings.auth == "oauth":
        return "check tenant_id, client_id and client_secret, and that it may use EWS"
    if settings.in_exchange_online:
        return "Exchange Online takes no passwords: read these rooms by a calendar of type graph"
    other = "basic" if settings.auth == "ntlm" else "ntlm"
    return f"check username and password, or whether the server wants auth = {other}"


def _forbidden(settings: CalendarSettings, host: str) -> str:
    if settings.in_exchange_online:
        return (
            f"{host} forbids EWS: Exchange Online blocks it since 2026-10-01 unless the tenant has"
            " allowed it, and ends it on 2027-04-01; read these rooms by a calendar of type graph"
        )
    return f"{host} forbids EWS to this account (status 403): see EwsEnabled and EwsAllowList"


def _no_impersonation(settings: CalendarSettings, mailbox: str) -> str:
    who = settings.username or settings.client_id
    return (
        f"{who} may not act for {mailbox} (give it the role ApplicationImpersonation with a scope"
        " that holds this mailbox: New-ManagementRoleAssignment, or"
        " contrib/exchange/New-CospacedAccount.ps1)"
    )


def _no_access(settings: CalendarSettings, mailbox: str) -> str:
    if settings.access == "delegate":
        folder, user = powershell.word(f"{mailbox}:\\Calendar"), powershell.word(settings.username)
        return (
            f"{settings.username} may not open the calendar of {mailbox}"
            f" (Add-MailboxFolderPermission {folder} -User {user} -AccessRights Reviewer)"
        )
    return f"the calendar of {mailbox} may not be opened (see that it is an enabled mailbox)"


def _cause(error: Exception) -> str:
    if isinstance(error.__context__, ChunkedEncodingError):
        return "the answer broke off"
    return network_cause(error) or _brief(error)


def _brief(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
