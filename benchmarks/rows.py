"""What benchmarks of whole runs share: shipped specs, trained and scored by the command line, and rows that are kept.

A row is trained again only when its spec or settings have changed, so that a benchmark that was stopped goes on.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
TOP = HERE.parent
RESULTS = HERE / "results"
sys.path.insert(0, str(TOP))


def rnnlab(*arguments: str) -> None:
    """Run `rnnlab` as the command line does; what it says against it ends the benchmark."""
    command = [sys.executable, "-m", "rnnlab", *arguments]
    done = subprocess.run(command, env=os.environ, cwd=TOP, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)


def config(name: str) -> Path:
    return TOP / "configs" / f"{name}.yaml"


def sets(settings: Iterable[str]) -> list[str]:
    """Return settings as arguments."""
    return [part for each in settings for part in ("--set", each)]


def scored(run: Path, split: str) -> dict[str, Any]:
    """Return what `rnnlab evaluate` wrote of a split."""
    found: dict[str, Any] = json.loads((run / "metrics" / f"{split}.json").read_text("utf-8"))
    return found


def manifest(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run / "manifest.json").read_text("utf-8"))
    return found


def keep_rows(
    output: Path,
    rows: Mapping[str, tuple[str, Sequence[str]]],
    measure: Callable[[str, Sequence[str]], dict[str, Any]],
) -> dict[str, dict[str, Any]]:
    """Return title → what was measured; rows of the same spec and settings are read from `output`, others measured.

    Args:
        output: the JSON file, written after each row.
        rows: title → the spec's name and the settings that change it.
        measure: of the spec's name and the settings.
    """
    known = json.loads(output.read_text("utf-8")) if output.is_file() else {}
    kept: dict[str, dict[str, Any]] = {}
    for title, (name, settings) in rows.items():
        lines = [line for line in config(name).read_text("utf-8").splitlines() if not line.startswith("#")]
        digest = hashlib.sha256(json.dumps([lines, list(settings)]).encode()).hexdigest()[:16]
        row = known.get(title)
        if row is None or row["digest"] != digest:
            row = {"digest": digest, "settings": list(settings), **measure(name, settings)}
        kept[title] = row
        output.write_text(json.dumps({**known, **kept}, indent=1) + "\n", encoding="utf-8")
    output.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    return kept


def settings_note(rows: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return lines that say what each row changes of its spec."""
    lines = [f"- {title}: `{'` `'.join(row['settings'])}`" for title, row in rows.items() if row["settings"]]
    return ["", "Settings beside the shipped spec:", "", *lines] if lines else []
