"""Select and move: by events in image coordinates, judged by selection and shapes."""

import numpy as np
import pytest

from maskgui.core.detections import Detections
from maskgui.core.entities import MarkKind
from maskgui.core.shape import Polygon
from tests.tools.toolkit import Bench, assert_sound, instance, square


@pytest.fixture
def bench():
    """A small square on a large one, and one apart."""
    return Bench(
        instance(1, Polygon(square(10, 10, 50))),
        instance(2, Polygon(square(20, 20, 10))),
        instance(3, Polygon(square(70, 10, 10))),
    )


def test_click_takes_the_smallest_and_an_empty_place_nothing(bench):
    bench.click(25, 25)
    assert bench.selection == {2}
    bench.click(50, 50)
    assert bench.selection == {1}
    bench.click(95, 75)
    assert bench.selection == frozenset()


def test_ctrl_toggles_and_shift_adds(bench):
    bench.click(25, 25)
    bench.click(75, 15, "ctrl")
    assert bench.selection == {2, 3}
    bench.click(25, 25, "ctrl")
    assert bench.selection == {3}
    bench.click(50, 50, "shift")
    assert bench.selection == {1, 3}


def test_tab_walks_through_what_lies_beneath(bench):
    bench.move(25, 25)
    for expected in ({2}, {1}, {2}):
        bench.key("tab")
        assert bench.selection == expected
    bench.key("backtab")
    assert bench.selection == {1}


def test_tab_on_an_empty_place_goes_through_all(bench):
    bench.move(95, 75)
    seen = []
    for _ in range(3):
        bench.key("tab")
        seen += bench.selection
    assert seen == [1, 2, 3]


def test_plain_drag_moves_nothing_ctrl_drag_does(bench):
    before = bench.state()
    bench.drag((25, 25), (40, 30))
    assert bench.state() == before
    bench.drag((25, 25), (40, 30), "ctrl")
    assert bench.shape(2).bounds == (35, 25, 45, 35)
    assert len(bench.edits) == 1
    assert bench.selection == {2}


def test_move_freely_and_the_whole_selection(bench):
    bench.move_freely = True
    bench.selection = frozenset({2, 3})
    bench.drag((26, 24), (36, 34))
    assert bench.shape(2).bounds == (30, 30, 40, 40)
    assert bench.shape(3).bounds == (80, 20, 90, 30)
    assert len(bench.edits) == 1


def test_a_move_stops_at_the_edge_of_the_image(bench):
    bench.drag((75, 15), (500, -300), "ctrl")
    assert bench.shape(3).bounds == (90, 0, 100, 10)


def test_rubber_band_takes_those_inside(bench):
    bench.drag((15, 5), (99, 40))
    assert bench.selection == {2, 3}
    bench.drag((5, 5), (65, 65), "ctrl")
    assert bench.selection == {1, 2, 3}


def test_arrows_are_one_edit_when_the_key_is_let_go(bench):
    bench.click(75, 15)
    for _ in range(3):
        bench.key("right")
    bench.key("down", "shift")
    bench.key_up("right")
    assert bench.edits == []
    bench.key_up("down")
    assert bench.shape(3).bounds == (73, 20, 83, 30)
    assert len(bench.edits) == 1


def test_locked_instances_can_be_selected_but_not_changed(bench):
    bench.locked_ids = frozenset({2})
    before = bench.state()
    bench.click(25, 25)
    assert bench.selection == {2}
    bench.key("delete")
    bench.key("right")
    bench.key_up("right")
    bench.drag((25, 25), (26, 60), "ctrl")
    assert bench.state()[0][1] == before[0][1]


def test_delete(bench):
    bench.selection = frozenset({1, 3})
    bench.key("delete")
    assert [one.id for one in bench.instances()] == [2]
    assert len(bench.edits) == 1


def test_the_vertex_of_a_selected_instance_can_be_dragged(bench):
    bench.click(50, 50)
    assert bench.move(9.5, 9.5).overlay.vertex is not None  # from beside it too
    bench.drag((9.5, 9.5), (4.5, 5.5))
    assert np.array_equal(bench.shape(1).parts[0].exterior[0], (5, 6))


def test_the_vertex_under_the_pointer_can_be_dragged_from_inside_unselected(bench):
    assert bench.move(9.5, 9.5).overlay.vertex is None  # an empty place begins a frame
    assert bench.move(10.5, 10.5).overlay.vertex is not None
    bench.drag((10.5, 10.5), (5.5, 6.5))
    assert np.array_equal(bench.shape(1).parts[0].exterior[0], (5, 6))
    assert bench.selection == {1}
    assert len(bench.edits) == 1


def test_a_click_on_a_vertex_of_another_instance_selects_that(bench):
    bench.selection = frozenset({3})
    bench.click(58, 58)
    assert bench.selection == {1}
    assert bench.edits == []


def test_alt_click_adds_a_vertex_and_with_shift_deletes_one(bench):
    bench.click(35, 10.5, "alt")
    assert bench.selection == {1}
    ring = bench.shape(1).parts[0].exterior
    assert np.array_equal(ring[1], (35, 10))
    bench.click(35, 11, "alt shift")
    assert np.array_equal(bench.shape(1).parts[0].exterior, square(10, 10, 50))
    assert [edit.label for edit in bench.edits] == ["Add vertex", "Delete vertex"]


def test_alt_click_takes_a_selected_instance_before_the_one_under_the_pointer():
    bench = Bench(
        instance(1, Polygon(square(10, 10, 50))), instance(2, Polygon(square(12, 20, 20)))
    )
    bench.selection = frozenset({1})
    bench.click(12.5, 30, "alt")  # on the edge of 2, and within reach of that of 1
    assert len(bench.shape(1).parts[0].exterior) == 5
    bench.click(31.5, 30, "alt")  # 1 has none here
    assert len(bench.shape(2).parts[0].exterior) == 5
    assert bench.selection == {2}


def test_vertices_of_a_locked_instance_stay(bench):
    bench.locked_ids = frozenset({1})
    bench.click(35, 10.5, "alt")
    bench.click(10.5, 10.5, "alt shift")
    bench.drag((58, 58), (50, 50))
    assert bench.edits == []


def test_the_vertex_under_the_pointer_is_forgotten_when_an_undo_takes_it(bench):
    bench.click(35, 10.5, "alt")
    assert bench.move(10.5, 59.5).overlay.vertex.at == 4
    bench.document.apply(bench.edits[0].inverse())
    assert bench.tool.look(bench).overlay.vertex is None


def test_deleting_vertices_down_to_two_deletes_the_instance(bench):
    for _ in range(2):
        at = bench.shape(3).parts[0].exterior[0]
        bench.click(*at, "alt shift")
    assert bench.instance(3) is None
    assert bench.selection == frozenset()


def test_a_small_instance_is_not_all_vertices(bench):
    bench.click(75, 15)
    assert bench.move(70.5, 10.5).overlay.vertex is None


def test_double_click_goes_to_the_vertices(bench):
    bench.double_click(25, 25)
    assert bench.selection == {2}
    assert bench.tool.name == "vertex"


def test_moving_a_proposal_makes_it_the_persons_and_marks_its_detection():
    found = Detections(
        "m",
        ("thing",),
        np.array([[10, 10, 30, 30], [50, 10, 70, 30]], np.float32),
        np.array([0.9, 0.8], np.float32),
        np.zeros(2, np.int32),
        np.zeros((2, 28, 28), np.uint16),
        run=3,
    )
    bench = Bench(
        *(
            instance(
                n + 1,
                Polygon(square(10 + 40 * n, 10, 20)),
                touched=False,
                detection=found.id_of(n),
                score=0.9,
            )
            for n in range(2)
        )
    )
    bench.found = found
    bench.selection = frozenset({1, 2})
    bench.drag((20, 20), (26, 26), "ctrl")
    assert all(one.touched for one in bench.instances())
    assert [mark.kind for mark in bench.image.marks] == [MarkKind.TAKEN] * 2
    bench.key("delete")
    assert {mark.kind for mark in bench.image.marks} >= {MarkKind.TAKEN}
    for edit in reversed(bench.edits):
        bench.document.apply(edit.inverse())
    assert bench.image.marks == ()
    assert all(one.is_proposal for one in bench.instances())


def test_a_gesture_on_what_has_gone_meanwhile_changes_nothing(bench):
    bench.move(25, 25, "ctrl")
    bench.press(25, 25, "ctrl")
    bench.move(40, 40, "ctrl")
    gone = bench.instance(2)
    bench.document.load(1, [one for one in bench.instances() if one != gone])
    before = bench.state()
    bench.release(40, 40, "ctrl")
    assert bench.state() == before


def test_nothing_that_is_left_behind_is_unsound(bench):
    bench.drag((25, 25), (-50, -50), "ctrl")
    for one in bench.instances():
        assert_sound(one.shape)


def test_a_lasso_selects_what_lies_wholly_inside_it():
    bench = Bench(
        instance(1, Polygon(square(10, 10, 10))),
        instance(2, Polygon(square(40, 40, 10))),
        instance(3, Polygon(square(70, 10, 10))),
    )
    loop = [(5, 5), (25, 5), (60, 38), (60, 60), (30, 60), (5, 25)]
    bench.press(*loop[0], "alt")
    for spot in loop[1:]:
        bench.move(*spot, "alt")
    bench.release(*loop[-1], "alt")
    assert bench.selection == {1, 2}
    assert bench.edits == []


def test_a_lasso_leaves_out_what_it_cuts_and_what_is_locked():
    bench = Bench(
        instance(1, Polygon(square(10, 10, 10))),
        instance(2, Polygon(square(30, 10, 10))),
        instance(3, Polygon(square(12, 30, 6))),
    )
    bench.locked_ids = frozenset({3})
    bench.press(5, 5, "alt")
    for spot in ((35, 5), (35, 50), (5, 50)):
        bench.move(*spot, "alt")
    bench.release(5, 50, "alt")
    assert bench.selection == {1}


def test_vertices_dragged_here_follow_the_rules_of_the_vertex_tool():
    bench = Bench(
        instance(1, Polygon(square(0, 0, 40))),
        instance(2, Polygon(square(40, 0, 40))),
    )
    bench.toolbox.use("vertex")
    bench.toolbox.active.set_option("shared", 1)
    bench.toolbox.use("select")
    bench.selection = frozenset({1})
    bench.drag((40, 40), (46, 44))
    for number in (1, 2):
        assert [46, 44] in bench.shape(number).parts[0].exterior.tolist()
