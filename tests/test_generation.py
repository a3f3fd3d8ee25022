"""Generation: reproducible, greedy where it is asked to be, and in files that others read.

Axes: T time, V vocabulary, K keys.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from rnnlab.decoding.sampling import Sampler
from rnnlab.errors import UserError
from rnnlab.generation import MusicWriter, Reader, TextWriter, chords_of
from rnnlab.midi import midi_file
from rnnlab.places import Places
from rnnlab.prediction import Predictor
from rnnlab.rundir import RunDir
from rnnlab.training import train
from rnnlab.vocabulary import END, MARKS, START

from .language_cases import make_language_case
from .test_cli import Result, rnnlab
from .test_language_modeling import trained


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> dict[str, RunDir]:
    """Runs over text and music, some of networks that carry no state."""
    folder = tmp_path_factory.mktemp("generation")
    adam = {"name": "adam", "learning_rate": 0.05}
    convolution = {"architecture": "conv_rnn", "blocks": [{"filters": 4, "padding": "causal"}]}
    plain = {"epochs": 2, "optimizer": adam, "tbptt": None}
    sections = {
        "text": {"training": {"epochs": 20, "optimizer": adam}},
        "words": {"transforms": [{"name": "words"}], "training": {"epochs": 1}},
        "marks": {"transforms": [{"name": "characters", "marks": True}], "training": {"epochs": 1}},
        "convolution": {"model": convolution, "training": plain},
        "music": {"music": True, "training": {"epochs": 4}},
    }
    return {name: trained(folder, name, **each) for name, each in sections.items()}


def predictor(runs: dict[str, RunDir], name: str) -> Predictor:
    return Predictor.load(runs[name].path)


def greedy(predictor: Predictor, prompt: str, length: int) -> str:
    """Go on with the most probable character, by one forward over all so far for each."""
    names = predictor.pipeline.signature.inputs[0].names
    tokens = [names.index(letter) for letter in prompt]
    for _ in range(length):
        steps = np.array(tokens, np.int32)[np.newaxis, :, np.newaxis]
        scores = predictor.network({"text": steps, "lengths": np.array([len(tokens)])}).numpy()[0, -1]
        scores[: len(MARKS)] = -np.inf
        tokens.append(int(scores.argmax()))
    return "".join(names[token] for token in tokens[len(prompt) :])


@pytest.mark.parametrize("name", ["text", "convolution"])
def test_greedy_is_the_most_probable_character_at_every_step(name: str, runs) -> None:
    """Whether each step goes on from a state, or all so far is read anew."""
    run = predictor(runs, name)
    found = "".join(TextWriter(run).write("abc", 30, Sampler(0), seed=5))
    assert found == greedy(run, "abc", 30)
    assert len(found) == 30


def test_the_same_seed_writes_the_same_and_another_something_else(runs) -> None:
    writer = TextWriter(predictor(runs, "text"))
    one, same, other = ("".join(writer.write("ab", 60, Sampler(), seed)) for seed in (1, 1, 2))
    assert one == same
    assert one != other
    assert set(one) <= set("abcde ")


def test_words_are_written_with_spaces_between_them(runs) -> None:
    run = predictor(runs, "words")
    known = run.pipeline.signature.inputs[0].names[len(MARKS) :]
    found = "".join(TextWriter(run).write(known[0], 5, Sampler(), 0))
    assert found.startswith(" ")
    assert set(found.split()) <= set(known)
    assert len(found.split()) == 5


def test_what_follows_a_text_is_asked_before_its_end_is_marked(runs) -> None:
    """As `generate` asks; behind an end mark, training never asked anything."""
    asked = predictor(runs, "marks")
    names = asked.pipeline.signature.inputs[0].names
    letters = [name for name in names if name in "ab"]
    tokens = np.array([START, *(names.index(letter) for letter in letters)], np.int32)[:, np.newaxis]
    expected = tf.nn.softmax(Reader(asked).read(tokens))
    found = asked.predict(["".join(letters)])
    np.testing.assert_allclose(found["probabilities"][0], expected, atol=1e-6)
    assert found["next"].tolist() == [names[END + int(np.argmax(expected[END:]))]]


def test_marks_begin_a_text_and_may_end_it(runs) -> None:
    writer = TextWriter(predictor(runs, "marks"))
    texts = ["".join(writer.write(None, 400, Sampler(), seed)) for seed in range(3)]
    assert not any(mark in text for text in texts for mark in MARKS)
    assert min(len(text) for text in texts) < 400
    assert "".join(writer.write("ab", 0, Sampler(), 0)) == ""


@pytest.mark.parametrize(
    ("name", "prompt", "message"),
    [
        ("text", "abXYX", "--prompt: not among the 6 tokens of the run's vocabulary: 'X', 'Y'$"),
        ("text", "", "--prompt: expected text to go on from"),
        ("text", None, "--prompt: expected text to go on from"),
        ("marks", "<start>", "not among the 6 tokens of the run's vocabulary: '<', 's'"),
        ("words", "zzzz", "not among the .* tokens of the run's vocabulary: 'zzzz'"),
    ],
)
def test_a_prompt_that_the_run_can_not_read_is_refused(name: str, prompt: str | None, message: str, runs) -> None:
    with pytest.raises(UserError, match=message):
        next(TextWriter(predictor(runs, name)).write(prompt, 5, Sampler(), 0))


def test_a_line_begins_where_no_prompt_is_given(tmp_path: Path) -> None:
    (tmp_path / "lines.txt").write_text("ab\nba\n" * 20)
    keys = {"files": str(tmp_path / "lines.txt"), "validation_files": None, "validation": {"by": "none"}}
    run = RunDir.create(tmp_path / "run")
    train(make_language_case(tmp_path, data=keys), run, Places(tmp_path, tmp_path))
    writer = TextWriter(Predictor.load(run.path))
    assert "".join(writer.write(None, 9, Sampler(), 0)) == "".join(writer.write("\n", 9, Sampler(), 0))


# Music.


def test_music_begins_with_a_first_chord_of_the_training_pieces_or_with_the_given_ones(runs) -> None:
    run = predictor(runs, "music")
    writer = MusicWriter(run)
    frames = np.stack(list(writer.write(None, 10, Sampler(), 0)))
    assert frames.shape == (11, 88)
    firsts = {tuple(np.flatnonzero(each)) for each in run.learnt["first"]}
    assert tuple(np.flatnonzero(frames[0])) in firsts
    assert len(firsts) > 5
    given = np.stack(list(writer.write("60 64 67, 62", 3, Sampler(), 0)))
    assert [list(np.flatnonzero(frame) + 21) for frame in given[:2]] == [[60, 64, 67], [62]]
    again = np.stack(list(writer.write(None, 10, Sampler(), 0)))
    np.testing.assert_array_equal(again, frames)


def test_greedy_music_sounds_the_most_probable_keys_as_many_as_are_expected(runs) -> None:
    run = predictor(runs, "music")
    frames = np.stack(list(MusicWriter(run).write("50 60 70", 6, Sampler(0), 0)))
    for step in range(1, len(frames)):
        before = frames[np.newaxis, :step].astype(np.float32)
        scores = run.network({"notes": before, "lengths": np.array([step])}).numpy()[0, -1]
        expected = round(float((1 / (1 + np.exp(-scores.astype(np.float64)))).sum()))
        assert frames[step].sum() == expected
        assert expected == 0 or scores[frames[step]].min() >= np.sort(scores)[-expected]


@pytest.mark.parametrize("prompt", ["", "60 x", "60,,62", "20", "109", "60.5", "²"])
def test_a_prompt_that_is_no_music_is_refused(prompt: str) -> None:
    with pytest.raises(UserError, match=r"--prompt: expected chords of MIDI pitches from 21 to 108"):
        chords_of(prompt, 88)


def read_midi(data: bytes) -> tuple[dict[int, list[tuple[int, int]]], int, int]:
    """Return when each pitch of a MIDI file sounds, (begin, end) in ticks; the ticks of a quarter; and the end."""
    assert data[:8] == b"MThd\x00\x00\x00\x06"
    form, tracks, quarter = (int.from_bytes(data[place : place + 2], "big") for place in (8, 10, 12))
    assert (form, tracks, data[14:18]) == (0, 1, b"MTrk")
    assert int.from_bytes(data[18:22], "big") == len(data) - 22
    place, now, since, notes = 22, 0, {}, {}
    while place < len(data):
        ticks = 0
        while True:
            byte, place = data[place], place + 1
            ticks = ticks << 7 | byte & 0x7F
            if not byte & 0x80:
                break
        now += ticks
        status = data[place]
        if status == 0xFF:
            size = data[place + 2]
            if data[place + 1] == 0x2F:
                assert place + 3 + size == len(data)
                assert not since, "a note never ends"
                return notes, quarter, now
            place += 3 + size
            continue
        kind, pitch, velocity = status & 0xF0, data[place + 1], data[place + 2]
        place += 3
        if kind == 0x90 and velocity:
            assert pitch not in since, "a key is pressed twice"
            since[pitch] = now
        else:
            assert kind == 0x80
            notes.setdefault(pitch, []).append((since.pop(pitch), now))
    raise AssertionError("the track has no end")


def test_a_midi_file_reads_back_as_the_frames_that_were_written() -> None:
    frames = np.random.default_rng(0).random((200, 88)) < 0.3
    frames[[0, 50, 51]] = False
    notes, quarter, end = read_midi(midi_file(frames))
    found = np.zeros_like(frames)
    for pitch, spans in notes.items():
        for begin, stop in spans:
            found[begin // quarter : stop // quarter, pitch - 21] = True
    np.testing.assert_array_equal(found, frames)
    assert end == 200 * quarter


def test_a_key_that_sounds_on_is_held() -> None:
    frames = np.zeros((4, 88), bool)
    frames[:3, 39] = True
    notes, quarter, _ = read_midi(midi_file(frames))
    assert notes == {60: [(0, 3 * quarter)]}


def test_silence_is_a_midi_file_too() -> None:
    assert read_midi(midi_file(np.zeros((3, 88), bool)))[0] == {}


# The command line.


def generate(run: RunDir, *arguments: str) -> Result:
    return rnnlab("generate", run.path, *arguments, folder=run.path.parent)


def test_text_is_printed_behind_its_prompt(runs) -> None:
    result = generate(runs["text"], "--prompt", "abc", "--length", "20", "--seed", "4")
    assert result.code == 0, result.error
    assert result.out.startswith("abc")
    assert len(result.out) == len("abc") + 20 + len("\n")
    assert generate(runs["text"], "--prompt", "abc", "--length", "20", "--seed", "4").out == result.out
    assert generate(runs["text"], "--prompt", "abc", "--length", "20", "--seed", "5").out != result.out
    assert len(generate(runs["text"], "--prompt", "a").out) == 502


def test_text_is_written_where_it_is_wanted(runs, tmp_path: Path) -> None:
    printed = generate(runs["text"], "--prompt", "abc", "--length", "20", "--temperature", "0.7", "--top-k", "3")
    options = ("--temperature", "0.7", "--top-k", "3", "--output", str(tmp_path / "text.txt"))
    written = generate(runs["text"], "--prompt", "abc", "--length", "20", *options)
    assert written.out == ""
    assert (tmp_path / "text.txt").read_text() + "\n" == printed.out


def test_music_is_a_midi_file_and_a_picture(runs, tmp_path: Path) -> None:
    result = generate(runs["music"], "--length", "12", "--prompt", "60 64, 62")
    assert result.code == 0, result.error
    assert result.out.split() == [str(runs["music"].path / f"generated{suffix}") for suffix in (".mid", ".png")]
    notes, quarter, end = read_midi((runs["music"].path / "generated.mid").read_bytes())
    assert end == 14 * quarter
    assert (0, quarter) in notes[64] or notes[64][0][0] == 0
    assert (runs["music"].path / "generated.png").read_bytes().startswith(b"\x89PNG")
    elsewhere = generate(runs["music"], "--length", "3", "--output", str(tmp_path / "a.mid"))
    assert elsewhere.out.split() == [str(tmp_path / "a.mid"), str(tmp_path / "a.png")]


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("text", ("--prompt", "§"), "--prompt: not among the 6 tokens"),
        ("text", ("--prompt", "a", "--temperature", "-1"), "--temperature: expected 0 or more"),
        ("text", ("--prompt", "a", "--top-k", "0"), "--top-k: expected 1 or more"),
        ("text", ("--prompt", "a", "--top-p", "2"), "--top-p: expected more than 0"),
        ("text", ("--prompt", "a", "--length", "-2"), "--length: expected 0 or more"),
        ("text", ("--prompt", "a", "--seed", "-2"), "--seed: expected 0 or more"),
        ("text", ("--prompt", "a", "--data-dir", "."), "--data-dir is for answers"),
        ("music", ("--length", "2000000000"), "--length: expected at most 100,000 frames"),
        ("music", ("--top-p", "0.5"), "--top-p is for text"),
        ("music", ("--output", "a.txt"), "expected .mid"),
    ],
)
def test_what_can_not_be_generated_is_one_clear_message(
    name: str, arguments: tuple[str, ...], message: str, runs
) -> None:
    result = generate(runs[name], *arguments)
    assert (result.code, result.out) == (2, "")
    assert message in result.error
    assert len(result.error.strip().splitlines()) == 1


# What a run answers, and exports.


@pytest.mark.parametrize("name", ["text", "words", "music"])
def test_a_run_predicts_what_comes_next_and_so_does_its_export(name: str, runs) -> None:
    from rnnlab.export import export, samples

    run = predictor(runs, name)
    answers = run.final_answers(samples(run))
    assert answers["probabilities"].shape[1:] == (len(run.pipeline.signature.known_target.names),)
    if name != "music":
        np.testing.assert_allclose(answers["probabilities"].sum(axis=1), 1, rtol=1e-5)
        assert not set(answers["next"]) & set(MARKS)
    for form in ("saved_model", "keras"):
        _, difference = export(run, form)
        assert difference <= 1e-5


def test_predict_names_the_next_character_of_a_text(runs, tmp_path: Path) -> None:
    (tmp_path / "given.txt").write_text("abcdeab")
    result = rnnlab("predict", runs["text"].path, "given.txt", folder=tmp_path)
    assert result.out == f"id,next\ngiven.txt,{greedy(predictor(runs, 'text'), 'abcdeab', 1)}\n"
