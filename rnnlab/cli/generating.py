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
MOST_LETTERS = 20_000_000  # of training answers, as if each were as long as the longest


@dataclass(frozen=True)
class GenerationRequest:
    """What the user asked for; see the command's options."""

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


def generate(request: GenerationRequest) -> None:
    """Generate text on standard output as it comes, or into a file; music into a file, and a picture beside it."""
    try:
        sampler = Sampler(request.temperature, request.top_k, request.top_p)
    except ValueError as error:
        raise UserError(f"--{error}") from None
    for option, value, least in (
        ("--length", request.length, 0),
        ("--seed", request.seed, 0),
        ("--count", request.count, 1),
    ):
        if value is not None and value < least:
            raise UserError(f"{option}: expected {least} or more; received {value}")
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
    if predictor.signature.known_target.kind == "notes":
        _write_music(request, predictor, sampler)
    else:
        _write_text(request, predictor, sampler)


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
    count = ANSWERS if request.count is None else request.count
    answers = AnswerWriter(predictor).write(request.prompt, count, request.length, sampler, request.seed)
    if request.output is not None:
        write_text(request.output, "".join(f"{answer}\n" for answer in answers))
        print(f"{count} answers in {request.output}", file=sys.stderr)
        return
    known = _training_answers(request, predictor)
    if known is None:
        print("\n".join(answers))
        return
    rows = [
        [answer, near, str(edits)] for answer, (near, edits) in zip(answers, nearest_texts(answers, known), strict=True)
    ]
    print_table(["answer", "nearest in training", "edits"], rows)


def _training_answers(request: GenerationRequest, predictor: Predictor) -> list[str] | None:
    """Return the different answers that the run was trained on; None where its data is gone, or another."""
    try:
        train = predictor.experiment.data.splits(places_of(predictor.run, request.data))["train"]
    except UserError as error:
        print(f"no training answers beside these, as the data can't be read: {error}", file=sys.stderr)
        return None
    if train.fingerprint() != predictor.run.read_manifest()["data"]["splits"]["train"]["fingerprint"]:
        print("no training answers beside these: the data is not what the run was trained on", file=sys.stderr)
        return None
    known = list(dict.fromkeys(text.decode() for text in np.asarray(train.known_targets).tolist()))
    if len(known) * max(map(len, known)) > MOST_LETTERS:
        print("no training answers beside these: to compare with all of them would take minutes", file=sys.stderr)
        return None
    return known


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
    length = FRAMES if request.length is None else request.length
    frames = np.stack(list(MusicWriter(predictor).write(request.prompt, length, sampler, request.seed)))
    write_atomically(output, lambda file: file.write(midi_file(frames)))
    detail = f"{predictor.experiment.name} · temperature {sampler.temperature:g} · seed {request.seed}"
    picture = save(piano_roll(frames, len(frames) - length, "Generated music", detail), output.with_suffix(".png"))
    print(f"{output}\n{picture}")
