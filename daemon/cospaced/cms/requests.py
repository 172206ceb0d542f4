"""Writes as requests: pure, one table for all that is ever written to CMS."""

from dataclasses import dataclass
from typing import assert_never

from cospaced.cms.codec import Fields, quoted
from cospaced.domain.writes import (
    CloseSpace,
    CreateCallLegProfile,
    CreateCallProfile,
    CreateParameterSet,
    CreateSpace,
    DialEndpoint,
    DropLeg,
    EndCall,
    OpenSpace,
    ShowMessage,
    StartCall,
    StartSync,
    Write,
)


ROOT = "/api/v1"
INDEX = "$index$"
"""Stands for the number in the mappings of a bulk parameter set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiRequest:
    """One request to the API; `form` in the order in which it is sent, not yet encoded."""

    method: str
    path: str
    form: Fields = ()


def to_request(write: Write) -> ApiRequest:  # noqa: C901, PLR0912 - a table: one line a write
    """Return the request that carries a write out.

    Raises ValueError where an id is none (empty, dots): it would address something else.
    """
    match write:
        case OpenSpace():
            return _put(f"coSpaces/{quoted(write.space)}", _opened(write))
        case CloseSpace():
            return _put(f"coSpaces/{quoted(write.space)}", _closed(write))
        case StartCall():
            return _post("calls", (("coSpace", write.space),))
        case DialEndpoint():
            return _dialled(write)
        case DropLeg():
            return _delete(f"callLegs/{quoted(write.leg)}")
        case ShowMessage():
            return _put(f"calls/{quoted(write.call)}", _shown(write))
        case EndCall():
            return _delete(f"calls/{quoted(write.call)}")
        case CreateCallProfile():
            return _post("callProfiles", _call_profile(write))
        case CreateCallLegProfile():
            return _post("callLegProfiles", _call_leg_profile(write))
        case CreateParameterSet():
            return _post("cospaceBulkParameterSets", _parameter_set(write))
        case StartSync():
            return _post("cospaceBulkSyncs", (("cospaceBulkParameterSet", write.parameter_set),))
        case CreateSpace():
            return _post("coSpaces", _space(write))
        case _:
            assert_never(write)


_SHOWN = (
    "nonMemberAccess",
    "regenerateSecret",
    "cdrTag",
    "coSpace",
    "remoteParty",
    "confirmation",
    "ownerId",
    "bandwidth",
    "callBridgeGroup",
    "messageText",
)
"""Fields whose values may be told; the others are secrets, titles, people, or a PIN in tones."""


def described(write: Write) -> str:
    """Return a write as a person finds it in a trace: method, path, and the fields of the form.

    Values stand where they give nothing away; raises nothing.
    """
    try:
        request = to_request(write)
    except ValueError as error:
        return f"no request: {error}"
    fields = (f"{key}={value}" if key in _SHOWN else key for key, value in request.form)
    return " ".join((request.method, request.path, *fields))


def _put(path: str, form: Fields) -> ApiRequest:
    return ApiRequest(method="PUT", path=f"{ROOT}/{path}", form=form)


def _post(path: str, form: Fields) -> ApiRequest:
    return ApiRequest(method="POST", path=f"{ROOT}/{path}", form=form)


def _delete(path: str) -> ApiRequest:
    return ApiRequest(method="DELETE", path=f"{ROOT}/{path}")


def _opened(write: OpenSpace) -> Fields:
    """Trace requests 9500 and 9711; an empty passcode clears it."""
    return (
        ("nonMemberAccess", "true"),
        ("passcode", write.form.passcode),
        ("name", write.form.name),
        ("secret", write.form.secret),
        ("cdrTag", write.form.cdr_tag),
        ("meetingScheduler", write.form.scheduler),
    )


def _closed(write: CloseSpace) -> Fields:
    """Trace request 9878; the new secret ends the links that were handed out."""
    return (
        ("nonMemberAccess", "false"),
        ("passcode", ""),
        ("name", write.name),
        ("regenerateSecret", "true"),
        ("cdrTag", ""),
        ("meetingScheduler", ""),
    )


def _dialled(write: DialEndpoint) -> ApiRequest:
    """Trace request 9506; a participant's POST lets CMS choose the Call Bridge (2.2 and later)."""
    form = [
        ("remoteParty", write.endpoint),
        ("confirmation", "false"),
        ("ownerId", write.owner_id),
    ]
    if write.dtmf:
        form.append(("dtmfSequence", write.dtmf))
    if write.bandwidth is not None:
        form.append(("bandwidth", str(write.bandwidth)))
    if write.balanced and write.call_bridge_group:
        # A call leg stays on the Call Bridge that is asked: only participants know groups.
        form.append(("callBridgeGroup", write.call_bridge_group))
    node = "participants" if write.balanced else "callLegs"
    return _post(f"calls/{quoted(write.call)}/{node}", tuple(form))


def _shown(write: ShowMessage) -> Fields:
    return (
        ("messageText", write.text),
        ("messagePosition", "top"),
        ("messageDuration", str(write.seconds)),
    )


def _call_profile(write: CreateCallProfile) -> Fields:
    """Trace request 8893."""
    return (
        ("participantLimit", str(write.participant_limit)),
        ("messageBoardEnabled", "false"),
    )


def _call_leg_profile(write: CreateCallLegProfile) -> Fields:
    """Trace request 8894, and a name."""
    return (
        ("defaultLayout", "telepresence"),
        ("changeLayoutAllowed", "true"),
        ("presentationContributionAllowed", "true"),
        ("presentationViewingAllowed", "true"),
        ("muteSelfAllowed", "true"),
        ("videoMuteSelfAllowed", "true"),
        ("name", write.name),
    )


def _parameter_set(write: CreateParameterSet) -> Fields:
    """Trace request 8954; `callLegProfile` is undocumented there, but CMS keeps it."""
    # In a mapping a lone dollar or backslash is an error.
    prefix = write.name_prefix.replace("\\", "\\\\").replace("$", "\\$")
    return (
        ("startIndex", str(write.start)),
        ("endIndex", str(write.end)),
        ("coSpaceUriMapping", INDEX),
        ("coSpaceNameMapping", f"{prefix}{INDEX}"),
        ("coSpaceCallIdMapping", INDEX),
        ("callProfile", write.call_profile),
        ("callLegProfile", write.call_leg_profile),
        ("nonMemberAccess", "false"),
    )


def _space(write: CreateSpace) -> Fields:
    """One slot, locked as a bulk sync would make it."""
    return (
        ("name", write.name),
        ("uri", str(write.number)),
        ("callId", str(write.number)),
        ("nonMemberAccess", "false"),
        ("callProfile", write.call_profile),
        ("callLegProfile", write.call_leg_profile),
    )
