"""Kinds of parameters that several collections share, and the settings of a call leg."""

from cospaced.simulator.fields import Field, Kind


TEXT = Field()
BOOLEAN = Field(kind=Kind.BOOLEAN)
NUMBER = Field(kind=Kind.NUMBER)
BASIS_POINTS = Field(kind=Kind.NUMBER, most=10_000)
IMPORTANCE = Field(kind=Kind.NUMBER, most=2_147_483_647)
TONE = Field(kind=Kind.NUMBER, most=100)
USER_PART = Field(kind=Kind.USER_PART)
DIGITS = Field(kind=Kind.DIGITS)


def choice(*values: str) -> Field:
    """Return a parameter that has only these values."""
    return Field(choices=values)


def reference(collection: str) -> Field:
    """Return a parameter that holds an id of a collection."""
    return Field(kind=Kind.REFERENCE, target=collection)


def each(field: Field, *names: str) -> dict[str, Field]:
    """Return several parameters of one kind."""
    return dict.fromkeys(names, field)


LAYOUT = choice(
    *("allEqual", "speakerOnly", "telepresence", "stacked", "allEqualQuarters", "allEqualNinths"),
    *("allEqualSixteenths", "allEqualTwentyFifths", "onePlusFive", "onePlusSeven", "onePlusNine"),
    *("automatic", "onePlusN"),
)
MODE = choice("disabled", "manual", "automatic")

LEG_SETTINGS = {
    "needsActivation": BOOLEAN,
    "defaultLayout": LAYOUT,
    "changeLayoutAllowed": BOOLEAN,
    "participantLabels": BOOLEAN,
    "presentationDisplayMode": choice("dualStream", "singleStream"),
    **each(BOOLEAN, "presentationContributionAllowed", "allowAllPresentationContributionAllowed"),
    **each(BOOLEAN, "presentationViewingAllowed", "endCallAllowed", "muteOthersAllowed"),
    **each(BOOLEAN, "changeJoinAudioMuteOverrideAllowed", "videoMuteOthersAllowed"),
    **each(BOOLEAN, "muteSelfAllowed", "allowAllMuteSelfAllowed", "videoMuteSelfAllowed"),
    "joinToneParticipantThreshold": TONE,
    "leaveToneParticipantThreshold": TONE,
    "videoMode": choice("auto", "disabled"),
    **each(BOOLEAN, "rxAudioMute", "txAudioMute", "rxVideoMute", "txVideoMute"),
    "sipMediaEncryption": choice("optional", "required", "prohibited"),
    "audioPacketSizeMs": NUMBER,
    "deactivationMode": choice("deactivate", "disconnect", "remainActivated"),
    "deactivationModeTime": NUMBER,
    **each(BOOLEAN, "telepresenceCallsAllowed", "sipPresentationChannelEnabled"),
    "bfcpMode": choice("serverOnly", "serverAndClient"),
    **each(BOOLEAN, "callLockAllowed", "setImportanceAllowed", "recordingControlAllowed"),
    "streamingControlAllowed": BOOLEAN,
    "maxCallDurationTime": NUMBER,
    **each(TEXT, "qualityMain", "qualityPresentation"),
    "participantCounter": choice("never", "auto", "always"),
    "controlRemoteCameraAllowed": BOOLEAN,
    "layoutTemplate": TEXT,
    "audioGainMode": choice("agc", "disabled"),
}
"""What a call leg profile may set, and a call leg override."""
