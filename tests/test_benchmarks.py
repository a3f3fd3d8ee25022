"""The short versions of benchmarks/stateful.py and benchmarks/panel_memory.py, which fail where a promise is broken."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def run_short(name: str) -> str:
    result = subprocess.run([sys.executable, str(BENCHMARKS / name), "--short"], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.slow
def test_a_memory_that_goes_on_knows_what_lies_behind_the_window():
    assert "MAE, stateful" in run_short("stateful.py")


@pytest.mark.slow
def test_memory_grows_no_faster_than_the_data():
    assert "peak / raw" in run_short("panel_memory.py")
