"""What an example holds: the fields that go in, and the target that is asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, Self

from rnnlab.errors import DataError

Kind = Literal[
    "series",
    "future",
    "notes",
    "frames",
    "strokes",
    "audio",
    "text",
    "words",
    "tokens",
    "spelled",
    "class",
    "labels",
    "numbers",
    "tags",
    "string",
]
# Of the others: float32. Words and strings are bytes in UTF-8, as long as the longest.
DTYPES: dict[str, str] = {
    "frames": "uint8",
    "text": "uint8",
    "words": "S",
    "tokens": "int32",
    "spelled": "int32",
    "string": "S",
}


@dataclass(frozen=True)
class Field:
    """One field of an example.

    Attributes:
        name: the field's name, such as `sequence`.
        kind: `series` (T, F); `future` (H, K), what is known of steps to come; `notes` (T, K), 1 where a key sounds,
            else 0; `frames` (T, H, W, C) of 0 to 255, a picture being one frame; `strokes` (T, 3), the points of a
            drawing: x and y in the data's own units, and 1 at the last point of each stroke, else 0; `audio` (T, 1),
            samples of -1 to 1; `text` in UTF-8, of which a step is a byte; `words` (T,), bytes in UTF-8 each; `tokens`
            (T, 1), numbers of `names`;
            `spelled` (T, 1 + L), a token and its characters, numbers of `characters`; `class` one of `names`; `labels`
            any number of `names`;
            `numbers` one value per name; `tags` one of `names` for every step; `string` a text as a whole, bytes in
            UTF-8, which the network is asked for in tokens. A target of the input's own name asks for the input's next
            step.
        shape: the shape of one time step, such as (F,), or of the whole value where there is no time; of a string, once
            it is prepared, (L,), the most tokens of an answer.
        names: the names of the features, tokens, classes, labels, numbers or tags; of a string its tokens.
        characters: of what is spelled, the names of the characters.
        rate: of audio, the samples of a second, in Hz; 0 of anything else.
    """

    name: str
    kind: Kind
    shape: tuple[int, ...]
    names: tuple[str, ...] = ()
    characters: tuple[str, ...] = ()
    rate: int = 0

    @property
    def dtype(self) -> str:
        """The type of its values."""
        return DTYPES.get(self.kind, "float32")

    def to_json(self) -> dict[str, Any]:
        known = {"name": self.name, "kind": self.kind, "shape": list(self.shape), "names": list(self.names)}
        known |= {"characters": list(self.characters)} if self.characters else {}
        return {**known, "rate": self.rate} if self.rate else known

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        shape, names = tuple(values["shape"]), tuple(values["names"])
        characters, rate = tuple(values.get("characters", ())), values.get("rate", 0)
        return cls(values["name"], values["kind"], shape, names, characters, rate)


@dataclass(frozen=True)
class Signature:
    """The fields of one source's examples.

    Attributes:
        inputs: the fields that go in.
        target: what is asked for; None where answers are not known (prediction).
        found: what reading found out though the spec does not say it, by key, such as the frequency of series; so that
            another file, of which a guess might find something else, is read alike.
    """

    inputs: tuple[Field, ...]
    target: Field | None = None
    found: tuple[tuple[str, str], ...] = ()

    @property
    def known_target(self) -> Field:
        """The target.

        Raises:
            DataError: the examples have none.
        """
        if self.target is None:
            raise DataError("data: the examples have no target (no label and no value)")
        return self.target

    def with_input(self, field: Field) -> Signature:
        """Return the signature with the input of the same name replaced."""
        return replace(self, inputs=tuple(field if each.name == field.name else each for each in self.inputs))

    def to_json(self) -> dict[str, Any]:
        return {
            "inputs": [field.to_json() for field in self.inputs],
            "target": self.target.to_json() if self.target else None,
            **({"found": dict(self.found)} if self.found else {}),
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        target = values["target"]
        return cls(
            tuple(Field.from_json(field) for field in values["inputs"]),
            Field.from_json(target) if target else None,
            tuple(values.get("found", {}).items()),
        )
