"""Downloads: a file from the network, whole and as its checksum says, or not at all."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from rnnlab import bounded
from rnnlab.strict import shown

MOST_BYTES = 10_000_000_000  # of one file
SECONDS = 20  # without an answer for so long, the network counts as absent
CHUNK = 1 << 20


def open_address(address: str) -> Any:
    """Return the answer of an address, to be read."""
    return urlopen(address, timeout=SECONDS)


def fetch(address: str, path: Path, algorithm: str, expected: str) -> None:
    """Download one file; it appears under its name only when it is whole.

    Args:
        address: https://…
        path: where it is put.
        algorithm: of the checksum, such as `sha256`.
        expected: the checksum, in hexadecimal digits.

    Raises:
        ValueError: what arrived is not what the checksum says, is too large, or would not come over https.
        OSError, HTTPException: there is no network, or no such file.
    """
    if not address.startswith("https://"):  # urlopen would read this machine's own files, too
        raise ValueError(f"{path.name}: expected an address https://…; received {shown(address)}")
    path.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.new(algorithm, usedforsecurity=False)
    descriptor, part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file, open_address(address) as response:
            while chunk := response.read(CHUNK):
                digest.update(chunk)
                file.write(chunk)
                if file.tell() > MOST_BYTES:
                    raise ValueError(f"{path.name} is larger than {MOST_BYTES:,} bytes")
        if digest.hexdigest() != expected:
            received = f"expected the {algorithm} {expected}; received {digest.hexdigest()}"
            raise ValueError(f"{path.name} arrived damaged, or is another file by now: {received}")
        Path(part).replace(path)
    finally:
        Path(part).unlink(missing_ok=True)


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal digits.

    Raises:
        OSError: it can't be read, or is no regular file.
    """
    digest = hashlib.sha256()
    with bounded.open_regular(path) as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
