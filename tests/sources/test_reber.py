"""The embedded Reber grammar: strings are of it or not, each is there once, and the same seed makes the same."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from rnnlab.examples import Examples
from rnnlab.places import Places
from rnnlab.sources.reber import Reber, is_grammatical, make_strings

# The grammar as a regular expression, from its drawing.
INNER = r"B(?:T(?:S)*(?:XX(?:T)*V(?:PX(?:T)*V)*(?:V|PS)|XS)|P(?:T)*V(?:PX(?:T)*V)*(?:V|PS))E"
EMBEDDED = re.compile(rf"B([TP]){INNER}\1E")


def opened(**keys: Any) -> dict[str, Examples]:
    source = Reber.model_validate({"train": 300, "test": 200, "validation": {"by": "none"}, **keys})
    return source.splits(Places(Path(), Path()))


def strings(examples: Examples) -> list[str]:
    return [examples.read(index)["text"].tobytes().decode() for index in range(len(examples))]


def test_labels_say_what_a_regular_expression_of_the_grammar_says() -> None:
    made, wrong = make_strings(3000, 1)
    for string, mistaken in zip(made, wrong, strict=True):
        assert (EMBEDDED.fullmatch(string) is None) == bool(mistaken), string
        assert is_grammatical(string) != bool(mistaken)


def test_half_of_the_strings_have_a_mistake_and_none_is_there_twice() -> None:
    splits = opened()
    every = strings(splits["train"]) + strings(splits["test"])
    assert len(set(every)) == len(every) == 500
    share = np.mean(np.concatenate([np.asarray(each.targets) for each in splits.values()]))
    assert share == 0.5


def test_a_seed_makes_the_same_strings_and_another_one_others() -> None:
    assert strings(opened()["train"]) == strings(opened()["train"])
    assert strings(opened(seed=1)["train"]) != strings(opened()["train"])


def test_strings_to_predict_are_lines(tmp_path: Path) -> None:
    (tmp_path / "strings.txt").write_text("BTBPVVETE\n\nBPBTXSEPE\n")
    source = Reber.model_validate({})
    read = source.read_input(tmp_path / "strings.txt", opened()["train"].signature)
    assert strings(read) == ["BTBPVVETE", "BPBTXSEPE"]
