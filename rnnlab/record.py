"""What a manifest has to hold to be read again: another may have written the file, or a crash half of it."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt, ValidationError, field_validator

from rnnlab.errors import one_line
from rnnlab.signature import Kind
from rnnlab.strict import friendly


class _Record(BaseModel):
    """A part of a manifest that is read again. What a later version adds beside it does no harm."""

    model_config = ConfigDict(strict=True, extra="allow")


class _FieldRecord(_Record):
    name: Annotated[str, Field(min_length=1)]
    kind: Kind
    shape: list[NonNegativeInt]
    names: list[str]


class _SignatureRecord(_Record):
    inputs: Annotated[list[_FieldRecord], Field(min_length=1)]
    target: _FieldRecord | None
    found: dict[str, str] = {}


class _SplitRecord(_Record):
    fingerprint: str


class _DataRecord(_Record):
    signature: _SignatureRecord
    splits: dict[str, _SplitRecord]

    @field_validator("splits")
    @classmethod
    def _has_training_split(cls, splits: dict[str, _SplitRecord]) -> dict[str, _SplitRecord]:
        if "train" not in splits:
            raise ValueError("expected a split 'train'")
        return splits


class _EndRecord(_Record):
    reason: str
    epochs: int
    best_epoch: int | None
    stopped_early: bool


class _ManifestRecord(_Record):
    data: _DataRecord
    versions: dict[str, str]
    plugin_digests: dict[str, str] = {}
    widths: Annotated[list[PositiveInt], Field(min_length=1)]
    status: str = ""
    started: str = ""
    spec_folder: str = "."
    data_folder: str | None = None
    weights_from: str | None = None
    finished: _EndRecord | None = None


def mistake_in(manifest: object) -> str | None:
    """Return the first thing in a manifest, read from a file, that is not as rnnlab writes it, or None."""
    try:
        _ManifestRecord.model_validate(manifest)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the manifest"
        return one_line(f"{place}: {friendly(first)}", 300)
    return None
