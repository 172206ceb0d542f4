"""Why Microsoft Entra gives no token, and what the administrator must mend."""

import re


_CODE = re.compile(r"AADSTS(\d+)")
_NO_TENANT = ("there is no tenant tenant_id", "mend tenant_id")
_KNOWN = {
    7000215: ("client_secret is wrong", "write the secret's value, not its id"),
    7000222: ("client_secret has expired", "make a new one in the application's registration"),
    700016: ("the application client_id is not known in this tenant", "mend it or tenant_id"),
    90002: _NO_TENANT,
    900023: _NO_TENANT,
    53003: ("a Conditional Access policy keeps the application out", "except it from that policy"),
}
"""What it means and what to do, by Entra's AADSTS code."""
_ELSE = ("the login was refused", "check tenant_id, client_id and client_secret")


def refusal(description: str) -> str:
    """Return the sentence for an `error_description`, with the remedy in brackets at its end.

    Entra's own goes on for lines with trace ids and times.
    """
    first = (description.strip().splitlines() or ["no token"])[0].partition(" Trace ID:")[0][:300]
    code = _CODE.search(first)
    what, remedy = _KNOWN.get(int(code[1]), _ELSE) if code is not None else _ELSE
    return f"{what}: {first} ({remedy})"
