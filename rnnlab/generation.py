"""Generation: a run goes on with a text or a piece of music, or writes answers, step by step.

Axes: T time, F features, V vocabulary, K keys, N texts, L characters of a text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnlab.decoding.sampling import Sampler
from rnnlab.decoding.search import UNSAID
from rnnlab.errors import UserError
from rnnlab.midi import LOWEST
from rnnlab.network import STATE
from rnnlab.prediction import Predictor
from rnnlab.signature import Field
from rnnlab.strict import shown
from rnnlab.transforms._tokens import Tokens
from rnnlab.vocabulary import END, MARKS, PADDING, START

MANY = 10  # unknown tokens that a message shows
FEW = 100  # known ones that it shows all of
TOGETHER = 500  # answers that are drawn side by side


class Reader:
    """A network that reads on: given steps, it says what comes next.

    A network that carries a state computes each step once; of any other, all steps so far are read anew.
    """

    def __init__(self, predictor: Predictor) -> None:
        import tensorflow as tf

        self.field: Field = predictor.pipeline.signature.inputs[0]
        self.carries = bool(predictor.experiment.model.state_sizes)
        self.network = predictor.stateful if self.carries else predictor.network
        names = [name for name in self.network.input if name.startswith(STATE)]
        self.states = {name: tf.zeros([1, self.network.input[name].shape[1]]) for name in names}
        self.steps = np.zeros((0, *self.field.shape), self.field.dtype)
        specs = {name: tf.TensorSpec(values.shape, values.dtype) for name, values in self.states.items()}
        steps = tf.TensorSpec([1, None, *self.field.shape], self.field.dtype)
        self.compiled = tf.function(self._read, input_signature=[steps, specs])

    def read(self, steps: NDArray[Any]) -> NDArray[np.float32]:
        """Read some more steps (T, F); return the scores of what follows them, (V,) or (K,)."""
        if not self.carries:
            self.steps = steps = np.concatenate([self.steps, steps])
        scores, self.states = self.compiled(steps[np.newaxis].astype(self.field.dtype), self.states)
        return np.asarray(scores)

    def _read(self, steps: Any, states: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        import tensorflow as tf

        lengths = tf.shape(steps)[1:2]
        result = self.network({self.field.name: steps, "lengths": lengths, **states}, training=False)
        if not self.carries:
            return result[0, -1], {}
        return result["outputs"][0, -1], {name: result[name] for name in states}


class TextWriter:
    """Writes on a text in tokens.

    Args:
        predictor: a run that models the language of texts.
    """

    def __init__(self, predictor: Predictor) -> None:
        self.predictor = predictor
        self.names = predictor.pipeline.signature.inputs[0].names
        self.tokens = next(each for each in predictor.pipeline.transforms if isinstance(each, Tokens))

    def write(self, prompt: str | None, length: int, sampler: Sampler, seed: int) -> Iterator[str]:
        """Yield the text that follows a prompt, token by token; it ends early where the model says that a text does.

        Args:
            prompt: what the text goes on from; None: a start mark, or else the beginning of a line.
            length: the most tokens.
            sampler: how freely is drawn.
            seed: of all that is drawn.

        Raises:
            UserError: the prompt holds nothing, or what the vocabulary does not.
        """
        random = np.random.default_rng(seed)
        never = [mark for mark in range(len(MARKS)) if mark != END or not self.tokens.marks]
        read = self._prompted(prompt)
        reader = Reader(self.predictor)
        for number in range(length):
            token = sampler.token(reader.read(read), random, never)
            if token == END:
                return
            yield (self.tokens.joint if number or prompt else "") + self.names[token]
            read = np.array([[token]], np.int32)

    def _prompted(self, prompt: str | None) -> NDArray[np.int32]:
        """Return the tokens of a prompt, (T, 1), behind a start mark where there are marks.

        Raises:
            UserError: as of `write`.
        """
        start = [START] if self.tokens.marks else []
        if prompt is None and not start and "\n" in self.names:
            prompt = "\n"
        pieces = self.tokens.pieces(prompt or "")
        if not pieces and not start:
            raise UserError("--prompt: expected text to go on from; received nothing")
        numbers = {name: number for number, name in enumerate(self.names) if number >= len(MARKS)}
        unknown = [shown(piece) for piece in dict.fromkeys(pieces) if piece not in numbers]
        if unknown:
            few = ", ".join(unknown[:MANY]) + (", …" if len(unknown) > MANY else "")
            raise UserError(f"--prompt: not among the {len(numbers):,} tokens of the run's vocabulary: {few}")
        return np.array([*start, *(numbers[piece] for piece in pieces)], np.int32)[:, np.newaxis]


class AnswerWriter:
    """Writes answers to a text, each drawn token by token.

    Args:
        predictor: a run that answers texts with texts.
    """

    def __init__(self, predictor: Predictor) -> None:
        import keras

        network = predictor.network
        self.predictor, self.decoder = predictor, network.get_layer("decoder")
        final, sequence, lengths, _ = self.decoder.input
        self.encoder = keras.Model(network.input, [final, sequence, lengths + 0])
        self.names = predictor.pipeline.signature.known_target.names

    def write(self, prompt: str, count: int, length: int | None, sampler: Sampler, seed: int) -> list[str]:
        """Return so many answers, each a draw of its own: of more, the first ones are the same.

        Args:
            prompt: what is answered.
            count: how many answers.
            length: the most tokens of one; None: as many as the run's own search allows.
            sampler: how freely is drawn.
            seed: of all that is drawn.

        Raises:
            UserError: the prompt holds nothing that the run knows.
        """
        self.check(prompt)
        numbers = range(count)
        parts = [numbers[start : start + TOGETHER] for start in range(0, count, TOGETHER)]
        return [text for part in parts for text in self._written(prompt, part, length, sampler, seed)]

    def _written(
        self, prompt: str, numbers: Sequence[int], length: int | None, sampler: Sampler, seed: int
    ) -> list[str]:
        """Return the answers of these numbers; see `write`."""
        import tensorflow as tf

        given = np.array([prompt.encode(errors="replace")] * len(numbers), object)
        field = self.predictor.signature.inputs[0].name
        inputs = self.predictor.network_inputs({field: given}, tf.strings.length(given))
        step, state = self.decoder.steps(*self.encoder(inputs, training=False))
        longest = self.decoder.longest if length is None else length
        draws = [np.random.default_rng([seed, number]) for number in numbers]
        before, over = np.full(len(draws), START, np.int32), np.zeros(len(draws), bool)
        tokens: list[NDArray[np.int32]] = []
        while len(tokens) < longest and not over.all():
            scores, state = step(tf.constant(before), state)
            found = [sampler.token(row, own, UNSAID) for row, own in zip(np.asarray(scores), draws, strict=True)]
            before = np.array(found, np.int32)
            over |= before == END
            tokens.append(np.where(over, PADDING, before).astype(np.int32))
        rows = np.stack(tokens, axis=1) if tokens else np.full((len(draws), 1), PADDING, np.int32)
        texts = self.predictor.experiment.task.written(rows, self.predictor.learnt)
        return [text.decode() for text in np.asarray(texts).tolist()]

    def check(self, prompt: str) -> None:
        """Refuse a prompt of which the run knows nothing.

        Raises:
            UserError: what it holds, and where they are few, what is known.
        """
        cut = next(each for each in self.predictor.pipeline.transforms if isinstance(each, Tokens))
        known = self.predictor.pipeline.signature.inputs[0].names[len(MARKS) :]
        pieces = cut.pieces(prompt)
        if not pieces:
            raise UserError("--prompt: expected text to answer; received nothing")
        if not set(pieces) & set(known):
            listed = f"; known: {', '.join(sorted(known))}" if len(known) <= FEW else ""
            few = ", ".join(shown(piece) for piece in dict.fromkeys(pieces[:MANY]))
            raise UserError(f"--prompt: not among the {len(known):,} tokens of the run's vocabulary: {few}{listed}")


def nearest_texts(texts: Sequence[str], known: Sequence[str]) -> list[tuple[str, int]]:
    """Return, of each text, the known one that takes the fewest edits to become it, and how many; of equals the first.

    An edit inserts, removes or changes one character (Levenshtein 1966).
    """
    from rapidfuzz.distance import Levenshtein
    from rapidfuzz.process import cdist

    found = []
    for text in texts:
        edits = cdist([text], known, scorer=Levenshtein.distance, dtype=np.int32)[0]
        found.append((known[int(edits.argmin())], int(edits.min())))
    return found


class MusicWriter:
    """Writes on a piece of music in frames.

    Args:
        predictor: a run that models music.
    """

    def __init__(self, predictor: Predictor) -> None:
        self.predictor = predictor

    def write(self, prompt: str | None, length: int, sampler: Sampler, seed: int) -> Iterator[NDArray[np.bool_]]:
        """Yield the prompt's frames and `length` that follow, (K,) each.

        Args:
            prompt: chords as `chords_of` reads them; None: a first chord of the training split, drawn.
            length: the number of frames behind the prompt.
            sampler: how freely is drawn.
            seed: of all that is drawn.

        Raises:
            UserError: the prompt is no list of chords.
        """
        reader, random = Reader(self.predictor), np.random.default_rng(seed)
        first = self.predictor.learnt["first"]
        frames = first[random.integers(len(first), size=1)] > 0 if prompt is None else chords_of(prompt, first.shape[1])
        yield from frames
        for _ in range(length):
            frames = sampler.frame(reader.read(frames), random)[np.newaxis]
            yield frames[0]


def chords_of(text: str, keys: int) -> NDArray[np.bool_]:
    """Return frames (T, K) of chords of MIDI pitches, such as `60 64 67, 62 65 69`.

    Raises:
        UserError: it is no such text.
    """
    chords = [re.split(r"\s+", chord.strip()) for chord in text.split(",")]
    frames = np.zeros((len(chords), keys), bool)
    for frame, chord in zip(frames, chords, strict=True):
        for pitch in chord:
            if not pitch.isdecimal() or len(pitch) > 3 or not LOWEST <= int(pitch) < LOWEST + keys:
                expected = f"chords of MIDI pitches from {LOWEST} to {LOWEST + keys - 1}, such as '60 64 67, 62 65 69'"
                raise UserError(f"--prompt: expected {expected}; received {shown(pitch)}")
            frame[int(pitch) - LOWEST] = True
    return frames
