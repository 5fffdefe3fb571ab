"""Moving instances up and down in their pile."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskgui.core.document import Document
from maskgui.core.entities import Category, ImageRecord, Instance
from maskgui.core.shape import Polygon, Shape
from maskgui.core.stacking import Way, arrange

IMAGE = ImageRecord(1, "a.png", 100, 100)


def box(instance_id: int, x: float, order: int) -> Instance:
    ring = [(x, 0), (x + 20, 0), (x + 20, 20), (x, 20)]
    return Instance(instance_id, 1, 7, Shape([Polygon(ring)]), order)


def pile_after(instances, chosen, way) -> list[int]:
    document = Document([Category(7, "thing", "#112233")], [IMAGE])
    document.load(1, instances)
    edit = arrange(instances, chosen, way, IMAGE, None)
    if edit is not None:
        document.apply(edit)
    found = sorted(document.instances(1), key=lambda one: (one.order, one.id))
    return [one.id for one in found]


@pytest.mark.parametrize(
    ("way", "expected"),
    [
        (Way.FRONT, [1, 3, 4, 2]),
        (Way.BACK, [2, 1, 3, 4]),
        (Way.FORWARD, [1, 3, 2, 4]),
        (Way.BACKWARD, [2, 1, 3, 4]),
    ],
)
def test_one_moves(way: Way, expected: list[int]) -> None:
    pile = [box(number, 5 * number, number) for number in (1, 2, 3, 4)]
    assert pile_after(pile, {2}, way) == expected


def test_forward_passes_the_next_one_that_it_touches() -> None:
    pile = [box(1, 0, 0), box(2, 50, 1), box(3, 55, 2), box(4, 10, 3), box(5, 0, 4)]
    assert pile_after(pile, {1}, Way.FORWARD) == [2, 3, 4, 1, 5]


def test_those_of_one_number_move_by_their_ids() -> None:
    pile = [box(1, 0, 0), box(2, 5, 0), box(3, 10, 0)]
    assert pile_after(pile, {2}, Way.BACKWARD) == [2, 1, 3], "its own number stays 0"
    assert pile_after(pile, {2}, Way.FORWARD) == [1, 3, 2]
    assert arrange(pile, {3}, Way.FORWARD, IMAGE, None) is None, "it is at the top"
    assert arrange(pile, {1}, Way.BACKWARD, IMAGE, None) is None


def test_nothing_moves_beyond_the_ends() -> None:
    pile = [box(1, 0, 0), box(2, 5, 1)]
    assert arrange(pile, {2}, Way.FRONT, IMAGE, None) is None
    assert arrange(pile, {2}, Way.FORWARD, IMAGE, None) is None
    assert arrange(pile, {1}, Way.BACK, IMAGE, None) is None


@given(
    st.lists(st.integers(-3, 3), min_size=1, max_size=8),
    st.sets(st.integers(0, 7)),
    st.sampled_from(Way),
)
def test_chosen_keep_their_order_and_so_do_the_others(orders, chosen, way) -> None:
    pile = [box(number, 2 * number, order) for number, order in enumerate(orders)]
    chosen &= set(range(len(orders)))
    before = [one.id for one in sorted(pile, key=lambda one: (one.order, one.id))]
    after = pile_after(pile, chosen, way)
    assert [n for n in after if n in chosen] == [n for n in before if n in chosen]
    assert [n for n in after if n not in chosen] == [n for n in before if n not in chosen]
    if way is Way.FRONT and chosen:
        assert set(after[-len(chosen) :]) == chosen


@given(
    st.lists(st.integers(0, 90), min_size=1, max_size=10),
    st.sets(st.integers(0, 9)),
    st.sampled_from((Way.FORWARD, Way.BACKWARD)),
    st.sampled_from((0, 1, 2)),
)
def test_each_chosen_one_passes_the_next_that_it_meets(places, chosen, way, apart) -> None:
    pile = [box(number, x, number * apart // 2) for number, x in enumerate(places)]
    left = {one.id: one.shape.bounds[0] for one in pile}
    order = [one.id for one in pile]
    order = order if way is Way.FORWARD else order[::-1]
    for number in [one for one in reversed(order) if one in chosen]:
        at = order.index(number)
        met = [n for n in range(at + 1, len(order)) if abs(left[order[n]] - left[number]) < 20]
        if met and order[met[0]] not in chosen:
            order.insert(met[0], order.pop(at))
    assert pile_after(pile, chosen, way) == (order if way is Way.FORWARD else order[::-1])
