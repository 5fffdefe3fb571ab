"""Join, split, subtract, intersect, overlap and holes: judged on masks, one edit each."""

import numpy as np
import pytest

from maskgui.core.shape import Polygon
from maskgui.tools.commands import COMMANDS
from tests.tools.toolkit import HEIGHT, WIDTH, Bench, assert_sound, instance, square


def box_mask(x0, y0, x1, y1):
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[y0:y1, x0:x1] = True
    return mask


def block(instance_id, x, y, side):
    return instance(instance_id, Polygon(square(x, y, side)))


def run(bench, name, *selected):
    bench.selection = frozenset(selected)
    response = bench.follow(COMMANDS[name](bench))
    for one in bench.instances():
        assert_sound(one.shape)
    assert len(bench.edits) <= 1
    return response


def test_join_of_touching_and_distant_instances():
    bench = Bench(block(1, 10, 10, 20), block(2, 20, 20, 30), block(3, 70, 10, 10))
    run(bench, "join", 1, 2, 3)
    assert [one.id for one in bench.instances()] == [2]
    wanted = box_mask(10, 10, 30, 30) | box_mask(20, 20, 50, 50) | box_mask(70, 10, 80, 20)
    assert np.array_equal(bench.mask(2), wanted)
    assert len(bench.shape(2).parts) == 2
    assert bench.selection == {2}


def test_split_keeps_the_largest_and_each_part_its_holes():
    bench = Bench(
        instance(1, Polygon(square(10, 10, 20)), Polygon(square(40, 10, 30), [square(50, 20, 10)]))
    )
    run(bench, "split", 1)
    _, other = bench.instances()
    assert np.array_equal(bench.mask(1), box_mask(40, 10, 70, 40) & ~box_mask(50, 20, 60, 30))
    assert np.array_equal(bench.mask(other.id), box_mask(10, 10, 30, 30))
    assert bench.selection == {1, other.id}


def test_split_then_join_is_the_same_mask():
    bench = Bench(instance(1, Polygon(square(10, 10, 20)), Polygon(square(40, 10, 30))))
    before = bench.mask(1)
    run(bench, "split", 1)
    bench.follow(COMMANDS["join"](bench))
    assert np.array_equal(bench.mask(1), before)


def test_subtract_takes_from_all_neighbours():
    bench = Bench(block(1, 30, 30, 20), block(2, 20, 20, 15), block(3, 45, 45, 15))
    run(bench, "subtract", 1)
    centre = box_mask(30, 30, 50, 50)
    assert np.array_equal(bench.mask(1), centre)
    assert np.array_equal(bench.mask(2), box_mask(20, 20, 35, 35) & ~centre)
    assert np.array_equal(bench.mask(3), box_mask(45, 45, 60, 60) & ~centre)


def test_subtract_in_the_middle_makes_a_hole():
    bench = Bench(block(1, 30, 30, 20), block(2, 20, 20, 40))
    run(bench, "subtract", 1)
    assert len(bench.shape(2).parts[0].holes) == 1


def test_a_neighbour_that_is_covered_wholly_is_left_and_named():
    bench = Bench(block(1, 20, 20, 40), block(2, 30, 30, 10))
    response = run(bench, "subtract", 1)
    assert not bench.edits
    assert "1 instance is covered wholly" in response.status


def test_locked_neighbours_keep_their_area():
    bench = Bench(block(1, 30, 30, 20), block(2, 20, 20, 15))
    bench.locked_ids = frozenset({2})
    run(bench, "subtract", 1)
    assert not bench.edits


def test_intersect_keeps_what_all_cover():
    bench = Bench(block(1, 10, 10, 40), block(2, 20, 20, 40), block(3, 15, 15, 30))
    run(bench, "intersect", 1, 2, 3)
    assert [one.id for one in bench.instances()] == [1]
    assert np.array_equal(bench.mask(1), box_mask(20, 20, 45, 45))


def test_intersect_of_nothing_changes_nothing():
    bench = Bench(block(1, 10, 10, 10), block(2, 40, 40, 10))
    assert "nothing in common" in run(bench, "intersect", 1, 2).status
    assert not bench.edits


@pytest.mark.parametrize("selected", [(), (1,), (1, 2, 3)])
def test_overlap_goes_to_what_lies_above(selected):
    bench = Bench(block(1, 10, 10, 30), block(2, 20, 20, 30), block(3, 30, 10, 30))
    run(bench, "remove_overlap", *selected)
    masks = [bench.mask(number) for number in (1, 2, 3)]
    assert np.array_equal(masks[2], box_mask(30, 10, 60, 40))
    assert np.array_equal(masks[1], box_mask(20, 20, 50, 50) & ~masks[2])
    assert np.array_equal(masks[0], box_mask(10, 10, 40, 40) & ~masks[1] & ~masks[2])
    assert sum(mask.astype(int) for mask in masks).max() == 1


def test_overlap_of_two_selected_leaves_the_third():
    bench = Bench(block(1, 10, 10, 30), block(2, 20, 20, 30), block(3, 30, 10, 30))
    run(bench, "remove_overlap", 1, 3)
    assert np.array_equal(bench.mask(2), box_mask(20, 20, 50, 50))
    assert np.array_equal(bench.mask(1), box_mask(10, 10, 30, 40))


@pytest.mark.parametrize("name", COMMANDS)
def test_where_nothing_is_nothing_is_done_and_it_is_said(name):
    assert run(Bench(), name).status


def test_holes_are_filled_with_what_lay_in_them():
    pierced = Polygon(square(10, 10, 40), [square(20, 20, 20)])
    bench = Bench(instance(1, pierced, Polygon(square(25, 25, 5))))
    run(bench, "fill_holes", 1)
    assert np.array_equal(bench.mask(1), box_mask(10, 10, 50, 50))
    assert len(bench.shape(1).parts) == 1


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("selected", [(), (1,)])
def test_what_cannot_be_done_is_said(name, selected):
    bench = Bench(block(1, 10, 10, 10), block(2, 40, 40, 10))
    response = run(bench, name, *selected)
    assert not bench.edits
    assert response.status
