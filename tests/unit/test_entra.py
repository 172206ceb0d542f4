"""What Entra's refusals mean, in the words that Entra has for them."""

import pytest

from cospaced.calendars.entra import refusal


@pytest.mark.parametrize(
    ("said", "what", "remedy"),
    [
        ("AADSTS7000215: Invalid client secret provided.", "client_secret is wrong", "value"),
        ("AADSTS7000222: The provided client secret keys are expired.", "expired", "a new one"),
        ("AADSTS700016: Application with identifier 'x' was not found.", "client_id", "tenant_id"),
        ("AADSTS7000112: Application 'x'(cospaced) is disabled.", "disabled", "Enterprise"),
        ("AADSTS7000229: It is missing service principal.", "no enterprise", "ServicePrincipal"),
        ("AADSTS90002: Tenant 'x' not found.", "no tenant", "tenant_id"),
        (
            "AADSTS500011: The resource principal named https://graph.microsoft.us was not found.",
            "no service at the address",
            "graph_url",
        ),
        ("AADSTS900432: Confidential Client is not supported.", "another cloud", "authority"),
        (
            "AADSTS90038: Tenant 'x' request is being redirected to the National Cloud.",
            "another cloud",
            "graph_url",
        ),
        ("AADSTS1: Something new.", "the login was refused", "client_secret"),
        ("", "the login was refused: no token", "client_secret"),
    ],
)
def test_a_refusal_says_what_to_mend(said: str, what: str, remedy: str) -> None:
    told = refusal(f"{said} Trace ID: 1 Correlation ID: 2\r\nTimestamp: 3" if said else "")
    seen, _, mended = told.rpartition(" (")
    assert what in seen
    assert remedy in mended
    assert "Trace ID" not in told
