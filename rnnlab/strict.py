"""The base of every class that is read from YAML: frozen, nothing extra, nothing converted in silence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from rnnlab.errors import did_you_mean

Number = TypeVar("Number", int, float)

EXPECTED = {
    "int_type": "expected a whole number",
    "int_from_float": "expected a whole number",
    "float_type": "expected a number",
    "bool_type": "expected true or false",
    "string_type": "expected text",
    "dict_type": "expected a mapping (key: value)",
    "model_type": "expected a mapping (key: value)",
    "model_attributes_type": "expected a mapping (key: value)",
    "none_required": "expected nothing (null)",
    "finite_number": "expected a finite number",
}


def shown(value: object) -> str:
    """Return a value as a message shows it: one line, not too long, and in YAML's words."""
    text = (
        {None: "nothing", True: "true", False: "false"}[value]
        if value is None or value is True or value is False
        else repr(value)
    )
    return text if len(text) <= 80 else f"{text[:79]}…"


def mistake(message: str, location: tuple[int | str, ...], received: object = None) -> InitErrorDetails:
    """Return one pydantic error with exactly this message at this location below the class."""
    kind = PydanticCustomError("mistake", "{message}", {"message": message})
    return InitErrorDetails(type=kind, loc=location, input=received)


def mistakes_error(title: str, mistakes: list[InitErrorDetails]) -> ValidationError:
    """Return a ValidationError that carries several mistakes, their locations kept as it passes outwards."""
    return ValidationError.from_exception_data(title, mistakes)


def friendly(error: ErrorDetails) -> str:
    """Return a pydantic error in the house's words: what was expected, and what was received."""
    kind, received = error["type"], error["input"]
    if kind == "mistake":
        return str(error["msg"])
    if kind == "missing":
        return "required key is missing"
    if kind == "literal_error":
        expected = error["ctx"]["expected"]
        hint = did_you_mean(received, _literals(expected), listed=False) if isinstance(received, str) else ""
        return f"expected one of {expected}; received {shown(received)}{hint}"
    if kind == "value_error":
        return str(error["msg"]).removeprefix("Value error, ")
    return f"{_expected(error)}; received {shown(received)}"


def _expected(error: ErrorDetails) -> str:
    kind, received = error["type"], error["input"]
    if kind in EXPECTED:
        return EXPECTED[kind]
    if kind == "list_type":
        return "expected a list" + (
            "" if isinstance(received, dict) else f", such as [{shown(received).strip(chr(39))}]"
        )
    if kind == "too_short":
        return f"expected {error['ctx']['min_length']} or more elements"
    if kind in ("string_too_short", "string_too_long"):
        return str(error["msg"]).replace("String should have", "expected text of", 1)
    if kind == "string_pattern_mismatch":
        return f"expected text of the form {error['ctx']['pattern']}"
    return str(error["msg"]).replace("Input should be", "expected a value", 1)


def _literals(expected: str) -> list[str]:
    return [word.strip("'") for part in expected.split(" or ") for word in part.split(", ")]


def _in_order(ends: list[Number]) -> list[Number]:
    if ends[0] > ends[1]:
        raise ValueError(f"expected [least, most]; received {ends}")
    return ends


Ends = Annotated[list[Number], Field(min_length=2, max_length=2), AfterValidator(_in_order)]
"""What is drawn from a range: [least, most]."""


def check_order(keys: BaseModel, least: str, most: str) -> None:
    """Check that one key is no less than another.

    Raises:
        ValueError: it is.
    """
    low, high = getattr(keys, least), getattr(keys, most)
    if high < low:
        raise ValueError(f"{most}: expected {low} or more, as `{least}` says; received {high}")


class Strict(BaseModel):
    """A frozen pydantic model whose fields are the YAML keys. Unknown keys are mistakes with a suggestion.

    Class attributes:
        idle_unless: for a key that matters only beside certain values of another, (other key, test of its value). To
            give it a value where it would do nothing is a mistake.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, validate_default=False, allow_inf_nan=False)
    idle_unless: ClassVar[Mapping[str, tuple[str, Callable[[Any], bool]]]] = {}

    @model_validator(mode="wrap")
    @classmethod
    def _collect_mistakes(cls, values: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if not isinstance(values, dict):
            return handler(values)
        unknown = [key for key in values if key not in cls.model_fields]
        found = [
            mistake(f"unknown key{did_you_mean(str(key), cls.model_fields)}", (str(key),), values[key])
            for key in unknown
        ]
        try:
            result = handler({key: value for key, value in values.items() if key in cls.model_fields})
        except ValidationError as error:
            found += [mistake(friendly(each), each["loc"], each["input"]) for each in error.errors()]
        else:
            found += result._idle_keys()
        if found:
            raise mistakes_error(cls.__name__, found)
        return result

    def _idle_keys(self) -> list[InitErrorDetails]:
        found = []
        for key, (other, matters) in self.idle_unless.items():
            given = getattr(self, key)
            default = type(self).model_fields[key].get_default(call_default_factory=True)
            if given != default and not matters(getattr(self, other)):
                received = getattr(self, other)
                received = received.model_dump() if isinstance(received, BaseModel) else received
                message = f"does nothing while '{other}' is {shown(received)}; remove it, or change '{other}'"
                found.append(mistake(message, (key,), given))
        return found
