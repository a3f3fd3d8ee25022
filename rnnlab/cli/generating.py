"""`rnnlab generate`: a run goes on with a text, or with a piece of music, or writes answers to a text."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rnnlab.cli.scoring import load_predictor, places_of
from rnnlab.cli.tables import print_table
from rnnlab.decoding.sampling import Sampler
from rnnlab.errors import UserError
from rnnlab.prediction import Predictor
from rnnlab.rundir import RunDir, write_atomically, write_text

CHARACTERS, FRAMES = 500, 64
ANSWERS = 10
MOST = 10_000  # answers, and tokens of one, as many as `task.max_length` may allow
MOST_FRAMES = 100_000
MOST_COMPARED = 4_000_000_000  # characters of answers times those of training answers: half a minute


@dataclass(frozen=True)
class GenerationRequest:
    """What the user asked for; see the command's options.

    Attributes:
        data: the data directory, of the option or the environment.
        data_named: whether the option was given.
    """

    run: Path
    prompt: str | None
    length: int | None
    temperature: float
    top_k: int | None
    top_p: float | None
    seed: int
    output: Path | None
    count: int | None = None
    data: Path | None = None
    data_named: bool = False


def generate(request: GenerationRequest) -> None:
    """Generate text on standard output as it comes, or into a file; music into a file, and a picture beside it."""
    try:
        sampler = Sampler(request.temperature, request.top_k, request.top_p)
    except ValueError as error:
        raise UserError(f"--{error}") from None
    _check_least("--length", request.length, 0)
    _check_least("--seed", request.seed, 0)
    _check_least("--count", request.count, 1)
    predictor = load_predictor(RunDir.open(request.run), ())
    if predictor.experiment.task.writes and predictor.reads_text:
        _write_answers(request, predictor, sampler)
        return
    if not predictor.experiment.task.self_supervised:
        raise UserError(
            f"{request.run}: expected a run of the task language_modeling, which can go on with an example, or of "
            "sequence_to_sequence that answers texts; `rnnlab predict` answers all others"
        )
    if request.count is not None:
        raise UserError("--count is for answers; draw again with another --seed")
    if request.data_named:
        raise UserError("--data-dir is for answers, beside which those of training stand; remove it")
    if predictor.signature.known_target.kind == "notes":
        _write_music(request, predictor, sampler)
    else:
        _write_text(request, predictor, sampler)


def _check_least(option: str, value: int | None, least: int) -> None:
    if value is not None and value < least:
        raise UserError(f"{option}: expected {least} or more; received {value}")


def _check_most(option: str, value: int | None, most: int, what: str) -> None:
    if value is not None and value > most:
        raise UserError(f"{option}: expected at most {most:,} {what}; received {value:,}")


def _write_text(request: GenerationRequest, predictor: Predictor, sampler: Sampler) -> None:
    from rnnlab.generation import TextWriter

    length = CHARACTERS if request.length is None else request.length
    pieces = TextWriter(predictor).write(request.prompt, length, sampler, request.seed)
    if request.output is not None:
        write_text(request.output, (request.prompt or "") + "".join(pieces))
        print(f"text in {request.output}", file=sys.stderr)
        return
    first = next(pieces, "")  # a mistake in the prompt is found before anything is printed
    print(request.prompt or "", first, sep="", end="", flush=True)
    for piece in pieces:
        print(piece, end="", flush=True)
    print()


def _write_answers(request: GenerationRequest, predictor: Predictor, sampler: Sampler) -> None:
    """Print answers, and beside each the nearest training answer, so that one sees what is only copied."""
    from rnnlab.generation import AnswerWriter, nearest_texts

    if request.prompt is None:
        raise UserError("--prompt: expected text to answer, such as one of the sources of the training data")
    _check_most("--length", request.length, MOST, "tokens of an answer")
    _check_most("--count", request.count, MOST, "answers; draw more with another --seed")
    if request.data_named and request.output is not None:
        raise UserError("--data-dir does nothing with --output, which holds answers alone; remove one of them")
    count = ANSWERS if request.count is None else request.count
    answers = AnswerWriter(predictor).write(request.prompt, count, request.length, sampler, request.seed)
    if request.output is not None:
        write_text(request.output, "".join(f"{answer}\n" for answer in answers))
        print(f"{count} answers in {request.output}", file=sys.stderr)
        return
    known = _training_answers(request, predictor)
    if known is not None and sum(map(len, known)) * sum(map(len, answers)) > MOST_COMPARED:
        print("no training answers beside these: to compare with all of them would take minutes", file=sys.stderr)
        known = None
    if known is None:
        print("\n".join(answers))
        return
    rows = [
        [answer, near, str(edits)] for answer, (near, edits) in zip(answers, nearest_texts(answers, known), strict=True)
    ]
    print_table(["answer", "nearest in training", "edits"], rows)


def _training_answers(request: GenerationRequest, predictor: Predictor) -> list[str] | None:
    """Return the different answers that the run was trained on; None where its data is gone, or another.

    Where the run writes in lower case alone, they are in lower case, too: capitals are no edits.
    """
    try:
        train = predictor.experiment.data.splits(places_of(predictor.run, request.data))["train"]
    except UserError as error:
        print(f"no training answers beside these, as the data can't be read: {error}", file=sys.stderr)
        return None
    if train.fingerprint() != predictor.run.read_manifest()["data"]["splits"]["train"]["fingerprint"]:
        print("no training answers beside these: the data is not what the run was trained on", file=sys.stderr)
        return None
    known = [text.decode() for text in np.asarray(train.known_targets).tolist()]
    lowercase = predictor.experiment.task.lowercase
    return list(dict.fromkeys(text.lower() if lowercase else text for text in known))


def _write_music(request: GenerationRequest, predictor: Predictor, sampler: Sampler) -> None:
    from rnnlab.figures import save
    from rnnlab.figures._piano_roll import piano_roll
    from rnnlab.generation import MusicWriter
    from rnnlab.midi import midi_file

    if request.top_p is not None:
        raise UserError("--top-p is for text; each key of a frame is drawn for itself: use --temperature or --top-k")
    output = request.output or request.run / "generated.mid"
    if output.suffix not in (".mid", ".midi"):
        raise UserError(f"--output {output}: expected .mid")
    _check_most("--length", request.length, MOST_FRAMES, "frames")
    length = FRAMES if request.length is None else request.length
    frames = np.stack(list(MusicWriter(predictor).write(request.prompt, length, sampler, request.seed)))
    write_atomically(output, lambda file: file.write(midi_file(frames)))
    detail = f"{predictor.experiment.name} · temperature {sampler.temperature:g} · seed {request.seed}"
    picture = save(piano_roll(frames, len(frames) - length, "Generated music", detail), output.with_suffix(".png"))
    print(f"{output}\n{picture}")
