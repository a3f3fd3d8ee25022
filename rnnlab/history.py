"""history.csv: one row an epoch."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rnnlab.rundir import write_text


def write_history(path: Path, rows: Sequence[dict[str, Any]], *, durable: bool = True) -> None:
    """Write the rows, whose columns are `epoch, loss, METRIC…, val_loss, val_METRIC…, learning_rate, …`.

    Without `durable` it does not wait for the disk: a power cut may take rows that are trained again anyway.
    """
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, fieldnames=list(rows[0]) if rows else ["epoch"], lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: value if isinstance(value, int) else f"{value:.9g}" for name, value in row.items()})
    write_text(path, buffer.getvalue(), durable=durable)


def read_history(path: Path) -> list[dict[str, Any]]:
    """Return the rows, numbers as numbers; none where there is no file."""
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [
            {name: int(value) if name == "epoch" else float(value) for name, value in row.items()}
            for row in csv.DictReader(file)
        ]
