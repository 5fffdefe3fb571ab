"""Numbers as options take them."""

import math
from typing import Any

import click


class FiniteRange(click.FloatRange):
    """A float within bounds; `nan` and `inf`, which no bound stops, are refused."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number, or fail with the option's name."""
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{number} is no finite number.", param, ctx)
        return number
