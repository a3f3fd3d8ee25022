"""What all tests share."""

from __future__ import annotations

import gc
import os

import hypothesis
import pytest

# Times differ too much on a shared machine for a deadline; the same examples every time, so that a failure is no luck.
hypothesis.settings.register_profile("rnnlab", deadline=None, derandomize=True, max_examples=50)
hypothesis.settings.load_profile("rnnlab")

# Beside other workers each computes in one thread: TensorFlow's spin while they wait for work, in the others' time.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what is one long piece, so that no worker waits for another at the end."""
    items.sort(key=lambda item: item.path.name != "test_replicas.py")


def pytest_collection_finish() -> None:
    """Take what was imported and collected, a million objects, out of every later search for garbage."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
