"""Recall of entities, as conlleval counts them."""

from __future__ import annotations

from typing import Any, ClassVar

from rnnlab.metrics._tags import EntityMetric


class EntityRecall(EntityMetric):
    """The share of the true entities that are found, with type, beginning and end."""

    definition: ClassVar[str] = (
        "share of the true entities that are found, with type, beginning and end (as conlleval counts), 0–1"
    )

    def share(self, hits: Any, predicted: Any, actual: Any) -> tuple[Any, Any]:
        return hits, actual
