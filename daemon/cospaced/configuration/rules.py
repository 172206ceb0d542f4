"""Rules that join several keys of one section, or several sections; rooms have their own."""

from cospaced.configuration import clouds, credentials
from cospaced.configuration.checking import Part
from cospaced.configuration.durations import written
from cospaced.configuration.findings import Findings
from cospaced.settings import SourceType


_LOGIN = ("username", "password")


def daemon(part: Part, findings: Findings) -> None:
    """Ask that `stale_limit` comes no earlier than `stale_after`."""
    if not part.sure("stale_after", "stale_limit"):
        return
    after, limit = part.value("stale_after"), part.value("stale_limit")
    if limit < after:
        at = "stale_limit" if part.written("stale_limit") else "stale_after"
        findings.key(
            part.section,
            at,
            f"stale_limit = {written(limit)} is shorter than stale_after = {written(after)} "
            f"(write stale_limit = {written(after)} or more)",
        )


def pool(part: Part, findings: Findings) -> None:
    """Tell our spaces from those of the system that is taken over."""
    prefix, adopted = part.value("space_name_prefix"), part.value("adopt_prefix")
    if part.sure("space_name_prefix", "adopt_prefix") and prefix == adopted:
        findings.key(
            part.section,
            "adopt_prefix",
            "is the same as space_name_prefix (write the prefix that the other system uses, "
            "such as TMS_Scheduled_Meeting_, or leave it empty)",
        )


def trust(part: Part, findings: Findings) -> None:
    """Warn of connections whose other end is not proven, or that anybody can listen to."""
    section = part.section
    if part.sure("verify") and part.value("verify") is False:
        findings.warn(
            f"{section.file}: [{section.title}] verify = no: certificates are not checked, and "
            "passwords may go to anybody (write ca_file = the CA's certificate in its place)"
        )
    keys = [key for key in ("url", "server") if part.written(key)]
    if part.written("username") and any(part.value(k).startswith("http://") for k in keys):
        findings.warn(
            f"{section.file}: [{section.title}] {keys[0]}: the password travels unencrypted "
            "over http:// (write https://)"
        )


def calendar(part: Part, source: SourceType | None, findings: Findings) -> None:
    """Ask for what the calendar's way to log in needs."""
    match source:
        case SourceType.ICAL | SourceType.CALDAV:
            _both_or_none(part, findings)
        case SourceType.EXCHANGE:
            oauth = part.value("auth") == "oauth"
            keys = ("tenant_id", "client_id", "client_secret") if oauth else _LOGIN
            if part.sure("auth"):
                _need(part, keys, f"auth = {part.value('auth')}", findings)
        case SourceType.GRAPH:
            _one_cloud(part, findings)
        case None:
            return


def _one_cloud(part: Part, findings: Findings) -> None:
    keys = ("authority", "graph_url")
    if not part.sure(*keys):
        return
    authority, graph_url = (part.value(key) for key in keys)
    found = clouds.apart(authority, graph_url)
    if found is None:
        return
    if part.written("authority"):
        key, other, fitting = "graph_url", f"authority = {authority}", found[0].graphs
    else:
        key, other, fitting = "authority", f"graph_url = {graph_url}", found[1].logins[:1]
    right = " or ".join(f"https://{host}" for host in fitting)
    findings.key(part.section, key, f"is of another cloud than {other} (write {key} = {right})")


def _both_or_none(part: Part, findings: Findings) -> None:
    given = [key for key in _LOGIN if part.value(key)]
    if part.sure(*_LOGIN) and len(given) == 1:
        _need(part, _LOGIN, given[0], findings)


def _need(part: Part, keys: tuple[str, ...], reason: str, findings: Findings) -> None:
    for key in keys:
        if part.value(key) or not part.sure(key):
            continue
        because = f", and {reason} needs it"
        if key in part.model.secrets:
            fault = credentials.missing(part.section, key, because)
        else:
            fault = f"is missing{because} (write {key} = …)"
        findings.key(part.section, key, fault)
