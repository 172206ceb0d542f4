import json
from pathlib import Path
from typing import get_args
from urllib.parse import parse_qsl

import pytest

from cospaced.cms.codec import encode_form
from cospaced.cms.requests import ApiRequest, to_request
from cospaced.domain.booking import SpaceForm
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


SPACE = "458075bc-6def-4052-8ed6-b1192d6e6b35"
CALL = "ce5ee392-7be6-4227-a7ee-b4f16a5fdd16"
FORM = SpaceForm(
    name="Tim Kratzke Acano TMSXE Test Meeting",
    passcode="",
    secret="86db1bdd-5cf7-4ea8-b88d-479195f4701a",
    cdr_tag="b1",
    scheduler="tim@tkratzke.local",
)
SET = CreateParameterSet(
    start=1,
    end=5,
    name_prefix="TMS_Scheduled_Meeting_",
    call_profile="1285fa9c-f221-4af7-8462-51cf1d7542eb",
    call_leg_profile="734447d1-4251-442f-b127-ab3304b643f8",
)

# What TMS sent for the same purpose (the trace's running number, method, path, form and its bytes),
# and the fields that we add to it.
TRACE = [
    (
        8893,
        CreateCallProfile(),
        "POST /api/v1/callProfiles",
        "participantLimit=1000&messageBoardEnabled=false",
        47,
        set(),
    ),
    (
        8894,
        CreateCallLegProfile(name="cospaced 1a2b"),
        "POST /api/v1/callLegProfiles",
        (
            "defaultLayout=telepresence&changeLayoutAllowed=true&presentationContributionAllowed=true"
            "&presentationViewingAllowed=true&muteSelfAllowed=true&videoMuteSelfAllowed=true"
        ),
        167,
        {"name"},
    ),
    (
        8954,
        SET,
        "POST /api/v1/cospaceBulkParameterSets",
        (
            "startIndex=1&endIndex=5&coSpaceUriMapping=$index$"
            "&coSpaceNameMapping=TMS_Scheduled_Meeting_$index$&coSpaceCallIdMapping=$index$"
            "&callProfile=1285fa9c-f221-4af7-8462-51cf1d7542eb"
            "&callLegProfile=734447d1-4251-442f-b127-ab3304b643f8&nonMemberAccess=false"
        ),
        250,
        set(),
    ),
    (
        8955,
        StartSync(parameter_set="beac931c-ae88-4f5f-b6b7-71a1c4bdaf8e"),
        "POST /api/v1/cospaceBulkSyncs",
        "cospaceBulkParameterSet=beac931c-ae88-4f5f-b6b7-71a1c4bdaf8e",
        60,
        set(),
    ),
    (
        9500,
        OpenSpace(space=SPACE, form=FORM),
        f"PUT /api/v1/coSpaces/{SPACE}",
        (
            "nonMemberAccess=true&passcode=&name=Tim Kratzke Acano TMSXE Test Meeting"
            "&secret=86db1bdd-5cf7-4ea8-b88d-479195f4701a"
        ),
        116,  # TMS begins with a lone & besides
        {"cdrTag", "meetingScheduler"},
    ),
    (
        9501,
        StartCall(space=SPACE),
        "POST /api/v1/calls",
        f"coSpace={SPACE}",
        44,
        set(),
    ),
    (
        9506,
        DialEndpoint(call=CALL, endpoint="desk.ex90@tkratzke.local", owner_id="o-1"),
        f"POST /api/v1/calls/{CALL}/callLegs",
        "remoteParty=desk.ex90@tkratzke.local",
        36,
        {"confirmation", "ownerId"},
    ),
    (
        9878,
        CloseSpace(space=SPACE, name="TMS_Scheduled_Meeting_1"),
        f"PUT /api/v1/coSpaces/{SPACE}",
        "nonMemberAccess=false&passcode=&name=TMS_Scheduled_Meeting_1&regenerateSecret=true",
        82,  # as above
        {"cdrTag", "meetingScheduler"},
    ),
]


@pytest.mark.parametrize(
    ("write", "line", "form", "size", "ours"),
    [row[1:] for row in TRACE],
    ids=[str(row[0]) for row in TRACE],
)
def test_a_write_sends_what_tms_sent_for_the_same_and_as_many_bytes(
    write: Write, line: str, form: str, size: int, ours: set[str]
) -> None:
    request = to_request(write)
    assert f"{request.method} {request.path}" == line
    theirs = parse_qsl(form, keep_blank_values=True)
    common = tuple((key, value) for key, value in request.form if key not in ours)
    assert list(common) == theirs
    assert len(encode_form(common)) == size
    assert {key for key, _ in request.form} - {key for key, _ in theirs} == ours


def test_the_forms_above_are_those_of_the_recorded_trace() -> None:
    file = Path(__file__).parents[1] / "data" / "cms" / "tms-cms-2016.json"
    forms = {entry["trace"]: entry for entry in json.loads(file.read_text())["requests"]}
    for number, _, line, form, size, _ in TRACE:
        entry = forms[number]
        assert entry["form"].lstrip("&") == form
        assert len(entry["form"].lstrip("&")) == size
        assert f"{entry['method']} {entry['path']}".lower() == line.lower()


def test_closing_empties_everything_that_opening_had_set() -> None:
    opened = dict(to_request(OpenSpace(space=SPACE, form=FORM)).form)
    closed = dict(to_request(CloseSpace(space=SPACE, name="cospaced_5")).form)
    assert closed == {
        "nonMemberAccess": "false",
        "passcode": "",
        "name": "cospaced_5",
        "regenerateSecret": "true",
        "cdrTag": "",
        "meetingScheduler": "",
    }
    assert opened.keys() - closed.keys() == {"secret"}


def test_a_balanced_dial_goes_by_participants_and_names_its_group() -> None:
    write = DialEndpoint(
        call=CALL,
        endpoint="a@x",
        owner_id="o",
        dtmf="12#,*",
        bandwidth=2_000_000,
        call_bridge_group="g1",
        balanced=True,
    )
    assert to_request(write) == ApiRequest(
        method="POST",
        path=f"/api/v1/calls/{CALL}/participants",
        form=(
            ("remoteParty", "a@x"),
            ("confirmation", "false"),
            ("ownerId", "o"),
            ("dtmfSequence", "12#,*"),
            ("bandwidth", "2000000"),
            ("callBridgeGroup", "g1"),
        ),
    )


def test_a_dial_that_stays_on_its_bridge_names_no_group() -> None:
    write = DialEndpoint(call=CALL, endpoint="a@x", owner_id="o", call_bridge_group="g1")
    assert "callBridgeGroup" not in dict(to_request(write).form)


def test_deletes_have_no_form() -> None:
    assert to_request(EndCall(call=CALL)) == ApiRequest(
        method="DELETE", path=f"/api/v1/calls/{CALL}"
    )
    assert to_request(DropLeg(leg="l")) == ApiRequest(method="DELETE", path="/api/v1/callLegs/l")


def test_a_message_has_text_place_and_seconds() -> None:
    request = to_request(ShowMessage(call=CALL, text="Ends in 5 minutes", seconds=20))
    assert request.path == f"/api/v1/calls/{CALL}"
    assert request.form == (
        ("messageText", "Ends in 5 minutes"),
        ("messagePosition", "top"),
        ("messageDuration", "20"),
    )


def test_a_single_slot_is_made_locked_on_its_number() -> None:
    write = CreateSpace(
        number=881007, name="cospaced_881007", call_profile="p", call_leg_profile="l"
    )
    assert dict(to_request(write).form) == {
        "name": "cospaced_881007",
        "uri": "881007",
        "callId": "881007",
        "nonMemberAccess": "false",
        "callProfile": "p",
        "callLegProfile": "l",
    }


def test_dollars_and_backslashes_of_a_prefix_are_escaped_in_a_mapping() -> None:
    write = CreateParameterSet(
        start=1, end=2, name_prefix="a$b\\c_", call_profile="p", call_leg_profile="l"
    )
    assert dict(to_request(write).form)["coSpaceNameMapping"] == r"a\$b\\c_$index$"


@pytest.mark.parametrize("identity", ["", ".", ".."])
@pytest.mark.parametrize("kind", [EndCall, DropLeg, CloseSpace])
def test_what_is_no_id_never_becomes_the_path_of_a_collection(
    kind: type[Write], identity: str
) -> None:
    fields = {EndCall: {"call": identity}, DropLeg: {"leg": identity}}
    with pytest.raises(ValueError, match="no id"):
        to_request(kind(**fields.get(kind, {"space": identity, "name": "n"})))


def test_an_id_stays_one_element_of_the_path() -> None:
    assert to_request(EndCall(call="a/../b?c=d")).path == "/api/v1/calls/a%2F..%2Fb%3Fc%3Dd"


def test_forms_are_utf_8_with_separators_escaped() -> None:
    fields = (("name", "Größe & 1+1=2 %"), ("empty", ""))
    body = encode_form(fields)
    assert body == b"name=Gr%C3%B6%C3%9Fe+%26+1%2B1%3D2+%25&empty="
    assert tuple(parse_qsl(body.decode(), keep_blank_values=True)) == fields


def test_half_a_surrogate_pair_is_no_reason_not_to_write() -> None:
    assert encode_form((("name", "cut \ud83d"),)) == b"name=cut+%3F"


def test_every_write_is_covered_here() -> None:
    here = {type(row[1]) for row in TRACE} | {EndCall, DropLeg, ShowMessage, CreateSpace}
    assert here == set(get_args(Write))
