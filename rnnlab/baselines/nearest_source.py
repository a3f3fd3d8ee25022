"""The answer of the training text that is most like the one asked: a translation memory.

Axes: N training texts, M texts asked, K characters that go together.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rnnlab.baselines import Baseline, NotApplicable, known_targets
from rnnlab.baselines._texts import as_answer, commonest_target, source_texts
from rnnlab.examples import Examples
from rnnlab.signature import Kind

PAIRS_AT_ONCE = 4_000_000  # 16 MB of similarities
# Measured on one core: 29,000 captions of 2 MB, and 1,000 asked, take 6 seconds and 100 MB.
MOST_BYTES = 20_000_000
MOST_PAIRS = 500_000_000


class NearestSource(Baseline):
    """Answers with the target of the nearest training text: by the cosine of the TF-IDF of short runs of characters.

    Runs are of two to four characters, within words and at their ends, in lower case, so that texts of one word have
    neighbours, too. Of equally near ones the first is taken; a text that is like none gets the commonest target.
    """

    title: ClassVar[str] = "target of the nearest source"
    tasks: ClassVar[frozenset[str]] = frozenset({"sequence_to_sequence"})
    inputs: ClassVar[frozenset[Kind]] = frozenset({"text"})

    def answers(self, train: Examples, test: Examples, seed: int) -> dict[str, NDArray[Any]]:
        from sklearn.feature_extraction.text import TfidfVectorizer

        targets, common = known_targets(train), commonest_target(train)
        _check_cost(train, test)
        vectorizer = TfidfVectorizer(
            analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True, decode_error="replace", dtype=np.float32
        )
        seen = vectorizer.fit_transform(source_texts(train)).T.tocsr()  # (K, N)
        asked = vectorizer.transform(source_texts(test))  # (M, K)
        rows = max(1, PAIRS_AT_ONCE // seen.shape[1])
        found: list[bytes] = []
        for start in range(0, asked.shape[0], rows):
            likeness = (asked[start : start + rows] @ seen).toarray()
            nearest = likeness.argmax(axis=1)
            alike = likeness.max(axis=1) > 0
            found += [targets[index] if like else common for index, like in zip(nearest, alike, strict=True)]
        return as_answer(found)


def _check_cost(train: Examples, test: Examples) -> None:
    """Refuse what would take minutes, or gigabytes.

    Raises:
        NotApplicable: with the size.
    """
    size, pairs = int(train.lengths.sum()), len(train) * len(test)
    if size > MOST_BYTES:
        raise NotApplicable(f"would count the characters of {size:,} bytes of training texts, limit {MOST_BYTES:,}")
    if pairs > MOST_PAIRS:
        raise NotApplicable(f"would compare {pairs:,} pairs of texts, limit {MOST_PAIRS:,}")
