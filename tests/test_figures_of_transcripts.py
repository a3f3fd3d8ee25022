"""Figures of transcripts draw what there is, cut no name, and count as an independent reference does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.text import Text

from rnnlab.figures import FIGURES, Alignment, Evidence, draw_all
from rnnlab.figures._evidence import texts_of
from rnnlab.figures.character_confusion import NOTHING, confusions
from rnnlab.figures.error_by_length import rates_of
from rnnlab.metrics import METRICS
from rnnlab.signature import Field

from .test_figures import history, picture

NAMES = ("alignment", "character_confusion", "error_by_length")
pytestmark = pytest.mark.filterwarnings("error")


def transcripts(pairs: list[tuple[str, str]], aligned: list[Alignment]) -> Evidence:
    true, answered = (np.array([each.encode() for each in texts]) for texts in zip(*pairs, strict=True))
    lengths = np.arange(len(pairs)) + 5
    return Evidence(
        title="a-run-001",
        split="test",
        target=Field("target", "string", ()),
        ids=[str(number) for number in range(len(pairs))],
        lengths=lengths,
        targets=true,
        answers={"texts": answered.astype(object)},
        train_lengths=lengths,
        history=history(4),
        alignments=aligned,
    )


def aligned(features: int = 12, true: str = "ab", answered: str = "ab", steps: int = 10) -> Alignment:
    """Return an alignment of two tokens, of a network each of whose steps stands for two."""
    random = np.random.default_rng(0)
    path = np.full(steps, -1)
    path[2:4], path[6] = 0, 1
    return Alignment(
        id="call-$1",
        values=random.normal(size=(2 * steps, features)).astype(np.float32),
        probabilities=random.dirichlet(np.ones(4), steps).astype(np.float32),
        path=path,
        labels=np.array([2, 3], np.int32),
        tokens=["a", "␣"],
        true=true,
        answered=answered,
        wrong=true != answered,
    )


LONG = "x" * 400
PAIRS = [("ab $", "ab $"), ("abc", "adc"), ("b", ""), ("", "b"), ("aa bb", "aab"), ("abcdefgh", "abcdefg1")] * 8
CASES: dict[str, Evidence] = {
    "some errors": transcripts(PAIRS, [aligned(), aligned(1, answered="b"), aligned(3)]),
    "many characters": transcripts([(chr(33 + n) * (3 + n % 5), chr(34 + n) * 2) for n in range(80)], [aligned()]),
    "long texts": transcripts([(LONG, LONG[:-9]), ("y", "")] * 20, [aligned(true=LONG, answered=LONG[1:])]),
    "no error": transcripts([("ab", "ab"), ("a", "a")] * 20, [aligned()]),
    "one example": transcripts([("ab", "b")], []),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", NAMES)
def test_a_figure_draws_something_and_cuts_no_text(name: str, case: str, tmp_path: Path) -> None:
    drawing = FIGURES.load(name)().draw(CASES[case])
    if drawing is None:
        assert (name, case) in {
            ("alignment", "one example"),
            ("error_by_length", "one example"),
            ("character_confusion", "no error"),
        }
        return
    pixels = picture(drawing, tmp_path)
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    assert min(pixels.shape[:2]) > 250
    assert pixels.std() > 0.02
    assert (border == 1).all(), "something touches the edge of the picture"


def test_all_figures_of_transcripts_are_saved(tmp_path: Path) -> None:
    written = draw_all(CASES["some errors"], "transcription", tmp_path)
    assert {path.stem for path in written} == {*NAMES, "learning_curves"}


def test_without_true_texts_nothing_is_drawn() -> None:
    blind = replace(CASES["some errors"], targets=None, alignments=())
    assert [FIGURES.load(name)().draw(blind) for name in NAMES] == [None] * 3


def test_a_token_stands_where_it_is_said() -> None:
    drawing: Any = FIGURES.load("alignment")().draw(CASES["some errors"])
    texts = {each.get_text(): each.get_position()[0] for each in drawing.axes[1].texts}
    assert texts == {"a": 6.0, "␣": 13.0}  # steps 2 and 3, and step 6, of two time steps each


CAPITALS = transcripts([("AB cd", "ab cd"), ("É", "é"), ("Abc", "abd"), ("bC", "c")] * 9, [])


def metric_of(evidence: Evidence, name: str) -> float:
    """Return a score of what a figure is drawn of, of a task whose answers are in lower case."""
    assert evidence.targets is not None
    metric = METRICS.parse({METRICS.key: name, "lowercase": True})
    batch = {"texts": evidence.targets, "weights": np.ones(len(evidence.ids), np.float32)}
    return float(metric.value({key: np.asarray(each) for key, each in metric.sums(evidence.answers, batch).items()}))


def test_figures_and_metrics_agree_on_capitals() -> None:
    lower = replace(CAPITALS, lowercase=True)
    rate = metric_of(CAPITALS, "character_error_rate")
    assert rate == pytest.approx(2 / 11)
    errors: Any = FIGURES.load("error_by_length")().draw(lower)
    assert any(f"{rate:.2%}" in each.get_text() for each in errors.findobj(Text))
    assert confusions(texts_of(lower)) == {("c", "d"): 9, ("b", NOTHING): 9}
    assert confusions(texts_of(CAPITALS)).total() > 18, "where capitals count, they are errors"


def test_the_score_by_length_is_of_lower_case_where_the_task_is() -> None:
    same = transcripts([("AB CD", "ab cd"), ("Efgh ij", "efgh ij")] * 8, [])
    drawing: Any = FIGURES.load("score_by_length")().draw(replace(same, lowercase=True))
    assert any("100.0" in each.get_text() for each in drawing.findobj(Text))


def test_characters_are_counted_as_they_were_taken() -> None:
    found = confusions([("abc", "adc"), ("ab", "abb"), ("abc", "ac"), ("a", "a")])
    assert found == {("b", "d"): 1, (NOTHING, "b"): 1, ("b", NOTHING): 1}


def test_a_rate_is_that_of_all_texts_of_a_bin_together_and_one_text_has_no_interval() -> None:
    edits, lengths = np.array([1.0, 0, 3, 5]), np.array([2, 4, 4, 5])
    rate, error = rates_of(edits, lengths, np.array([0, 0, 0, 1]))
    assert rate.tolist() == [0.4, 1.0]
    deviations = edits[:3] - 0.4 * lengths[:3]
    # By a table of Student's t: 4.3027 with two degrees of freedom.
    assert error[0] == pytest.approx(4.3027 * np.sqrt(3 * deviations.var(ddof=1)) / 10, rel=1e-4)
    assert np.isnan(error[1])
