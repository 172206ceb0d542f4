"""What Microsoft Entra says where it gives no token, and what the administrator must do then."""

import re
from collections.abc import Iterable


_REMEDIES = {
    7000215: "write the secret's value, not its id, as client_secret",
    7000222: "make a new secret in the application's registration, and write it as client_secret",
    700016: "mend client_id, or tenant_id: they name an application of that tenant",
    90002: "mend tenant_id",
    900023: "mend tenant_id",
    53003: "except the application from the Conditional Access policy, or this machine's address",
}
_ELSE = "check tenant_id, client_id and client_secret"
_CODE = re.compile(r"AADSTS(\d+)")


def refused(description: str, codes: Iterable[int] = ()) -> str:
    """Return the sentence for a login that was refused, with its remedy in brackets.

    `description` is Entra's error_description, which names an AADSTS code and goes on for lines
    with trace ids and times.
    """
    told = (description.strip().splitlines() or ["no token"])[0].partition(" Trace ID:")[0][:300]
    named = (int(code) for code in _CODE.findall(told))
    known = (_REMEDIES[code] for code in (*codes, *named) if code in _REMEDIES)
    return f"the login was refused: {told} ({next(known, _ELSE)})"
