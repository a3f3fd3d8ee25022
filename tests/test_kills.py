"""The short version of benchmarks/kills.py."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "kills.py"


@pytest.mark.slow
def test_killed_trainings_end_with_the_bits_of_the_unbroken_ones():
    result = subprocess.run([sys.executable, str(SCRIPT), "--runs", "8"], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert "| all | 8 |" in result.stdout
