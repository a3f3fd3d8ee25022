"""`rnnlab generate`: a run goes on with a text, or with a piece of music."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rnnlab.cli.scoring import load_predictor
from rnnlab.decoding.sampling import Sampler
from rnnlab.errors import UserError
from rnnlab.rundir import RunDir, write_atomically, write_text

CHARACTERS, FRAMES = 500, 64


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


def generate(request: GenerationRequest) -> None:
    """Generate text on standard output as it comes, or into a file; music into a file, and a picture beside it."""
    try:
        sampler = Sampler(request.temperature, request.top_k, request.top_p)
    except ValueError as error:
        raise UserError(f"--{error}") from None
    for option, value in (("--length", request.length), ("--seed", request.seed)):
        if value is not None and value < 0:
            raise UserError(f"{option}: expected 0 or more; received {value}")
    predictor = load_predictor(RunDir.open(request.run), ())
    if not predictor.experiment.task.self_supervised:
        raise UserError(f"{request.run}: expected a run of the task language_modeling, which can go on with an example")
    if predictor.signature.known_target.kind == "notes":
        _write_music(request, predictor, sampler)
    else:
        _write_text(request, predictor, sampler)


def _write_text(request: GenerationRequest, predictor: Any, sampler: Sampler) -> None:
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


def _write_music(request: GenerationRequest, predictor: Any, sampler: Sampler) -> None:
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
