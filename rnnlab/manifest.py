"""The manifest: where a run comes from. Versions, data fingerprint, seed, hardware, and how it ended."""

from __future__ import annotations

import datetime
import platform
import sys
from importlib.metadata import version
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt, ValidationError, field_validator

from rnnlab.errors import one_line
from rnnlab.examples import Examples
from rnnlab.signature import Kind, Signature
from rnnlab.strict import friendly

PACKAGES = ("tensorflow", "keras", "numpy", "aeon", "scikit-learn")


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


def now() -> str:
    """Return the time in UTC, in ISO 8601."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="microseconds")


def versions() -> dict[str, str]:
    """Return the versions that can change a result."""
    import rnnlab

    return {
        "rnnlab": rnnlab.__version__,
        "python": platform.python_version(),
        **{name: _installed(name) for name in PACKAGES},
    }


def _installed(name: str) -> str:
    from importlib.metadata import PackageNotFoundError

    for candidate in (name, f"{name}-cpu"):
        try:
            return version(candidate)
        except PackageNotFoundError:
            continue
    return "unknown"


def describe_data(splits: dict[str, Examples], signature: Signature) -> dict[str, Any]:
    """Return each split's size and fingerprint, and the signature."""
    return {
        "signature": signature.to_json(),
        "splits": {
            name: {"examples": len(examples), "fingerprint": examples.fingerprint()}
            for name, examples in splits.items()
        },
    }


def command() -> str:
    """Return the command that is running, for the record."""
    import shlex

    return shlex.join(["rnnlab", *sys.argv[1:]])
