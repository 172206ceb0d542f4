"""The fields of a calendar item: their URIs, their order in the schema, and who writes them.

An answer holds just what was asked for. FindItem and SyncFolderItems cannot tell bodies, attendees
and the details of a series; they tell an organizer's directory name instead of the mail address.
"""

from cospaced.exchange_simulator import writers as write
from cospaced.exchange_simulator.markup import tag
from cospaced.exchange_simulator.records import Answer, Kind, Shown
from cospaced.exchange_simulator.writers import Page, Writer


def calendar_item(shown: Shown, page: Page) -> str:
    """Return `t:CalendarItem` with the fields that were asked for."""
    writers = _GIVEN if page.found else _ALL
    parts = [
        writer(shown, page) for uri, writer in writers if uri == _EXTENDED or page.shape.asks(uri)
    ]
    return tag("t:CalendarItem", *parts)


_EXTENDED = "extended"

_ALL: tuple[tuple[str, Writer], ...] = (
    ("item:ItemId", lambda shown, _: write.item_id_markup(shown)),
    (
        "item:ParentFolderId",
        write.parent,
    ),
    (
        "item:ItemClass",
        write.plain(
            "t:ItemClass",
            lambda shown: (
                "IPM.Appointment.Occurrence" if shown.kind is Kind.OCCURRENCE else "IPM.Appointment"
            ),
        ),
    ),
    ("item:Subject", write.plain("t:Subject", lambda shown: shown.content.subject)),
    ("item:Sensitivity", write.plain("t:Sensitivity", lambda shown: shown.content.sensitivity)),
    ("item:Body", write.body),
    ("item:DateTimeReceived", write.plain("t:DateTimeReceived", lambda shown: shown.item.created)),
    ("item:Categories", write.categories),
    ("item:Importance", write.plain("t:Importance", lambda _: "Normal")),
    ("item:IsDraft", write.plain("t:IsDraft", lambda _: False)),
    ("item:DateTimeSent", write.plain("t:DateTimeSent", lambda shown: shown.item.created)),
    ("item:DateTimeCreated", write.plain("t:DateTimeCreated", lambda shown: shown.item.created)),
    ("item:ReminderIsSet", write.plain("t:ReminderIsSet", lambda _: False)),
    ("item:HasAttachments", write.plain("t:HasAttachments", lambda _: False)),
    (_EXTENDED, write.extended),
    ("item:Culture", write.plain("t:Culture", lambda _: "en-US")),
    (
        "item:LastModifiedName",
        write.plain("t:LastModifiedName", lambda shown: shown.item.organizer.shown_name),
    ),
    ("item:LastModifiedTime", write.modified),
    ("item:TextBody", write.text_body),
    ("calendar:UID", write.uid),
    ("calendar:RecurrenceId", write.planned("t:RecurrenceId")),
    ("calendar:DateTimeStamp", write.plain("t:DateTimeStamp", lambda shown: shown.item.modified)),
    ("calendar:Start", write.plain("t:Start", lambda shown: shown.content.start)),
    ("calendar:End", write.plain("t:End", lambda shown: shown.content.end)),
    ("calendar:OriginalStart", write.planned("t:OriginalStart")),
    ("calendar:IsAllDayEvent", write.plain("t:IsAllDayEvent", lambda shown: shown.content.all_day)),
    (
        "calendar:LegacyFreeBusyStatus",
        write.plain("t:LegacyFreeBusyStatus", lambda shown: shown.content.busy),
    ),
    ("calendar:Location", write.plain("t:Location", lambda shown: shown.content.location)),
    ("calendar:IsMeeting", write.plain("t:IsMeeting", write.is_meeting)),
    ("calendar:IsCancelled", write.plain("t:IsCancelled", lambda shown: shown.content.cancelled)),
    (
        "calendar:IsRecurring",
        write.plain("t:IsRecurring", lambda shown: shown.item.recurrence is not None),
    ),
    ("calendar:MeetingRequestWasSent", write.plain("t:MeetingRequestWasSent", write.is_meeting)),
    ("calendar:IsResponseRequested", write.plain("t:IsResponseRequested", lambda _: True)),
    ("calendar:CalendarItemType", write.plain("t:CalendarItemType", lambda shown: shown.kind)),
    (
        "calendar:MyResponseType",
        write.plain("t:MyResponseType", lambda shown: shown.content.answer),
    ),
    ("calendar:Organizer", write.organizer),
    ("calendar:RequiredAttendees", write.people("t:RequiredAttendees", lambda one: one.required)),
    ("calendar:OptionalAttendees", write.people("t:OptionalAttendees", lambda one: one.optional)),
    ("calendar:Resources", write.people("t:Resources", lambda one: one.resources)),
    ("calendar:Duration", write.duration),
    ("calendar:TimeZone", write.plain("t:TimeZone", lambda shown: shown.item.zone)),
    (
        "calendar:AppointmentSequenceNumber",
        write.plain("t:AppointmentSequenceNumber", lambda shown: shown.item.sequence),
    ),
    ("calendar:AppointmentState", write.appointment_state),
    ("calendar:Recurrence", write.of_master(write.recurrence)),
    ("calendar:FirstOccurrence", write.of_master(write.first_occurrence)),
    ("calendar:LastOccurrence", write.of_master(write.last_occurrence)),
    ("calendar:ModifiedOccurrences", write.of_master(write.modified_occurrences)),
    ("calendar:DeletedOccurrences", write.of_master(write.deleted_occurrences)),
    ("calendar:StartTimeZone", write.zone("t:StartTimeZone")),
    ("calendar:EndTimeZone", write.zone("t:EndTimeZone")),
    (
        "calendar:IsOnlineMeeting",
        write.plain("t:IsOnlineMeeting", lambda shown: shown.content.online),
    ),
    (
        "calendar:IntendedFreeBusyStatus",
        write.plain("t:IntendedFreeBusyStatus", lambda shown: shown.content.intended),
    ),
    (
        "calendar:IsOrganizer",
        write.plain("t:IsOrganizer", lambda shown: shown.content.answer is Answer.ORGANIZER),
    ),
)

_NOT_FOUND = frozenset(
    (
        "item:Body",
        "item:TextBody",
        "calendar:RequiredAttendees",
        "calendar:OptionalAttendees",
        "calendar:Resources",
        "calendar:Recurrence",
        "calendar:FirstOccurrence",
        "calendar:LastOccurrence",
        "calendar:ModifiedOccurrences",
        "calendar:DeletedOccurrences",
    )
)

_GIVEN = tuple((uri, writer) for uri, writer in _ALL if uri not in _NOT_FOUND)
