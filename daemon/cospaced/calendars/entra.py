"""Why Microsoft Entra gives no token, and what the administrator must mend."""

import re


_CODE = re.compile(r"AADSTS(\d+)")
_NO_TENANT = ("there is no tenant tenant_id", "mend tenant_id")
_OTHER_CLOUD = (
    "the tenant is in another cloud of Microsoft's",
    "write that cloud's authority, and the graph_url or server that belongs to it",
)
_NO_SERVICE = (
    "Entra knows no service at the address that the token is for",
    "mend graph_url, or server; it and authority are of one cloud",
)
_KNOWN = {
    7000215: ("client_secret is wrong", "write the secret's value, not its id"),
    7000222: ("client_secret has expired", "make a new one in the application's registration"),
    700016: ("the application client_id is not known in this tenant", "mend it or tenant_id"),
    7000229: (
        "the application client_id has no enterprise application in this tenant",
        "make one: New-MgServicePrincipal -AppId with the client_id",
    ),
    7000112: (
        "the application client_id is disabled",
        "Entra admin center > Enterprise applications > it > Properties: let users sign in",
    ),
    90002: _NO_TENANT,
    900023: _NO_TENANT,
    90038: _OTHER_CLOUD,
    900432: _OTHER_CLOUD,
    900439: _OTHER_CLOUD,
    500011: _NO_SERVICE,
    70011: _NO_SERVICE,
    1002012: _NO_SERVICE,
    53003: ("a Conditional Access policy keeps the application out", "except it from that policy"),
}
"""What it means and what to do, by Entra's AADSTS code."""
_ELSE = ("the login was refused", "check tenant_id, client_id and client_secret")


def refusal(description: str) -> str:
    """Return the sentence for an `error_description`, with the remedy in brackets at its end."""
    first = first_sentence(description)
    code = _CODE.search(first)
    what, remedy = _KNOWN.get(int(code[1]), _ELSE) if code is not None else _ELSE
    return f"{what}: {first} ({remedy})"


def first_sentence(description: str) -> str:
    """Return what an `error_description` says: Entra goes on for lines with trace ids and times."""
    return (description.strip().splitlines() or ["no token"])[0].partition(" Trace ID:")[0][:300]
