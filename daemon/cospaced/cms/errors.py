"""What CMS gives as reasons for a refusal, read from `failureDetails`.

The name of the reason decides, not the status: the documentation says 404 for an unknown object,
and bridges in the field say 400. Documentation and bridges also spell one of them differently.
"""

from xml.etree.ElementTree import Element

from cospaced.cms.codec import MalformedAnswer, parse


NOT_FOUND = 404

_SPELLING = {"unrecognizedObject": "unrecognisedObject"}
"""The documentation's spelling to that of real bridges."""


def reasons(body: bytes) -> tuple[str, ...]:
    """Return every reason of a failureDetails body, in its order; none where it is no such body.

    A parameterError names its parameter and error: `parameterError streamUrl invalidValue`.
    """
    if b"failureDetails" not in body:
        return ()
    try:
        root = parse(body)
    except MalformedAnswer:
        return ()
    if root.tag != "failureDetails":
        return ()
    return tuple(_reason(element) for element in root)


def refusal(status: int, given: tuple[str, ...]) -> str:
    """Return the reasons in one text, or `status 4xx` where none was given."""
    return ", ".join(given) or f"status {status}"


def is_missing(status: int, body: bytes, given: tuple[str, ...]) -> bool:
    """Whether the object that was asked for does not exist.

    A 404 with a page in it is somebody else's (a proxy's): it says nothing of CMS.
    """
    if given:
        return any(
            reason.endswith("DoesNotExist") or reason == "unrecognisedObject" for reason in given
        )
    return status == NOT_FOUND and not body.strip()


def _reason(element: Element) -> str:
    name = _SPELLING.get(element.tag, element.tag)
    details = [element.get("parameter", ""), element.get("error", "")]
    return " ".join([name, *(detail for detail in details if detail)])
