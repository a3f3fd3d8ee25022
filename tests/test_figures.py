"""Every figure draws on whatever evidence there is, warns of nothing, and cuts no name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure as Drawing
from matplotlib.font_manager import findfont
from matplotlib.image import imread

from rnnlab.figures import FIGURES, Clip, Evidence, Looking, _fonts, draw_all
from rnnlab.figures._evidence import wilson
from rnnlab.figures.length_histogram import padding_share
from rnnlab.signature import Field

LONG = ("walking upstairs with a heavy rucksack on both shoulders", "sitting", "jumping $5 and $6_x", "a" * 50)
TASKS = {"class": "classification", "labels": "classification", "numbers": "regression"}
pytestmark = pytest.mark.filterwarnings("error")


def evidence(kind: str, names: tuple[str, ...], examples: int = 90, epochs: int = 12) -> Evidence:
    random = np.random.default_rng(0)
    shape = (examples, len(names))
    every: dict[str, np.ndarray] = {
        "class": random.integers(0, len(names), examples),
        "labels": (random.random(shape) < 0.4).astype(np.float32),
        "numbers": random.normal(size=shape).astype(np.float32),
    }
    targets = every[kind]
    scores = random.exponential(size=shape)
    if kind == "class":
        scores[np.arange(examples), targets] += 3
        scores /= scores.sum(axis=1, keepdims=True)
    answers = {"values": targets + scores} if kind == "numbers" else {"probabilities": np.minimum(scores, 1)}
    lengths = random.integers(3, 40, examples)
    return Evidence(
        title="a-run-001",
        split="validation",
        target=Field("target", kind, (), names),  # type: ignore[arg-type]
        ids=[str(index) for index in range(examples)],
        lengths=lengths,
        targets=targets,
        answers=answers,
        train_lengths=lengths,
        widths=[10, 20, 39],
        history=history(epochs),
        sketches={number: drawing(number) for number in range(0, examples, 4)},
        clips=clips(targets, scores) if kind == "class" and examples > 1 else (),
    )


def clips(targets: np.ndarray, scores: np.ndarray) -> list[Clip]:
    """Return clips of the first examples, each of other channels, the last one hard, of moments that end at scores."""
    frames = np.random.default_rng(0).integers(0, 256, (12, 20, 24, 5)).astype(np.uint8)
    seen = np.array([1, 4, 8, 12])
    return [
        Clip(f"{number}.mp4", frames[..., :channels], seen, seen[:, None] / 12 * scores[number], int(true), number > 2)
        for number, (channels, true) in enumerate(zip((1, 3, 2, 4, 5), targets, strict=False))
    ]


def drawing(seed: int) -> np.ndarray:
    """Return the points (T, 3) of two strokes, the second a dot."""
    points = np.random.default_rng(seed).uniform(0, 255, (9, 3)).astype(np.float32)
    points[:, 2] = [0, 0, 0, 0, 0, 0, 0, 1, 1]
    return points


def history(epochs: int) -> list[dict[str, float]]:
    return [
        {"epoch": epoch, "loss": 1 / epoch, "accuracy": 1 - 0.5 / epoch, "val_loss": 1.1 / epoch}
        | {"val_accuracy": 0.9 - 0.5 / epoch, "learning_rate": 0.01 / epoch, "gradient_norm": 1.0, "seconds": 2.0}
        for epoch in range(1, epochs + 1)
    ]


EVIDENCE = {
    "classes": evidence("class", ("no", "yes")),
    "long names": evidence("class", LONG, epochs=200),
    "thirty classes": evidence("class", tuple(f"class {index}" for index in range(30)), epochs=2),
    "fifty classes": evidence("class", tuple(f"c{index}" for index in range(50)), epochs=1),
    "many classes": evidence("class", tuple(f"c{index}" for index in range(100))),
    "labels": evidence("labels", LONG),
    "one number": evidence("numbers", LONG[:1]),
    "eleven numbers": evidence("numbers", (*LONG, *"abcdefg")),
    "one example": evidence("class", ("no", "yes"), examples=1, epochs=1),
}
CASES = [
    pytest.param(name, case, id=f"{name}-{case}")
    for name in FIGURES.names()
    for case in EVIDENCE
    if TASKS[EVIDENCE[case].target.kind] in FIGURES.load(name).tasks
]


def picture(drawing: Drawing, folder: Path) -> np.ndarray:
    drawing.savefig(folder / "picture.png", dpi=100)
    return np.asarray(imread(folder / "picture.png"))


@pytest.mark.parametrize(("name", "case"), CASES)
def test_a_figure_draws_something_and_cuts_no_text(name: str, case: str, tmp_path: Path) -> None:
    drawing = FIGURES.load(name)().draw(EVIDENCE[case])
    if drawing is None:
        assert case in ("one example", "labels")
        return
    pixels = picture(drawing, tmp_path)
    assert min(pixels.shape[:2]) > 250
    assert pixels.std() > 0.02
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    assert (border == 1).all(), "something touches the edge of the picture"


def test_long_class_names_are_written_in_full() -> None:
    drawing = FIGURES.load("confusion_matrix")().draw(EVIDENCE["long names"])
    assert drawing is not None
    axes = drawing.axes[0]
    for labels in (axes.get_xticklabels(), axes.get_yticklabels()):
        written = ["".join(label.get_text().split()) for label in labels]
        assert written == [name.replace(" ", "") for name in LONG]


@pytest.mark.parametrize("kind", ["class", "labels", "numbers"])
def test_all_figures_of_a_task_are_saved_and_nothing_else(kind: str, tmp_path: Path) -> None:
    written = draw_all(evidence(kind, ("a", "b", "c")), TASKS[kind], tmp_path / "figures")
    assert sorted(written) == sorted((tmp_path / "figures").iterdir())
    assert {path.suffix for path in written} == {".png"}
    assert len(written) >= 3
    assert all(path.stat().st_size > 5000 for path in written)


@pytest.mark.parametrize("kind", ["class", "labels", "numbers"])
def test_nothing_to_show_gives_no_figure(kind: str, tmp_path: Path) -> None:
    bare = replace(
        evidence(kind, ("a", "b")), targets=None, answers={}, history=[], clips=(), train_lengths=np.full(9, 5)
    )
    assert draw_all(bare, TASKS[kind], tmp_path) == []


def test_equal_lengths_give_no_figure_by_length() -> None:
    same = replace(EVIDENCE["classes"], lengths=np.full(90, 7))
    assert FIGURES.load("accuracy_by_length")().draw(same) is None


@pytest.mark.parametrize("lengths", [[5] * 89 + [9], [5] + [9] * 89, [5] * 45 + [9] * 45, list(range(90))])
def test_skewed_lengths_are_binned_without_an_empty_bin(lengths: list[int]) -> None:
    from rnnlab.figures._evidence import bins_of

    counts = np.bincount(bins_of(np.array(lengths)))
    assert len(counts) >= 2
    assert counts.min() > 0
    assert counts.sum() == 90


def test_padding_is_counted_with_the_narrowest_width_that_holds_an_example() -> None:
    lengths = np.array([2, 5, 10, 12])
    assert padding_share(lengths, np.array([12])) == pytest.approx(1 - 29 / 48)
    assert padding_share(lengths, np.array([5, 10])) == pytest.approx(1 - 29 / (5 + 5 + 10 + 12))


def test_wilson_interval_equals_an_independent_one() -> None:
    from scipy.stats import binomtest

    for right, count in ((0, 7), (7, 7), (3, 10), (359, 370)):
        low, high = wilson(np.array([right]), np.array([count]))
        expected = binomtest(right, count).proportion_ci(0.95, method="wilson")
        assert (low[0], high[0]) == pytest.approx((expected.low, expected.high), abs=1e-6)


def answered(texts: list[str], lengths: list[int]) -> Evidence:
    """Return evidence of answers in tokens, all but the last right."""
    given = [text.encode() for text in texts]
    return Evidence(
        title="a-run-001",
        split="validation",
        target=Field("target", "string", ()),
        ids=[str(index) for index in range(len(texts))],
        lengths=np.array(lengths),
        targets=np.array(given),
        answers={"texts": np.array([*given[:-1], b"."])},
        train_lengths=np.array(lengths),
        looking=[Looking([*texts[0]], [*texts[0]], np.eye(len(texts[0]), dtype=np.float32))],
    )


def test_a_bin_of_one_example_has_no_interval(tmp_path: Path) -> None:
    from rnnlab.figures.score_by_length import means_of

    drawing = FIGURES.load("score_by_length")().draw(answered(["some text"] * 5, [3, 3, 3, 3, 9]))
    assert drawing is not None
    picture(drawing, tmp_path)
    (bars,) = drawing.axes[0].containers
    (lines,) = bars[2]
    assert [len(line) > 0 for line in lines.get_segments()] == [True, False]
    scores = np.array([70.0, 80.0, 95.0, 50.0])
    mean, error = means_of(scores, np.array([0, 0, 0, 1]))
    assert mean.tolist() == pytest.approx([81.6667, 50], abs=1e-3)
    # By a table of Student's t: 4.3027 with two degrees of freedom.
    assert error[0] == pytest.approx(4.3027 * scores[:3].std(ddof=1) / np.sqrt(3), rel=1e-4)
    assert np.isnan(error[1])


def test_the_length_of_a_source_has_a_unit() -> None:
    drawing = FIGURES.load("score_by_length")().draw(answered(["a", "b"], [3, 4]))
    assert drawing is not None
    assert drawing.axes[0].get_xlabel() == "length of the source (bytes of a text, else time steps)"


def test_letters_that_no_font_has_leave_a_figure_out_with_one_line(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(_fonts, "_fonts_for", lambda lacking: ((), "".join(sorted(lacking))))
    (tmp_path / "attention.png").write_text("of an evaluation before")
    written = draw_all(answered(["日本語の文", "二"], [5, 9]), "sequence_to_sequence", tmp_path)
    told = capsys.readouterr().err.splitlines()
    assert [path.name for path in written] == ["score_by_length.png"]
    assert sorted(written) == sorted(tmp_path.iterdir())
    assert len(told) == 1
    assert "attention.png: left out, as no installed font has の 文 日 本 語; install one" in told[0]


def test_letters_that_another_font_has_are_written_with_it(tmp_path: Path) -> None:
    beside = _fonts._letters(findfont("STIXGeneral"))  # it comes with matplotlib
    letters = sorted(beside - _fonts._usual())
    assert _fonts._fonts_for(frozenset(letters[:3]))[1] == ""
    drawing = FIGURES.load("attention")().draw(answered(["".join(letters[:3])], [3]))
    assert drawing is not None
    assert _fonts.write_all(drawing) == ""
    picture(drawing, tmp_path)  # a warning of a glyph that is missing would be an error


def test_what_is_not_printable_leaves_no_figure_out(tmp_path: Path, capsys) -> None:
    written = draw_all(answered(["a\u200bb", "c"], [3, 4]), "sequence_to_sequence", tmp_path)
    assert "attention.png" in {path.name for path in written}
    assert capsys.readouterr().err == ""
