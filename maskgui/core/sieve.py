"""Which of an image's instances are looked at: by category, score, origin and size."""

import enum
from dataclasses import dataclass

from maskgui.core.entities import Instance


class Origin(enum.StrEnum):
    """Where an instance comes from."""

    ANY = "any"
    PROPOSAL = "proposal"  # the model's, touched by nobody
    CORRECTED = "corrected"  # the model's, taken over or changed
    IMPORTED = "imported"
    DRAWN = "drawn"


def origin_of(instance: Instance) -> Origin:
    """Return an instance's origin; never ANY."""
    if instance.is_proposal:
        return Origin.PROPOSAL
    if instance.detection is not None:
        return Origin.CORRECTED
    return Origin.DRAWN if instance.source is None else Origin.IMPORTED


@dataclass(frozen=True)
class Sieve:
    """What passes; bounds are inclusive. One without a score counts as of score 1."""

    category: int | None = None
    origin: Origin = Origin.ANY
    least_score: float = 0.0
    most_score: float = 1.0
    least_side: float = 0.0  # image pixels, of the longer side of the box
    most_side: float = float("inf")

    @property
    def is_open(self) -> bool:
        """Whether everything passes."""
        return self == Sieve()

    def passes(self, instance: Instance) -> bool:
        """Whether an instance is looked at."""
        if self.category not in (None, instance.category_id):
            return False
        if self.origin not in (Origin.ANY, origin_of(instance)):
            return False
        score = 1.0 if instance.score is None else instance.score
        if not self.least_score <= score <= self.most_score:
            return False
        if self.least_side <= 0 and self.most_side == float("inf"):
            return True
        x0, y0, x1, y1 = instance.shape.bounds
        return self.least_side <= max(x1 - x0, y1 - y0) <= self.most_side
