"""What an open space is told for people's eyes alone, and what of it goes where CMS refuses it.

Name and scheduler come from whoever invites a room. Which texts CMS takes is said nowhere (its
document names a parameterError and no limits), and they are never a reason for dark rooms: a space
whose name is refused opens under the one that it had while it was closed, one whose scheduler is
refused without any. What was refused stands in the row, so that it is asked once; another title
is asked anew.
"""

from dataclasses import replace

from cospaced.domain.booking import SpaceForm


_NAME = "name"
_SCHEDULER = "meetingScheduler"
_NEEDED = ("nonMemberAccess", "passcode", "secret", "cdrTag")


def decorated(form: SpaceForm, refused: tuple[str, ...], neutral: str) -> SpaceForm:
    """Return what a space is told: without `refused` texts, called `neutral` where its name is."""
    return replace(
        form,
        name=neutral if form.name in refused else form.name,
        scheduler="" if form.scheduler in refused else form.scheduler,
    )


def doubtful(form: SpaceForm, reason: str, neutral: str) -> dict[str, str]:
    """Return which texts of a refused form can be done without and may be why, by what they are.

    `reason` is as CMS gives it: `parameterError name invalidValue`, several with commas between.
    Empty where it is something else that CMS does not take.
    """
    blamed = [_blamed(part.split()) for part in reason.split(", ")]
    texts = {
        "name": form.name if any(_NAME in part for part in blamed) else "",
        "organizer": form.scheduler if any(_SCHEDULER in part for part in blamed) else "",
    }
    return {what: text for what, text in texts.items() if text not in ("", neutral)}


def _blamed(words: list[str]) -> tuple[str, ...]:
    """Return which of the two one reason is about; both where it does not say."""
    if words[:1] != ["parameterError"]:
        return (_NAME, _SCHEDULER) if words == ["status", "400"] else ()
    if any(word in _NEEDED for word in words):
        return ()
    return tuple(word for word in words if word in (_NAME, _SCHEDULER)) or (_NAME, _SCHEDULER)
