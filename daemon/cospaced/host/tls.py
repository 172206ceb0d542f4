"""Whom a TLS client trusts, and what it says when it does not."""

import ssl
from pathlib import Path


def tls_context(*, verify: bool, ca_file: Path | None) -> ssl.SSLContext:
    """Return a client's context; `ca_file` (PEM) is trusted in place of the system's CAs.

    Raises OSError or ValueError where `ca_file` cannot be read or holds no certificate.
    """
    context = ssl.create_default_context(cafile=str(ca_file) if ca_file is not None else None)
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    # Whoever names a server's own certificate as ca_file means to trust that one; and the strict
    # profile that newer Pythons set refuses the self-signed certificates that CMS makes itself.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def certificate_text(host: str, error: ssl.SSLCertVerificationError) -> str:
    """Return the sentence that says what is wrong with a certificate, and the remedy."""
    what = getattr(error, "verify_message", "") or str(error)
    lower = what.lower()
    if "mismatch" in lower or "not valid for" in lower:
        remedy = "use the name that stands in the certificate as address, or set verify = no"
    elif "expired" in lower or "not yet valid" in lower:
        remedy = "renew the certificate there, or check this machine's clock"
    else:
        remedy = "name its CA, or the certificate itself, as ca_file, or set verify = no"
    return f"{host}: its TLS certificate is not trusted ({what}); {remedy}"
