"""One score per class."""

from __future__ import annotations

from rnnlab.heads import PooledHead


class Classes(PooledHead):
    """Reads the sequence into one logit per class; the task turns logits into probabilities."""

    tasks = frozenset({"classification"})
