"""What a section's keys are made of: types of values, and the base of every section's model."""

from dataclasses import fields
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, get_type_hints

from pydantic import BaseModel, ConfigDict, InstanceOf, PlainValidator, create_model

from cospaced.configuration import addresses, values
from cospaced.configuration.durations import duration
from cospaced.configuration.values import Passcode
from cospaced.settings import Choice, Secret


By = PlainValidator
Span = Annotated[timedelta, By(duration())]
SpanOfSeconds = Annotated[timedelta, By(duration(timedelta(seconds=1)))]
SpanOfMinutes = Annotated[timedelta, By(duration(timedelta(minutes=1)))]
Text = Annotated[str, By(values.text)]
Filled = Annotated[str, By(values.filled)]
Identifier = Annotated[str, By(values.identifier)]
Switch = Annotated[bool, By(values.switch)]
Guid = Annotated[str, By(values.guid)]
Mail = Annotated[str, By(addresses.mail_address)]
Address = Annotated[str, By(addresses.base_address)]
Certificates = Annotated[Path | None, By(values.certificates)]
SkipOrBook = Annotated[Choice, By(values.member(Choice))]
SipUri = Annotated[str, By(addresses.sip_uri)]
SecretText = InstanceOf[Secret]

UNSET: Any = None
"""Stands for the default of `cospaced.settings`."""


class Keys(BaseModel):
    """The keys of one kind of section; validated from their texts, secrets as Secret."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    target: ClassVar[type]
    """The dataclass whose fields these keys fill."""
    secrets: ClassVar[tuple[str, ...]] = ()
    """Keys that may also be given as KEY_file and as a systemd credential."""
    lists: ClassVar[tuple[str, ...]] = ()
    """Keys whose value may go over several lines."""

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Return every key that may be written, KEY_file next to its KEY."""
        return tuple(
            name
            for key in cls.model_fields
            for name in ([key, f"{key}_file"] if key in cls.secrets else [key])
        )


def needed(keys: type[Keys]) -> tuple[str, ...]:
    """Return the keys that must be written."""
    return tuple(key for key, field in keys.model_fields.items() if field.is_required())


@cache
def relaxed(keys: type[Keys]) -> type[Keys]:
    """Return the same keys, none of them needed: for a section of which some are wrong."""
    hints = get_type_hints(keys, include_extras=True)
    optional: dict[str, Any] = {key: (hints[key], UNSET) for key in needed(keys)}
    return create_model(keys.__name__, __base__=keys, **optional)


def arguments(model: Keys) -> dict[str, Any]:
    """Return what was written, as arguments of the model's dataclass."""
    given = {key: getattr(model, key) for key in model.model_fields_set}
    code = given.pop("passcode", None)
    if isinstance(code, Passcode):
        given |= {"passcode": code.mode, "passcode_digits": code.digits}
        given |= {"passcode_length": code.length} if code.length else {}
    known = {field.name for field in fields(model.target)}
    return {name: value for name, value in given.items() if name in known}
