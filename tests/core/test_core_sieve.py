"""Filtering instances."""

import pytest

from maskgui.core.entities import Instance
from maskgui.core.shape import Polygon, Shape
from maskgui.core.sieve import Origin, Sieve, origin_of


def box(instance_id: int, width: float, height: float, **fields) -> Instance:
    ring = [(0, 0), (width, 0), (width, height), (0, height)]
    return Instance(instance_id, 1, fields.pop("category", 7), Shape([Polygon(ring)]), **fields)


PROPOSAL = box(1, 10, 10, detection=5, touched=False, score=0.4)
CORRECTED = box(2, 40, 5, detection=6, score=0.8)
IMPORTED = box(3, 100, 90, source=4, category=8)
DRAWN = box(4, 3, 60)
EVERY = (PROPOSAL, CORRECTED, IMPORTED, DRAWN)


def test_origins() -> None:
    assert [origin_of(one) for one in EVERY] == list(Origin)[1:]


@pytest.mark.parametrize(
    ("sieve", "passing"),
    [
        (Sieve(), {1, 2, 3, 4}),
        (Sieve(category=8), {3}),
        (Sieve(origin=Origin.PROPOSAL), {1}),
        (Sieve(origin=Origin.DRAWN), {4}),
        (Sieve(most_score=0.5), {1}),
        (Sieve(least_score=0.5), {2, 3, 4}),
        (Sieve(least_score=0.4, most_score=0.8), {1, 2}),
        (Sieve(most_side=40), {1, 2}),
        (Sieve(least_side=60), {3, 4}),
        (Sieve(category=7, least_side=11, most_score=0.9), {2}),
    ],
)
def test_what_passes(sieve: Sieve, passing: set[int]) -> None:
    assert {one.id for one in EVERY if sieve.passes(one)} == passing
    assert sieve.is_open == (len(passing) == 4)
