"""What a person reads in the journal: one sentence for each event.

`{key}` is a key of the event, `{span}` its key `seconds` in a fit unit. A part in `[...]` is left
out where one of its keys is missing or empty; where a key outside such a part is missing, or the
event is not listed, the record reads `event key=value ...`. Nothing here ever raises. The fields of
a record carry every key, so a sentence names only what a reader needs.
"""

import math
import re
from collections.abc import Mapping
from functools import lru_cache


_OTHERS = "[; the {count} other rooms of its server are no errors of their own while that lasts]"

MESSAGES: Mapping[str, str] = {
    # The life of a booking.
    "booking.planned": "Booking {booking} is planned[ for {start}][ on number {number}]",
    "booking.changed": "Booking {booking} changed[: {reason}]",
    "booking.renumbered": "Booking {booking} got another number[, {number}][: {reason}]",
    "booking.opened": "Opened space {number} for booking {booking}[, {late_ms} ms late]",
    "booking.not_opened": "Space for booking {booking} could not be opened: {reason}",
    "booking.told": "Told space {number} the new details of booking {booking}",
    "booking.extended": "Extended booking {booking}[ to {end}][, extension {count}]",
    "booking.not_extended": "Booking {booking} is not extended: {reason}",
    "booking.waiting": "Booking {booking} is due and cannot open: {reason}",
    "booking.trimmed": "Booking {booking} was trimmed[ to {end}][: {reason}]",
    "booking.warned": "Showing the people in booking {booking}: {reason}",
    "booking.overdue": "Booking {booking} is past its end with people in it[; {span} left]",
    "booking.closing": "Closing booking {booking}[: {reason}]",
    "booking.not_closed": "Booking {booking} could not be closed: {reason}",
    "booking.closed": "Closed booking {booking}[: {reason}]",
    "booking.refused": "Booking {booking} gets no conference: {reason}",
    "booking.missed": "Missed booking {booking}: {reason}",
    "booking.waits": "Booking {booking} is not opened yet: {reason}",
    "booking.inherited": "Open booking {booking}: {reason}",
    "booking.adopted": "Booking {booking} was found open on number {number} and goes on",
    "booking.overtaken": "Booking {booking} is over[: {reason}]; was the state file restored?",
    "booking.orphaned": "No calendar holds open booking {booking}[ on number {number}]; it ends",
    "audit.fault": "Looking after everything met a fault of the program; it goes on",
    "booking.fault": "Booking {booking} met a fault of the program; it is tried again",
    # Calls, legs, spaces.
    "call.started": "Started call {call}[ on Call Bridge {bridge}][ for booking {booking}]",
    "call.found": "Found call {call}[ on Call Bridge {bridge}][ for booking {booking}]",
    "call.not_started": "Call for booking {booking} could not be started: {reason}",
    "call.in_doubt": "Call for booking {booking} may or may not have been started[: {reason}]",
    "call.not_ended": "Call of booking {booking} could not be ended: {reason}",
    "call.ended_by_people": "People ended the call of booking {booking}; it is not dialled again",
    "call.lost": "Call Bridge {bridge} lost the call of booking {booking}; it is made anew",
    "call.left_behind": "Call {call} is left in the closed space {number}; it is ended",
    "leg.dialled": "Dialled {endpoint}[ in room {room}][, attempt {attempt}][, {late_ms} ms late]",
    "leg.in_doubt": "Dialling {endpoint} got no answer: {reason}; looking before dialling again",
    "leg.no_effect": "Dialling {endpoint} had no effect; it is dialled again",
    "leg.connected": "{endpoint}[ in room {room}] is connected[ at attempt {attempt}][: {reason}]",
    "leg.gone": "{endpoint}[ in room {room}] did not connect[ at attempt {attempt}][: {reason}]"
    "[; again in {span}]",
    "leg.held": "{endpoint}[ in room {room}] is not dialled: {reason}",
    "leg.left": "{endpoint}[ in room {room}] hung up; it is left in peace",
    "leg.gave_up": "Gave up dialling {endpoint}[ in room {room}][ after attempt {attempt}]"
    "[: {reason}]",
    "leg.dropped": "Dropped {endpoint}[ in room {room}][: {reason}]",
    "endpoint.clash": "{endpoint} is wanted by two bookings at once[: {reason}]",
    "request.failed": "A request for booking {booking} failed: {reason}",
    "observe.withheld": "Only observing, so not sent[ to {bridge}]: {url}",
    "slot.fault": "Looking after space {number} met a fault of the program; it is tried again",
    "space.undecorated": "Space {number} is not told all of booking {booking}: {reason}",
    "space.edited": "Somebody edited the open space of booking {booking}[: {reason}]; it stands",
    "space.missing": "Space {number} of the pool is gone from CMS; it is made again",
    "space.gone": "The open space of booking {booking} is gone from CMS",
    "space.found_open": "Space {number} stands open and no booking is known for it",
    # Calendars.
    "calendar.failed": "Calendar of room {room} cannot be read: {reason}" + _OTHERS,
    "calendar.refused": "Calendar {calendar} cannot be read, with its {count} rooms: {reason}",
    "calendar.accepted": "Calendar {calendar} can be read again[ after {span}]",
    "calendar.recovered": "Calendar of room {room} can be read again[ after {span}]",
    "calendar.all_recovered": "All {count} rooms of calendar {calendar} that failed together can be"
    " read again[ after {span}]",
    "calendar.stale": "Calendar of room {room} is unread since {since}[, for {span}][: {reason}]"
    + _OTHERS,
    "calendar.mute": "Room {room} is dialled no more: its calendar is unread since {since}"
    + _OTHERS,
    "calendar.emptied": "Calendar of room {room} lost {count} events at once; waiting for proof",
    "calendar.refilled": "Calendar of room {room} has its events again[ after {span}]",
    "calendar.believed": "Calendar of room {room} lacks {count} events[ for {span}]; they are gone",
    "calendar.flapping": "Calendar of room {room} turns good and bad by turns, last: {reason}",
    "calendar.steady": "Calendar of room {room} holds still again[ after {span}, {count} turns]",
    "calendar.fault": "Reading the calendar of room {room} met a fault of the program",
    "calendar.streaming": "Changes in {count} rooms of calendar {calendar} are told as they happen",
    "calendar.not_streamed": "Changes in room {room} are not told, only polled for: {reason}",
    "calendar.stream_lost": "Changes of calendar {calendar} are not told for now, only polled for:"
    " {reason}",
    "calendar.stream_back": "Changes in {count} rooms of calendar {calendar} are told again"
    "[, after {span}]",
    "calendar.watch_fault": "Listening to calendar {calendar} met a fault of the program; it is"
    " polled",
    "event.fault": "Event {uid} met a fault in this program; please report it",
    "event.problem": "An event[ of room {room}] was not understood: {reason}",
    "event.skipped": "No booking is made of event {uid}[ in room {room}]: {reason}",
    # Call Bridges and the pool.
    "bridge.reached": "Call Bridge {bridge} answers",
    "bridge.unreachable": "Call Bridge {bridge} does not answer: {reason}",
    "bridge.recovered": "Call Bridge {bridge} answers again[ after {span}]",
    "bridge.fault": "Asking Call Bridge {bridge} met a fault of the program; it is tried again",
    "bridge.restarted": "Call Bridge {bridge} was restarted[ {span} ago]",
    "bridge.dead": "Call Bridge {bridge} is dead; its conferences are made anew elsewhere",
    "bridge.unwatched": "Call Bridge {bridge} is out of reach from here; its conferences go on",
    "bridge.refused": "Call Bridge {bridge} is not used: {reason}",
    "bridge.others_unused": "Other Call Bridges are not looked for: {reason}",
    "bridge.peers_not_stored": "The other Call Bridges cannot be remembered: {reason}",
    "pool.made": "Made the pool: {count} spaces",
    "pool.found": "Found the pool: {count} spaces",
    "pool.enlarged": "Enlarged the pool by {count} spaces",
    "pool.adopted": "Took {count} existing spaces over into the pool",
    "pool.clash": "Number {number} cannot be used: {reason}",
    "pool.unsettled": "Nothing is written to CMS until the pool is settled: {reason}",
    "pool.fault": "Making the pool met a fault of the program; it is tried again",
    "pool.bulk_left": "A bulk sync was left as it is: {reason}",
    "pool.memory_unreadable": "What is known of the pool could not be read: {reason}",
    "pool.memory_not_stored": "What is known of the pool could not be stored: {reason}",
    # The daemon itself.
    "store.failing": "State cannot be stored, carrying on from memory: {reason}",
    "store.recovered": "State can be stored again[ after {span}]",
    "store.rebuilt": "The state file was unreadable and is rebuilt[: {reason}]",
    "store.row_unreadable": "A stored row[ of {room}][ of booking {booking}] is unusable: {reason}",
    "store.site_key_made": "Made the key of this site[: {reason}]",
    "store.close_hangs": "The state file was not closed within {span}",
    "worker.killed": "A calendar worker was ended[ after {span}]: {reason}",
    "worker.died": "A calendar worker died: {reason}",
    "worker.gone": "A calendar worker went away[: {reason}]",
    "config.reloaded": "The configuration was read again[: {reason}]",
    "config.unusable": "cospaced cannot run with this configuration: {reason}",
    "config.refused": "The configuration was not taken over, the old one stays: {reason}",
    "config.needs_restart": "Only a restart brings this into force: {reason}",
    "config.warning": "Configuration: {reason}",
    "daemon.started": "cospaced[ {version}] is starting[; {reason}]",
    "daemon.ready": "cospaced is ready[ after {span}][: {reason}]",
    "daemon.stopping": "cospaced is stopping[: {reason}]; running conferences go on",
    "daemon.stopped": "cospaced has stopped",
    "daemon.failed": "cospaced ends because of a fault[: {reason}]",
    "daemon.late": "The timing loop is {late_ms} ms late",
    "doctor.check_failed": "A check of the doctor failed[: {reason}]",
    "clock.stepped": "The clock stepped by {seconds} s; closing waits until it is confirmed",
    "clock.settled": "The clock's new time is confirmed",
    "control.failed": "A control request failed[: {reason}]",
    "control.dropped": "A control request was dropped: {reason}",
    "log.lost": "{count} records were lost because nobody took them",
    "library.warned": "{library}: {reason}",
    "notify.failed": "systemd cannot be told anything: {reason}",
}

_PART = re.compile(r"\[([^\[\]]*)\]|([^\[\]]+)")
_KEY = re.compile(r"\{([a-z_]+)\}")


def sentence(event: str, keys: Mapping[str, str]) -> str:
    """Return the sentence for an event; `keys` are texts that are fit to be shown."""
    parts = _compiled(event)
    if parts is None:
        return plainly(event, keys)
    shown = {**keys, "span": _span(keys["seconds"])} if "seconds" in keys else keys
    text = []
    for needed, optional, template in parts:
        if all(shown.get(key) for key in needed):
            text.append(template.format_map(shown))
        elif not optional:
            return plainly(event, keys)
    return "".join(text)


def plainly(event: str, keys: Mapping[str, str]) -> str:
    """Return `event key=value ...`; values with blanks or quotes are quoted."""
    return " ".join((event, *(f"{key}={_quoted(value)}" for key, value in keys.items())))


def _span(seconds: str) -> str:
    """Return `45 s`, `12 min`, `5 h` or `3 d`: rounded down, two of a unit at least."""
    try:
        whole = float(seconds)
    except ValueError:
        return seconds
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if 2 * length <= whole < math.inf:
            return f"{int(whole // length)} {unit}"
    return f"{whole:g} s"


def _quoted(value: str) -> str:
    return repr(value) if not value or " " in value or '"' in value or "=" in value else value


@lru_cache(maxsize=512)
def _compiled(event: str) -> tuple[tuple[tuple[str, ...], bool, str], ...] | None:
    """Return the sentence's parts as (keys, may be left out, template), or None: not listed."""
    template = MESSAGES.get(event)
    if template is None:
        return None
    return tuple(
        (
            tuple(_KEY.findall(part[0])),
            part[1] is not None,
            part[1] if part[1] is not None else part[2],
        )
        for part in _PART.finditer(template)
    )
