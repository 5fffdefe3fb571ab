"""What is begun and not finished: undo takes it back, drafts wait, what it was for may go."""

import msgspec
import numpy as np
import pytest

from maskgui.core.shape import Polygon
from maskgui.tools.base import Response, Runs
from maskgui.tools.commit import GONE, deleted
from maskgui.tools.picking import editable
from maskgui.tools.toolbox import REDO_WAITS, TAKEN_BACK, TOOLS, Toolbox
from tests.tools.toolkit import Bench, instance, square


def bench_with(tool):
    """Three squares, the first selected; image work waits."""
    bench = Bench(
        instance(1, Polygon(square(20, 20, 40))),
        instance(2, Polygon(square(70, 20, 20))),
        instance(3, Polygon(square(10, 66, 8))),
        tool=tool,
    )
    bench.selection = frozenset({1})
    bench.waits = True
    return bench


def dragged(bench, *points, held=""):
    bench.move(*points[0], held)
    bench.press(*points[0], held)
    for x, y in points[1:]:
        bench.move(x, y, held)


def clicked(bench, *points):
    for x, y in points:
        bench.click(x, y)


BEGIN = {
    "select": lambda bench: dragged(bench, (60, 60), (64, 70)),
    "vertex": lambda bench: dragged(bench, (60, 60), (64, 70)),
    "transform": lambda bench: dragged(bench, (60, 60), (64, 70)),
    "reroute": lambda bench: dragged(bench, (60, 30), (66, 40), (60, 50)),
    "freehand": lambda bench: dragged(bench, (2, 2), (16, 2), (16, 16)),
    "brush": lambda bench: dragged(bench, (50, 40), (66, 40)),
    "eraser": lambda bench: dragged(bench, (50, 40), (66, 40)),
    "lasso_add": lambda bench: dragged(bench, (50, 40), (66, 40), (66, 52)),
    "lasso_subtract": lambda bench: dragged(bench, (50, 40), (66, 40), (66, 52)),
    "slice": lambda bench: dragged(bench, (10, 40), (40, 41), (66, 40)),
    "wand": lambda bench: dragged(bench, (40, 40), (50, 40), held="shift"),
    "rectangle": lambda bench: clicked(bench, (2, 2)),
    "ellipse": lambda bench: dragged(bench, (2, 2), (16, 16)),
    "polygon": lambda bench: clicked(bench, (2, 2), (16, 2), (16, 16)),
    "punch": lambda bench: clicked(bench, (30, 30), (50, 30), (50, 50)),
    "scissors": lambda bench: clicked(bench, (2, 2), (16, 2), (16, 16)),
    "simplify": lambda bench: bench.wheel(3.0, 40, 40),
    "refine": lambda bench: bench.click(40, 40),
}
STEPS = {"polygon": 3, "punch": 3, "scissors": 3}
"""Undos that leave nothing begun; one where a tool is not named."""
FOR_AN_INSTANCE = sorted(
    {*TOOLS} - {"freehand", "rectangle", "ellipse", "polygon", "scissors", "simplify"}
)


def finish(bench, tool):
    if tool == "punch":
        return bench.key("enter")
    bench.release(66, 52, "shift" if tool == "wand" else "")
    while bench.requests:
        bench.work()
    return bench.last


def test_every_tool_is_tried():
    assert set(BEGIN) == set(TOOLS)


@pytest.mark.parametrize("tool", TOOLS)
def test_undo_takes_back_what_is_begun_and_leaves_the_history(tool):
    bench = bench_with(tool)
    before = bench.state()
    BEGIN[tool](bench)
    for left in reversed(range(STEPS.get(tool, 1))):
        assert bench.tool.busy
        assert bench.toolbox.begun
        response = bench.key("z", "ctrl")
        assert response.handled
        assert response.edit is None
        assert bench.tool.busy == bool(left)
    assert response.status == TAKEN_BACK
    assert not bench.key("z", "ctrl").handled  # the history is next
    assert bench.toolbox.begun == ""
    bench.move(40, 70)
    bench.release(40, 70)
    assert bench.state() == before
    assert bench.edits == []


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize(("name", "held"), [("z", "ctrl shift"), ("y", "ctrl")])
def test_redo_waits_while_something_is_begun(tool, name, held):
    bench = bench_with(tool)
    BEGIN[tool](bench)
    response = bench.key(name, held)
    assert response.handled
    assert response.status == REDO_WAITS
    assert bench.tool.busy
    bench.key("escape")
    assert not bench.key(name, held).handled


def test_undo_of_settings_sets_what_was_set_before():
    bench = bench_with("simplify")
    bench.wheel(3.0)
    bench.wheel(2.0)
    bench.key("z", "ctrl")
    assert bench.tool.values == {"tolerance": 1.0, "smoothness": 0.0}


def test_the_last_point_of_the_scissors_goes_with_its_piece():
    bench = bench_with("scissors")
    clicked(bench, (2, 2), (16, 2), (16, 16))
    bench.key("z", "ctrl")
    assert bench.tool.draft == [[(2, 2)], [(2, 2), (16, 2)]]


@pytest.mark.parametrize("tool", FOR_AN_INSTANCE)
def test_what_is_for_an_instance_that_went_ends_without_result(tool):
    bench = bench_with(tool)
    BEGIN[tool](bench)
    bench.follow(Response(edit=deleted(editable(bench), bench)))
    left = [one.id for one in bench.instances()]
    response = finish(bench, tool)
    assert response.status == GONE
    assert response.edit is None
    assert [one.id for one in bench.instances()] == left
    assert not bench.tool.busy


@pytest.mark.parametrize("tool", FOR_AN_INSTANCE)
def test_what_is_for_an_instance_that_is_locked_leaves_it(tool):
    bench = bench_with(tool)
    before = bench.state()
    BEGIN[tool](bench)
    bench.locked_ids = frozenset({1})
    assert finish(bench, tool).status
    assert bench.state() == before


@pytest.mark.parametrize("tool", ["brush", "lasso_add", "lasso_subtract", "eraser", "slice"])
def test_a_stroke_is_for_what_was_selected_when_it_began(tool):
    bench = bench_with(tool)
    BEGIN[tool](bench)
    bench.selection = frozenset({2})
    finish(bench, tool)
    (edit,) = bench.edits
    assert 1 in {change.entity.id for change in edit.changes}
    assert bench.shape(2) == instance(2, Polygon(square(70, 20, 20))).shape


DRAWN_BY_CLICKS = ["polygon", "punch", "rectangle", "scissors"]


@pytest.mark.parametrize("tool", DRAWN_BY_CLICKS)
def test_a_draft_comes_back_from_a_file(tool):
    bench = bench_with(tool)
    BEGIN[tool](bench)
    drafts = bench.toolbox.drafts
    bench.move(16, 16)
    shown = bench.tool.look(bench).overlay
    assert list(drafts) == [(1, tool)]
    raw = msgspec.msgpack.encode([(*key, runs) for key, runs in drafts.items()])
    bench.toolbox = Toolbox()
    rows = msgspec.msgpack.decode(raw, type=list[tuple[int, str, Runs]])
    bench.toolbox.recall({(at, name): runs for at, name, runs in rows})
    assert bench.toolbox.drafts == drafts
    assert not bench.tool.busy
    bench.toolbox.enter(1)
    assert bench.tool.name == tool
    bench.move(16, 16)
    again = bench.tool.look(bench).overlay
    for one, other in ((shown.draft, again.draft), (shown.path, again.path)):
        assert (one is None) == (other is None)
        assert one is None or np.array_equal(one.points, other.points)


def test_each_tool_has_a_draft_of_its_own():
    bench = bench_with("polygon")
    clicked(bench, (2, 2), (16, 2), (16, 12))
    drawn = bench.tool.draft
    bench.toolbox.use("rectangle")
    bench.click(4, 4)
    corner = bench.tool.draft
    bench.toolbox.use("polygon")
    assert bench.tool.draft == drawn
    assert bench.toolbox.drafts == {(1, "polygon"): drawn, (1, "rectangle"): corner}
    bench.toolbox.use("rectangle")
    assert bench.tool.draft == corner


@pytest.mark.parametrize(
    ("hand", "taken"), [("polygon", "polygon"), ("rectangle", "rectangle"), ("select", "rectangle")]
)
def test_of_several_drafts_the_tool_in_hand_has_its_own(hand, taken):
    bench = bench_with("polygon")
    clicked(bench, (2, 2), (16, 2), (16, 12))
    bench.toolbox.use("rectangle")
    bench.click(4, 4)
    drafts = bench.toolbox.drafts
    bench.toolbox.enter(2)
    bench.toolbox.use(hand)
    assert not bench.tool.busy
    bench.toolbox.enter(1)
    assert bench.tool.name == taken
    assert bench.tool.draft == drafts[1, taken]
    assert bench.toolbox.drafts == drafts


SPOT = (5.0, 5.0)


@pytest.mark.parametrize(
    ("tool", "runs"),
    [
        ("polygon", []),
        ("polygon", [[]]),
        ("polygon", [[SPOT], [SPOT]]),
        ("punch", []),
        ("rectangle", [[SPOT, SPOT]]),
        ("scissors", []),
        ("scissors", [[SPOT], []]),
        ("select", [[SPOT]]),
    ],
)
def test_a_draft_that_does_not_fit_its_tool_is_dropped(tool, runs):
    bench = bench_with("brush")
    bench.toolbox.recall({(1, tool): runs, (2, "polygon"): [[SPOT]]})
    bench.toolbox.enter(1)
    assert (bench.tool.name, bench.tool.busy) == ("brush", False)
    assert bench.toolbox.drafts == {(2, "polygon"): [[SPOT]]}
    bench.toolbox.use(tool)
    assert not bench.tool.busy


def test_drafts_of_another_project_are_forgotten():
    bench = bench_with("polygon")
    clicked(bench, (2, 2), (16, 2))
    bench.toolbox.recall({(2, "polygon"): [[(5.0, 5.0)]], (3, "unheard of"): []})
    bench.toolbox.enter(1)
    assert not bench.tool.busy
    bench.toolbox.enter(2)
    assert bench.tool.draft == [[(5.0, 5.0)]]
    assert list(bench.toolbox.drafts) == [(2, "polygon")]
