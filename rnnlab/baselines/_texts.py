"""What baselines that answer with texts share: the texts that go in, and those that come out, in UTF-8.

Axes: N examples.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rnnlab.baselines import known_targets
from rnnlab.examples import Examples


def source_texts(examples: Examples) -> list[bytes]:
    """Return every example's text."""
    name = examples.signature.inputs[0].name
    return [examples.read(index)[name].tobytes() for index in range(len(examples))]


def commonest_target(train: Examples) -> bytes:
    """Return the text that is the answer most often; of equally frequent ones the first in the order of bytes.

    Raises:
        NotApplicable: there are no training examples with targets.
    """
    counts = Counter(known_targets(train).tolist())
    return min(counts, key=lambda text: (-counts[text], text))


def as_answer(texts: Sequence[bytes]) -> dict[str, NDArray[np.bytes_]]:
    """Return texts as the task's answer, (N,)."""
    return {"texts": np.array(texts, np.bytes_)}
