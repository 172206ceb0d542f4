"""Autodiscover (SOAP, GetUserSettings): where a mailbox's EWS is; [MS-OXWSADISC].

Only the two URLs of EWS are told, and to whoever logs in: Exchange tells them of any mailbox.
"""

from xml.etree.ElementTree import ParseError

from cospaced.exchange_simulator.markup import SOAP, every, parsed, tag, text
from cospaced.exchange_simulator.state import State


PATH = "/autodiscover/autodiscover.svc"
_NAMESPACE = "http://schemas.microsoft.com/exchange/2010/Autodiscover"
_ACTION = f"{_NAMESPACE}/Autodiscover/GetUserSettings"
_URLS = ("ExternalEwsUrl", "InternalEwsUrl")


def answer(body: bytes, state: State, url: str) -> str:
    """Return the answer to a request; `url` is that of EWS. ValueError: it is no such request."""
    try:
        root = parsed(body)
    except ParseError as error:
        raise ValueError("no XML") from error
    users = [one.text or "" for one in root.iter(f"{{{_NAMESPACE}}}Mailbox")]
    wanted = [one.text or "" for one in root.iter(f"{{{_NAMESPACE}}}Setting")]
    if not every(root, "s:Body") or not users:
        raise ValueError("no GetUserSettings")
    told = [_user(state, user, wanted, url) for user in users]
    response = tag("a:Response", *_no_error(), tag("a:UserResponses", *told))
    return _envelope(state, tag("a:GetUserSettingsResponseMessage", response))


def _user(state: State, address: str, wanted: list[str], url: str) -> str:
    if address.lower() not in state.mailboxes:
        said = f"The e-mail address can't be found: {address}"
        errors = text("a:ErrorCode", "InvalidUser"), text("a:ErrorMessage", said)
        return tag("a:UserResponse", *errors, "<a:UserSettingErrors/>", "<a:UserSettings/>")
    settings = [_setting(name, url) for name in wanted if name in _URLS]
    inside = "<a:UserSettingErrors/>", tag("a:UserSettings", *settings)
    return tag("a:UserResponse", *_no_error(), '<a:RedirectTarget xsi:nil="true"/>', *inside)


def _setting(name: str, url: str) -> str:
    inside = text("a:Name", name), text("a:Value", url)
    return tag("a:UserSetting", *inside, **{"xsi:type": "a:StringSetting"})


def _no_error() -> tuple[str, str]:
    return text("a:ErrorCode", "NoError"), "<a:ErrorMessage/>"


def _envelope(state: State, inside: str) -> str:
    names = ("MajorVersion", "MinorVersion", "MajorBuildNumber", "MinorBuildNumber")
    build = [text(f"a:{name}", value) for name, value in zip(names, state.knobs.build, strict=True)]
    version = tag("a:ServerVersionInfo", *build, text("a:Version", "Exchange2015"))
    header = tag("s:Header", text("wsa:Action", f"{_ACTION}Response"), version)
    spaces = {
        "xmlns:s": SOAP,
        "xmlns:a": _NAMESPACE,
        "xmlns:wsa": "http://www.w3.org/2005/08/addressing",
        "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
    }
    return tag("s:Envelope", header, tag("s:Body", inside), **spaces)
