"""How Exchange says no: a SOAP fault for the whole request, or an error in one response message."""

from collections.abc import Mapping

from cospaced.exchange_simulator.markup import ERRORS, TYPES, escaped, tag, text


class _Coded(Exception):
    """A ResponseCode, what Exchange says with it, and values for MessageXml."""

    def __init__(
        self, code: str, message: str = "", *, values: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(code)
        self.code = code
        self.message = message or SENTENCES.get(code, "The request failed.")
        self.values = values or {}


class Refusal(_Coded):
    """An error in the response message of one item; the others are answered."""

    def inside(self) -> str:
        """Return what a response message of class Error starts with."""
        return (
            text("m:MessageText", self.message)
            + text("m:ResponseCode", self.code)
            + text("m:DescriptiveLinkKey", 0)
            + (tag("m:MessageXml", _values(self.values)) if self.values else "")
        )


class SoapFault(_Coded):
    """A SOAP fault for the whole request, HTTP 500."""

    def markup(self) -> str:
        """Return the body's fault."""
        values = f'<t:MessageXml xmlns:t="{TYPES}">{_values(self.values)}</t:MessageXml>'
        return (
            f'<s:Fault><faultcode xmlns:a="{TYPES}">a:{self.code}</faultcode>'
            f'<faultstring xml:lang="en-US">{escaped(self.message)}</faultstring><detail>'
            f'<e:ResponseCode xmlns:e="{ERRORS}">{self.code}</e:ResponseCode>'
            f'<e:Message xmlns:e="{ERRORS}">{escaped(self.message)}</e:Message>'
            f"{values if self.values else ''}</detail></s:Fault>"
        )


def _values(values: Mapping[str, str]) -> str:
    return "".join(
        f'<t:Value Name="{escaped(name)}">{escaped(value)}</t:Value>'
        for name, value in values.items()
    )


SENTENCES = {
    "ErrorAccessDenied": "Access is denied. Check credentials and try again.",
    "ErrorExceededConnectionCount": "You have exceeded the available concurrent connections for "
    "your account.  Try again once your other requests have completed.",
    "ErrorExceededFindCountLimit": "You have exceeded the maximum number of objects that can be "
    "returned for the find operation. Use paging to reduce the result size and try your request "
    "again.",
    "ErrorFolderNotFound": "The specified folder could not be found in the store.",
    "ErrorImpersonateUserDenied": "The account does not have permission to impersonate the "
    "requested user.",
    "ErrorInternalServerError": "An internal server error occurred. The operation failed.",
    "ErrorInvalidIdMalformed": "Id is malformed.",
    "ErrorInvalidServerVersion": "The specified server version is invalid.",
    "ErrorInvalidSyncStateData": "Synchronization state data is corrupt or otherwise invalid.",
    "ErrorIrresolvableConflict": "The send or update operation could not be performed because the "
    "change key passed in the request does not match the current change key for the item.",
    "ErrorItemCorrupt": "The item is corrupt.",
    "ErrorItemNotFound": "The specified object was not found in the store.",
    "ErrorMailboxStoreUnavailable": "The mailbox database is temporarily unavailable.",
    "ErrorNameResolutionNoResults": "No results were found.",
    "ErrorNonExistentMailbox": "The SMTP address has no mailbox associated with it.",
    "ErrorSchemaValidation": "The request failed schema validation.",
    "ErrorServerBusy": "The server cannot service this request right now. Try again later.",
    "ErrorSubscriptionNotFound": "The specified subscription was not found.",
}
"""What Exchange says with a code."""
