"""The committed JSON Schema, which the shipped specs name for editors, is the one that the code gives."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rnnlab.experiment import schema

ROOT = Path(__file__).parents[1]


def test_the_committed_schema_is_up_to_date():
    committed = json.loads((ROOT / "docs" / "spec.schema.json").read_text("utf-8"))
    assert committed == json.loads(schema()), "write it anew: rnnlab schema > docs/spec.schema.json"


@pytest.mark.parametrize("spec", sorted((ROOT / "configs").glob("*.yaml")), ids=lambda path: path.name)
def test_every_shipped_spec_names_the_schema(spec):
    assert spec.read_text("utf-8").splitlines()[1] == "# yaml-language-server: $schema=../docs/spec.schema.json"
