"""Readers of addresses: hosts, base addresses, URLs, SIP URIs, mail addresses.

As in `values`: text in, the normalised value out, ValueError with a sentence. A URL is never
quoted, for the private address of a published calendar is as good as a password.
"""

import ipaddress
import re
from urllib.parse import urlsplit

from cospaced.configuration.values import items, quoted


_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_LONGEST_NAME = 253
_HOST_AND_PORT = re.compile(r"(\[[^\[\]]*\]|[^:\[\]]*)(?::([^:]*))?")
_PORTS = range(1, 65536)
_WEB = ("http", "https")


def host(text: str) -> str:
    """Read a host name or an IP address, IPv6 in brackets; return it in lower case."""
    if text.startswith("["):
        try:
            return f"[{ipaddress.IPv6Address(text[1:-1].partition('%')[0])}]"
        except ValueError:
            raise ValueError(f"{quoted(text)} is no IPv6 address (write [2001:db8::1])") from None
    if re.fullmatch(r"[0-9.]+", text):
        try:
            return str(ipaddress.IPv4Address(text))
        except ValueError:
            raise ValueError(f"{quoted(text)} is no IP address (write 192.0.2.1)") from None
    if not text.isascii():
        raise ValueError(f"{quoted(text)} is not ASCII (write the name's xn--… form)")
    if not _NAME.fullmatch(text) or len(text) > _LONGEST_NAME:
        raise ValueError(f"{quoted(text)} is no host name (write one such as cms.example.org)")
    return text.lower()


def host_and_port(text: str) -> str:
    """Read `host[:port]`; return it with the host in lower case."""
    if text.count(":") > 1 and not text.startswith("["):
        raise ValueError(f"{quoted(text)} has several colons (write an IPv6 address in brackets)")
    match = _HOST_AND_PORT.fullmatch(text)
    if match is None or not match.group(1):
        raise ValueError(f"{quoted(text)} is no address (write host or host:port)")
    name, port = host(match.group(1)), match.group(2)
    if port is None:
        return name
    if not re.fullmatch(r"[0-9]{1,5}", port) or int(port) not in _PORTS:
        raise ValueError(f"{quoted(port)} is no port (write a number from 1 to 65535)")
    return f"{name}:{int(port)}"


def base_address(text: str) -> str:
    """Read a Call Bridge's `host[:port]` or `https://host[:port]`; return the latter."""
    scheme, found, rest = text.partition("://")
    if not found:
        scheme, rest = "https", text
    if scheme.lower() == "http":
        raise ValueError(
            "names http://, where the password would travel unencrypted, and CMS serves its API "
            "by HTTPS only (write https://host:port)"
        )
    if scheme.lower() != "https":
        raise ValueError("names a scheme that is not https (write host:port)")
    if "@" in rest:
        raise ValueError("holds a user name (write host:port; username and password are keys)")
    rest = rest.removesuffix("/")
    if re.search(r"[/?#]", rest):
        raise ValueError("holds a path (write host:port and nothing behind it)")
    return f"https://{host_and_port(rest)}"


def bridge_addresses(text: str) -> tuple[str, ...] | None:
    """Read `auto` (None), `none` (empty), or a list of Call Bridges."""
    if text.lower() == "auto":
        return None
    if text.lower() == "none":
        return ()
    addresses = tuple(base_address(item) for item in items(text))
    if not addresses:
        raise ValueError("is empty (write auto, none, or a list of host:port)")
    if len(set(addresses)) != len(addresses):
        raise ValueError("names one Call Bridge twice (write each once)")
    return addresses


def web_url(text: str) -> str:
    """Read an absolute http or https URL without user information."""
    if re.search(r"\s", text):
        raise ValueError("holds a blank (write %20 for a blank in a URL)")
    try:
        parts = urlsplit(text)
        address = parts.netloc.rpartition("@")[2]
    except ValueError:
        raise ValueError("is no URL (write https://host/path)") from None
    if parts.scheme in {"webcal", "webcals"}:
        raise ValueError("starts with webcal: (write https:// in its place)")
    if parts.scheme not in _WEB or not address:
        raise ValueError("is no web address (write https://host/path)")
    if "@" in parts.netloc:
        raise ValueError(
            "holds a user name (take it out of the URL; username and password are keys of "
            "the calendar)"
        )
    host_and_port(address)
    return text


def optional_url(text: str) -> str:
    """Read a URL that may be empty."""
    return web_url(text) if text else ""


def base_url(text: str) -> str:
    """Read a URL that paths are put behind: no query, no slash at the end; may be empty."""
    if "?" in text or "#" in text:
        raise ValueError("holds a query or a fragment (write https://host/path)")
    return optional_url(text).rstrip("/")


def cloud_url(text: str) -> str:
    """Read the address of a service of Microsoft's cloud: https, and no path."""
    url = base_url(text)
    if url.startswith("http:"):
        raise ValueError("names http://, where secrets would travel unencrypted (write https://)")
    if urlsplit(url).path:
        raise ValueError(
            "holds a path (write https://host and nothing behind it: tenant_id and the version are"
            " put there by cospaced)"
        )
    return url


def exchange_server(text: str) -> str:
    """Read the URL of EWS, or `autodiscover`."""
    if text.lower() == "autodiscover":
        return "autodiscover"
    if "://" not in text:
        raise ValueError(
            "is no URL (write autodiscover, or the URL of EWS such as "
            "https://mail.example.org/EWS/Exchange.asmx)"
        )
    return web_url(text)


def sip_domain(text: str) -> str:
    """Read the SIP domain of the pool."""
    if "@" in text or ":" in text:
        raise ValueError(f"{quoted(text)} is more than a domain (write one such as example.org)")
    return host(text)


def sip_uri(text: str) -> str:
    """Read the SIP URI of an endpoint; return it as written."""
    scheme, found, rest = text.partition(":")
    address = rest if found and scheme.lower() in {"sip", "sips"} else text
    if re.search(r"\s|;.*@", address):
        raise ValueError(f"{quoted(text)} is not one SIP URI (write commas between several)")
    user, at, domain = address.partition(";")[0].partition("@")
    if not at:
        name = address if re.fullmatch(r"[\w.+-]+", address) else "room"
        raise ValueError(f"{quoted(text)} has no @ (write a SIP URI such as {name}@example.org)")
    if not user or not re.fullmatch(r"[^\s@:<>\"]+", user):
        raise ValueError(
            f"{quoted(text)} is no SIP URI (write user@domain; a scheme can only be sip: or sips:)"
        )
    host_and_port(domain)
    return text


def mail_address(text: str) -> str:
    """Read a mail address; may be empty."""
    if not text:
        return ""
    user, at, domain = text.rpartition("@")
    if not at or not re.fullmatch(r"[^\s@,;:<>\"]+", user):
        raise ValueError(
            f"{quoted(text)} is no mail address (write one such as aula@example.org, nothing else)"
        )
    host(domain)
    return text
