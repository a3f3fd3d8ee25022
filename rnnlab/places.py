"""Where files are looked for: the spec's folder, the working directory, the data directory, in this order."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from rnnlab.errors import DataError


def default_data_directory() -> Path:
    """Return RNNLAB_DATA_DIR, or else `data` in the working directory."""
    return Path(os.environ.get("RNNLAB_DATA_DIR") or "data").absolute()


@dataclass(frozen=True)
class Places:
    """The folders that a relative path of a spec is tried against."""

    spec: Path = field(default_factory=Path.cwd)
    data: Path = field(default_factory=default_data_directory)

    def find(self, path: str, key: str) -> Path:
        """Return the first existing file or folder of this name.

        Args:
            path: as written in the spec.
            key: the key that names it, for the message, such as `data.train`.

        Raises:
            DataError: it is in none of the places.
        """
        try:
            candidates = [Path(path).expanduser()]
        except RuntimeError:  # ~NAME, and there is no such user
            candidates = [Path(path)]
        if not candidates[0].is_absolute():
            candidates = list(dict.fromkeys((root / path).absolute() for root in (self.spec, Path.cwd(), self.data)))
        for candidate in candidates:
            if candidate.is_file() or candidate.is_dir():
                return candidate
            if candidate.exists():
                raise DataError(f"{key}: expected a file or a folder; received a pipe or a device: {candidate}")
        tried = ", ".join(str(candidate) for candidate in candidates)
        raise DataError(
            f"{key}: no such file or folder: {path} (looked for {tried}). "
            "A relative path is tried against the spec's folder, the working directory and the data directory "
            "(--data-dir or RNNLAB_DATA_DIR)."
        )
