"""The manifest: where a run comes from. Versions, data fingerprint, seed, hardware, how it ended; what was left out."""

from __future__ import annotations

import csv
import datetime
import io
import platform
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rnnlab.examples import Examples, Skipped
from rnnlab.rundir import write_text
from rnnlab.signature import Signature

PACKAGES = ("tensorflow", "keras", "numpy", "aeon", "scikit-learn")


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


def write_skipped(path: Path, skipped: Mapping[str, Sequence[Skipped]]) -> None:
    """Write the bad sequences that were left out of each split: one row each, `split, id, where, reason`."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["split", "id", "where", "reason"])
    for split, sequences in skipped.items():
        writer.writerows([split, each.id, each.where, each.reason] for each in sequences)
    write_text(path, buffer.getvalue())
