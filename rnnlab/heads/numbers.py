"""One number per target."""

from __future__ import annotations

from rnnlab.heads import PooledHead


class Numbers(PooledHead):
    """Reads the sequence into numbers in standardised units; the task turns them into the target's units."""

    tasks = frozenset({"regression"})
