"""The list of instances tells views of those rows that changed, and of no others."""

from msgspec.structs import replace
from PySide6.QtCore import QModelIndex, Qt

from maskgui.core.entities import Category, Instance
from maskgui.core.shape import Polygon, Shape
from maskgui.ui.panels.instance_model import InstanceModel
from tests.ui.canvas_kit import square

SQUARE = Shape([Polygon(square(1, 1, 5))])
CATEGORIES = [Category(1, "washer", "#112233"), Category(2, "nut", "#445566", 1)]


def test_only_changed_rows_are_told(qtbot):
    model = InstanceModel()
    instances = [Instance(n, 1, 1 + n % 2, SQUARE, n) for n in range(10)]
    assert model.show(instances, CATEGORIES)
    told = []
    model.dataChanged.connect(
        lambda first, last: told.append((first.parent().row(), first.row(), last.row()))
    )
    assert not model.show(list(instances), CATEGORIES)
    assert told == []
    for number in (2, 4, 9):
        instances[number] = replace(instances[number], shape=SQUARE.moved(1, 0))
    assert not model.show(instances, CATEGORIES)
    assert told == [(0, 1, 2), (1, 4, 4)]
    assert model.instance(model.index_of(4)) is instances[4]
    told.clear()
    assert not model.show(instances, [CATEGORIES[0], replace(CATEGORIES[1], name="bolt")])
    assert told == [(-1, 1, 1), (1, 0, 4)]
    assert model.show(instances[1:], CATEGORIES)


def test_rows_are_told_apart(qtbot):
    drawn = Instance(1, 1, 1, SQUARE)
    imported = Instance(2, 1, 1, SQUARE, source=9, verbatim=True, iscrowd=True)
    changed = replace(imported, id=3, verbatim=False, iscrowd=False)
    proposal = Instance(4, 1, 1, SQUARE, touched=False, detection=5, score=0.5)
    taken = replace(proposal, id=5, touched=True, score=0.4)
    model = InstanceModel()
    model.show([taken, proposal, changed, imported, drawn], CATEGORIES)
    rows = [model.index_of(one.id) for one in (drawn, imported, changed, proposal, taken)]
    assert [row.data() for row in rows] == ["1", "2", "3", "4", "5"]
    assert [row.data(Qt.ItemDataRole.ToolTipRole) for row in rows] == [
        "washer 1\nDrawn, 5 × 5 px",
        "washer 2\nImported, crowd, 5 × 5 px",
        "washer 3\nImported, changed since, 5 × 5 px",
        "washer 4\nProposal of the model, score 0.50, 5 × 5 px",
        "washer 5\nThe model's, taken over or corrected, score 0.40, 5 × 5 px",
    ]
    assert model.digits == 1
    model.show([replace(drawn, id=n) for n in range(1, 101)], CATEGORIES)
    assert model.digits == 3


def test_many_separate_rows_are_told_as_one_run(qtbot):
    model = InstanceModel()
    instances = [Instance(n, 1, 1, SQUARE, n) for n in range(100)]
    model.show(instances, CATEGORIES)
    told = []
    model.dataChanged.connect(lambda first, last: told.append((first.row(), last.row())))
    moved = [replace(one, order=one.order + 100) if one.id % 2 else one for one in instances]
    assert not model.show(moved, CATEGORIES)
    assert told == [(1, 99)]
    assert model.ids_between(model.index(0, 0), 3, 5) == [3, 4, 5]
    assert model.ids_between(QModelIndex(), 0, 0) == list(range(100))
