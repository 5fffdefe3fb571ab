"""What a training run tells on its way."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class TrainProgress:
    """How training stands; `losses` by name and their total are means since the last log row.

    `validation` is the latest AP, `best` the AP of the weights that are kept (-1 before the
    first). `steps` is how many the run will take, estimated where its time is limited;
    `seconds_left` includes measuring AP at the end. `logged` marks the reports that are rows of
    the log: every 10 steps, and again after a validation. `measuring` tells (images done, images)
    while AP is measured; there are no losses and no speed then.
    """

    step: int
    steps: int
    epoch: float
    losses: dict[str, float]
    learning_rate: float
    images_per_second: float
    seconds_left: float
    validation: dict[str, float] = field(default_factory=dict)
    best: float = -1.0
    logged: bool = True
    measuring: tuple[int, int] | None = None


Report = Callable[[TrainProgress], None]
Note = Callable[[str], None]
