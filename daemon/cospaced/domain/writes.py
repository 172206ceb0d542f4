"""Everything that is ever written to CMS, as values; the adapter turns one into one request.

A write is carried out once: it is never retried below the planner. Its `Outcome` is *done*,
*refused* (CMS said no, with a reason) or *unknown* (no answer, 5xx, a broken connection: it may
still take effect).
"""

from dataclasses import dataclass, field
from enum import StrEnum

from cospaced.domain.booking import SpaceForm


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSpace:
    """PUT /coSpaces/<id>: name, nonMemberAccess=true, passcode, secret, cdrTag, meetingScheduler.

    Also extends and renames: the same fields again (trace requests 9500 and 9711).
    """

    space: str
    form: SpaceForm


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseSpace:
    """PUT /coSpaces/<id>: placeholder name, nonMemberAccess=false, the rest emptied, new secret.

    Trace request 9878, and with it passcode, meetingScheduler and cdrTag empty.
    """

    space: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StartCall:
    """POST /calls with coSpace (trace request 9501); the outcome's id is the call's."""

    space: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DialEndpoint:
    """POST /calls/<id>/callLegs (trace request 9506) or, `balanced`, /calls/<id>/participants.

    Always with `confirmation=false` and `ownerId`. The outcome's id is the call leg's
    (or the participant's, where `balanced`).
    """

    call: str
    endpoint: str
    owner_id: str
    dtmf: str = ""
    bandwidth: int | None = None
    call_bridge_group: str = ""
    balanced: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DropLeg:
    """DELETE /callLegs/<id>; a leg that is gone already is *done*."""

    leg: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowMessage:
    """PUT /calls/<id>: messageText, messagePosition, messageDuration (seconds)."""

    call: str
    text: str
    seconds: int = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class EndCall:
    """DELETE /calls/<id> (trace request 9879); a call that is gone already is *done*."""

    call: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateCallProfile:
    """POST /callProfiles (trace request 8893)."""

    participant_limit: int = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateCallLegProfile:
    """POST /callLegProfiles (trace request 8894), with a name."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateParameterSet:
    """POST /cospaceBulkParameterSets (trace request 8954): `start` … `end`, both inside."""

    start: int
    end: int
    name_prefix: str
    call_profile: str
    call_leg_profile: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StartSync:
    """POST /cospaceBulkSyncs (trace request 8955)."""

    parameter_set: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateSpace:
    """POST /coSpaces: one closed slot whose uri and callId are the number."""

    number: int
    name: str
    call_profile: str
    call_leg_profile: str


Write = (
    OpenSpace
    | CloseSpace
    | StartCall
    | DialEndpoint
    | DropLeg
    | ShowMessage
    | EndCall
    | CreateCallProfile
    | CreateCallLegProfile
    | CreateParameterSet
    | StartSync
    | CreateSpace
)


class Result(StrEnum):
    """How a write ended."""

    DONE = "done"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a write ended; `id` is from the Location, `reason` a failureReason or what went wrong.

    `sent` is False where the request certainly never left (no connection, back-off; *done* without
    it is what an observer takes for done). `status` is the answer's, 0 where there was none; it is
    told, and decides nothing.
    """

    result: Result
    id: str = ""
    reason: str = ""
    sent: bool = True
    status: int = field(default=0, compare=False)
