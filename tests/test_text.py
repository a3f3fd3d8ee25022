"""Text: from raw strings to answers, over every way to make tokens of it and every stem.

Axes: N examples, B batch, T time, V vocabulary.
"""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnnlab.errors import DataError
from rnnlab.examples import FlatExamples
from rnnlab.experiment import Experiment, load_experiment
from rnnlab.export import EXPORT_FORMATS, export
from rnnlab.history import read_history
from rnnlab.places import Places
from rnnlab.prediction import Predictor
from rnnlab.preparation import Pipeline
from rnnlab.rundir import RunDir
from rnnlab.signature import Field, Signature
from rnnlab.stems import STEMS
from rnnlab.stems._vectors import read_vectors
from rnnlab.training import prepare, train
from rnnlab.transforms import TRANSFORMS
from rnnlab.vocabulary import MARKS, UNKNOWN

from .guides import specs_of
from .variants import configurations, keys

FIELD = frozenset({"field"})
OF_TEXT = [name for name in TRANSFORMS.names() if "text" in TRANSFORMS.load(name).reads]
TEXTS = (
    "Do not go gentle into that good night",
    "Old age should burn",
    "and RAVE at close of day;",
    "rage, rage against the dying of the light.",
    "Élan ÉLAN — naïve ﬁsh, 東京",
    "it's",
    "a",
    "do do do it's good; good!",
)
LABELS = ("calm", "calm", "wild", "wild", "odd", "odd", "calm", "wild")


def examples(texts: tuple[str, ...] = TEXTS) -> FlatExamples:
    signature = Signature((Field("text", "text", ()),), Field("label", "class", (), ("calm", "odd", "wild")))
    encoded = [np.frombuffer(text.encode(), np.uint8) for text in texts]
    targets = np.arange(len(texts)) % 3
    return FlatExamples.from_sequences(signature, [str(number) for number in range(len(texts))], encoded, targets)


def tokens(
    transform: dict[str, Any] | str, texts: tuple[str, ...] = TEXTS, fitted: tuple[str, ...] = TEXTS
) -> list[str]:
    """Return each text's tokens, joined by `|`."""
    pipeline = Pipeline.fit([TRANSFORMS.parse(transform)], examples(fitted))
    prepared = pipeline.prepare(examples(texts))
    names = pipeline.signature.inputs[0].names
    return ["|".join(names[number] for number in prepared.read(at)["text"][:, 0]) for at in range(len(texts))]


# Tokens.


def test_words_are_cut_at_white_space_and_around_punctuation() -> None:
    found = tokens("words")
    assert found[2] == "and|rave|at|close|of|day|;"
    assert found[4] == "élan|élan|—|naïve|ﬁsh|,|東京"
    assert found[5] == "it|'|s"
    kept = tokens({"name": "words", "punctuation": "keep", "lower": False})
    assert kept[2] == "and|RAVE|at|close|of|day;"
    assert kept[4] == "Élan|ÉLAN|—|naïve|ﬁsh,|東京"


def test_white_space_of_every_kind_separates_and_never_is_a_word() -> None:
    odd = ("a\u00a0b\u2003c\td\n\n e\u3000f \r\n", "a b c d e f")
    one, other = tokens("words", odd, odd)
    assert one == other


def test_characters_are_code_points() -> None:
    assert tokens("characters")[5] == "i|t|'|s"
    assert tokens("characters")[4].endswith("東|京")
    assert tokens({"name": "characters", "lower": True})[4].startswith("é|l|a|n| |é|l|a|n")


def test_a_vocabulary_holds_the_most_frequent_tokens_of_training_alone() -> None:
    pipeline = Pipeline.fit([TRANSFORMS.parse({"name": "words", "vocabulary": {"size": 2}})], examples())
    assert pipeline.signature.inputs[0].names == (*MARKS, "do", "good")
    often = Pipeline.fit([TRANSFORMS.parse({"name": "words", "vocabulary": {"min_count": 3}})], examples())
    assert set(often.signature.inputs[0].names[4:]) == {"do", "good"}
    assert tokens("words", ("burn bright",))[0] == "burn|<unknown>"
    with pytest.raises(DataError, match="no token stands 99 times"):
        tokens({"name": "words", "vocabulary": {"min_count": 99}})


def test_marks_stand_around_a_text_and_an_empty_text_is_one_unknown_token() -> None:
    assert tokens({"name": "words", "marks": True}, ("good day",))[0] == "<start>|good|day|<end>"
    pipeline = Pipeline.fit([TRANSFORMS.parse("words")], examples())
    fields, lengths = pipeline.apply({"text": np.array([b"", b"good day"], object)}, [0, 8])
    assert np.asarray(lengths).tolist() == [1, 2]
    assert np.asarray(fields["text"])[0].tolist() == [[UNKNOWN], [0]]


def test_tokens_that_were_never_seen_are_counted() -> None:
    transform = TRANSFORMS.parse({"name": "words", "vocabulary": {"size": 2}})
    pipeline = Pipeline.fit([transform], examples())
    for marks in (False, True):
        marked = transform.model_copy(update={"marks": marks})
        prepared = {
            "train": Pipeline((marked,), pipeline.learnt, pipeline.raw).prepare(examples(("good good bad bad",)))
        }
        (note,) = marked.notes(pipeline.learnt[0], prepared)
        assert note == "vocabulary: 2 tokens and 4 marks; unknown tokens: train 50.00%"


def test_characters_that_nobody_sees_do_not_cut_a_word() -> None:
    odd = ("\u0645\u06cc\u200c\u062e\u0648\u0627 re\u00adset",)
    assert tokens("words", odd, odd)[0].count("|") == 1


@pytest.mark.parametrize("name", OF_TEXT)
def test_what_is_no_utf_8_is_a_replacement_and_no_failure(name: str) -> None:
    pipeline = Pipeline.fit([TRANSFORMS.parse(name)], examples())
    _, lengths = pipeline.apply({"text": np.array([b"good \xff\xfe day"], object)}, [11])
    assert int(lengths[0]) >= 3


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        pytest.param(name, before, after, id=f"{name}-{path}-{after}")
        for name in OF_TEXT
        for path, before, after in keys(TRANSFORMS.load(name), FIELD)
    ],
)
def test_every_key_changes_the_tokens(name: str, before: dict[str, Any], after: dict[str, Any]) -> None:
    found = []
    for keys_of in (before, after):
        pipeline = Pipeline.fit([TRANSFORMS.parse({"name": name, **keys_of})], examples())
        prepared, field = pipeline.prepare(examples()), pipeline.signature.inputs[0]
        found.append((field.names, field.characters, prepared.values.tolist()))
    assert found[0] != found[1]


def test_what_a_transform_does_not_take_is_refused_with_a_remedy() -> None:
    with pytest.raises(DataError, match=r"transforms.0: standardize takes series; 'text' is text; put `words` or"):
        Pipeline.fit([TRANSFORMS.parse("standardize")], examples())
    with pytest.raises(DataError, match=r"transforms.1: words takes text and words; 'text' is tokens; remove it"):
        Pipeline.fit([TRANSFORMS.parse("words"), TRANSFORMS.parse("words")], examples())


# From strings to answers.


def write_texts(folder: Path) -> Path:
    path = folder / "texts.tsv"
    path.write_text("text\tlabel\n" + "".join(f"{text}\t{label}\n" for text, label in zip(TEXTS, LABELS, strict=True)))
    return path


def experiment(path: Path, transform: Any = "words", stem: Any = None, **rest: Any) -> Experiment:
    training = {"epochs": 40, "batch_size": 4, "best": None, "optimizer": {"name": "adam", "learning_rate": 0.02}}
    return Experiment.model_validate(
        {
            "name": "made",
            "data": {"source": "text", "train": str(path), "validation": {"by": "none"}},
            "transforms": [transform],
            "task": {"kind": "classification"},
            "stem": stem,
            "model": {"architecture": "stacked_rnn", "cell": "gru", "units": [16], "bidirectional": True},
            "head": {"name": "classes", "readout": "max"},
            "training": {**training, **rest},
        }
    )


def trained(folder: Path, **keys_of: Any) -> Predictor:
    run = RunDir.create(folder / "run")
    train(experiment(write_texts(folder), **keys_of), run, Places(folder, folder))
    return Predictor.load(run.path)


STEM_CASES = [
    {"name": name, **each}
    for name in STEMS.names()
    if "tokens" in STEMS.load(name).kinds
    for each in configurations(STEMS.load(name), frozenset({"pretrained", "frozen", "dropout"}))
]


# Each stem beside words, and each way to tokens beside a stem; all of them when slow.
WAYS = [
    pytest.param(transform, stem, marks=[pytest.mark.slow] if min(i, j) else [])
    for i, transform in enumerate(OF_TEXT)
    for j, stem in enumerate(STEM_CASES)
]


@pytest.mark.parametrize(("transform", "stem"), WAYS, ids=str)
def test_eight_texts_are_learnt_and_every_way_to_ask_gives_one_answer(
    transform: str, stem: Any, tmp_path: Path
) -> None:
    predictor = trained(tmp_path, transform=transform, stem=stem)
    history = read_history(predictor.run.history)
    assert history[-1]["loss"] < 0.3 * history[0]["loss"]
    together = predictor.predict(TEXTS)
    assert together["classes"].tolist() == list(LABELS)
    longer = predictor.predict([*TEXTS, "many words " * 40])["probabilities"][:-1]
    alone = np.concatenate([predictor.predict([text])["probabilities"] for text in TEXTS])
    for found in (longer, alone):
        np.testing.assert_allclose(found, together["probabilities"], atol=1e-5)
    for name in EXPORT_FORMATS.names():
        assert export(predictor, name)[1] <= 1e-5


def test_a_saved_model_takes_strings_where_rnnlab_is_not(tmp_path: Path) -> None:
    predictor = trained(tmp_path)
    path, _ = export(predictor, "saved_model")
    code = (
        "import sys, tensorflow as tf\n"
        f"served = tf.saved_model.load({str(path)!r}).signatures['serving_default']\n"
        f"answers = served(text=tf.constant({list(TEXTS)!r}))\n"
        "assert 'rnnlab' not in sys.modules\n"
        "sys.stdout.buffer.write(b'|'.join(answers['classes'].numpy()))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, check=True)
    assert done.stdout.decode() == "|".join(LABELS)


def test_text_without_tokens_is_refused(tmp_path: Path) -> None:
    run, path = RunDir.create(tmp_path / "run"), write_texts(tmp_path)
    made = experiment(path).model_copy(update={"transforms": []})
    with pytest.raises(DataError, match="'text' is text; add `- words` or `- characters`"):
        train(made, run, Places(tmp_path, tmp_path))


# Vectors that were learnt elsewhere.


def write_vectors(path: Path, header: str = "") -> Path:
    lines = ["good 1 2 3", "élan 4 5 6", "new york 7 8 9", "good 0 0 0"]
    text = header + "".join(f"{line}\n" for line in lines)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


@pytest.mark.parametrize("name", ["vectors.txt", "vectors.vec.gz"])
@pytest.mark.parametrize("header", ["", "4 3\n"])
def test_vectors_are_read_in_every_form(name: str, header: str, tmp_path: Path) -> None:
    found = read_vectors(write_vectors(tmp_path / name, header), {"good", "new york", "none"}, 3)
    assert {token: vector.tolist() for token, vector in found.items()} == {"good": [1, 2, 3], "new york": [7, 8, 9]}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a 1 2\n", r"vectors.txt:1: expected a token and 3 numbers \(stem.units\); received 2"),
        ("a 1 2 3 4\n", r"vectors.txt:1: expected a token and 3 numbers \(stem.units\); received 4"),
        ("1 1 2 3\nb 1 2\n", r"vectors.txt:2: .* received 2"),
        ("a 1 2 3\nb 1 2 3\na 1\n", r"vectors.txt:3: .* received 1"),
        ("a 1 2 3\nb 1 2 3\ngood 1 x 3\n", "vectors.txt:3: expected 3 numbers behind the token 'good'"),
        ("good 1 nan 3\n", "vectors.txt:1: expected finite numbers behind the token 'good'"),
    ],
)
def test_vectors_that_do_not_fit_are_refused_with_their_line(text: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "vectors.txt").write_text(text)
    with pytest.raises(DataError, match=told):
        read_vectors(tmp_path / "vectors.txt", {"good"}, 3)


@pytest.mark.parametrize("frozen", [False, True])
def test_training_begins_with_the_vectors_and_moves_them_unless_they_are_frozen(frozen: bool, tmp_path: Path) -> None:
    write_vectors(tmp_path / "vectors.txt")
    stem = {"name": "embedding", "units": 3, "pretrained": "vectors.txt", "frozen": frozen}
    predictor = trained(tmp_path, stem=stem, epochs=2)
    names = predictor.pipeline.signature.inputs[0].names
    (table,) = predictor.network.get_layer("embedding").weights
    moved = np.abs(np.asarray(table)[names.index("good")] - [1, 2, 3]).max()
    assert (moved == 0) == frozen
    assert moved < 0.5


def test_how_many_tokens_have_a_vector_is_told(tmp_path: Path) -> None:
    from rnnlab.network import build_network

    write_vectors(tmp_path / "vectors.txt")
    made = experiment(write_texts(tmp_path), stem={"name": "embedding", "units": 3, "pretrained": "vectors.txt"})
    prepared = prepare(made, made.data.splits(Places(tmp_path, tmp_path)))
    field = prepared.pipeline.signature.inputs[0]
    network = build_network(made, prepared.pipeline.signature)
    assert made.stem is not None
    (note,) = made.stem.begin(network, field, Places(tmp_path, tmp_path))
    count = len(field.names) - len(MARKS)
    assert note == f"stem: 2 of {count} tokens ({2 / count:.1%}) have a vector in vectors.txt"


def test_a_table_of_many_tokens_is_looked_up_exactly() -> None:
    random = np.random.default_rng(0)
    many = tuple(dict.fromkeys(f"w{number}" for number in random.integers(0, 10**9, 5000)))
    text = " ".join(many)
    assert tokens("words", (text,), (text,))[0] == "|".join(many)


# The guide.


@pytest.mark.parametrize("spec", specs_of("text"), ids=lambda spec: spec.splitlines()[0])
def test_a_spec_of_the_guide_is_without_a_mistake(spec: str, tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text(spec)
    load_experiment(tmp_path / "spec.yaml")
