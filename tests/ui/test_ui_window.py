"""The whole window: open, draw, undo, leave, come back; and the states that are easy to forget."""

import gc
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from maskgui.core.edits import add_category, add_instances
from maskgui.core.entities import Category, Instance, Review
from maskgui.core.shape import Polygon, Shape
from maskgui.ui.controller import Controller
from maskgui.ui.options import Options

from .conftest import shown


def category(controller: Controller, name: str = "washer") -> int:
    made = controller.categories.add_named(name)
    assert made is not None
    return made


def square(controller: Controller, x: float = 10, y: float = 10, side: float = 20) -> Instance:
    """Add a square to the image shown."""
    desk = controller.desk
    ring = [(x, y), (x + side, y), (x + side, y + side), (x, y + side)]
    categories = desk.categories()
    category_id = categories[0].id if categories else category(controller)
    made = Instance(desk.new_id(), desk.image_id, category_id, Shape([Polygon(ring)]))
    assert desk.apply(add_instances([made], "Draw polygon"))
    return made


def draw_polygon(controller: Controller, points: list[tuple[float, float]]) -> None:
    canvas = controller.canvas
    canvas.setFocus()
    QTest.keyClick(canvas, Qt.Key.Key_P)
    for x, y in points:
        place = canvas.view.to_screen(x, y).toPoint()
        QTest.mouseMove(canvas, place)
        QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=QPoint(place))
    QTest.keyClick(canvas, Qt.Key.Key_Return)


def test_open_draw_undo_close_reopen(opened: Controller, folder: Path, wait, qtbot) -> None:
    category(opened)
    draw_polygon(opened, [(20, 20), (80, 20), (80, 70), (20, 70)])
    assert len(opened.desk.instances()) == 1
    draw_polygon(opened, [(90, 20), (120, 20), (120, 70)])
    assert len(opened.desk.instances()) == 2
    opened.window.commands["undo"].trigger()
    assert len(opened.desk.instances()) == 1
    kept = opened.desk.instances()
    assert opened.desk.record.review is Review.IN_PROGRESS
    assert opened.files.close_project()
    assert opened.window.is_welcome
    opened.start([folder], None)
    wait(lambda: shown(opened))
    assert opened.desk.instances() == kept
    opened.window.commands["redo"].trigger()
    assert len(opened.desk.instances()) == 2


@pytest.mark.qt_log_ignore("This plugin does not support", extend=True)
def test_an_outline_without_a_category_asks_for_one(opened: Controller, qapp) -> None:
    draw_polygon(opened, [(20, 20), (80, 20), (80, 70), (20, 70)])
    picker = qapp.activePopupWidget()
    assert picker is not None
    QTest.keyClicks(picker.field, "washer")
    QTest.keyClick(picker.field, Qt.Key.Key_Return)
    (made,) = opened.desk.instances()
    assert opened.desk.categories()[0].name == "washer"
    assert made.category_id == opened.desk.categories()[0].id


def test_images_are_walked_in_their_order(opened: Controller, wait) -> None:
    top = opened.window.topbar
    assert top.position.text() == "1 / 4"
    opened.canvas.setFocus()
    QTest.keyClick(opened.canvas, Qt.Key.Key_D)
    wait(lambda: shown(opened))
    assert top.position.text() == "2 / 4"
    assert opened.desk.record.path == "scene 2.png"
    opened.window.commands["reviewed_next"].trigger()
    assert opened.desk.record.path == "scene 3.png"
    opened.navigation.step(-2)
    opened.navigation.step_unreviewed(1)
    assert opened.desk.record.path == "scene 3.png"
    opened.navigation.step(10)
    assert opened.window.commands.reason("next_image")


def test_undo_goes_to_the_image_of_the_entry(opened: Controller, wait) -> None:
    square(opened)
    opened.navigation.step(2)
    wait(lambda: shown(opened))
    opened.window.commands["undo"].trigger()
    assert opened.desk.record.path == "scene 1.png"
    assert opened.desk.instances() == []


def test_digits_give_categories(opened: Controller) -> None:
    first, second = category(opened, "washer"), category(opened, "nut")
    made = square(opened)
    opened.desk.selection.set([made.id])
    opened.canvas.setFocus()
    QTest.keyClick(opened.canvas, Qt.Key.Key_2)
    assert opened.desk.instances()[0].category_id == second
    opened.desk.selection.clear()
    QTest.keyClick(opened.canvas, Qt.Key.Key_1)
    assert opened.desk.draw_category == first


def test_copies_go_to_other_images(opened: Controller) -> None:
    made = square(opened)
    opened.desk.selection.set([made.id])
    opened.window.commands["copy"].trigger()
    opened.window.commands["paste"].trigger()
    assert len(opened.desk.instances()) == 2
    assert opened.desk.instances()[1].shape.bounds[0] > made.shape.bounds[0]
    opened.navigation.step(1)
    opened.window.commands["paste"].trigger()
    (copy,) = opened.desk.instances()
    assert copy.shape == made.shape
    assert copy.image_id == opened.desk.image_id
    assert copy.id != made.id


def test_delete_leaves_what_is_locked(opened: Controller) -> None:
    first, second = square(opened), square(opened, 60)
    opened.desk.selection.set([first.id])
    opened.view.lock()
    opened.window.commands["select_all"].trigger()
    assert opened.desk.selection.ids == {second.id}
    opened.desk.selection.set([first.id, second.id])
    opened.window.commands["delete"].trigger()
    assert [one.id for one in opened.desk.instances()] == [first.id]
    assert "locked" in opened.window.toasts.texts[-1]


def test_iscrowd_can_be_set_by_hand(opened: Controller) -> None:
    made = square(opened)
    opened.desk.selection.set([made.id])
    opened.window.commands["toggle_crowd"].trigger()
    assert opened.desk.instances()[0].iscrowd
    opened.window.commands["toggle_crowd"].trigger()
    assert not opened.desk.instances()[0].iscrowd


def test_hide_solo_and_show_all(opened: Controller) -> None:
    first, second = square(opened), square(opened, 60)
    opened.desk.selection.set([first.id])
    opened.view.solo()
    assert opened.canvas.scene.hidden == {second.id}
    opened.view.solo()
    assert opened.canvas.scene.hidden == frozenset()
    opened.view.toggle_all()
    assert opened.canvas.scene.hidden == {first.id, second.id}
    opened.view.toggle_all()
    assert opened.canvas.scene.hidden == frozenset()


def test_list_and_canvas_share_the_selection(opened: Controller, qtbot) -> None:
    made = square(opened)
    qtbot.wait(1)
    tree = opened.window.side.instances.tree
    tree.setCurrentIndex(tree.rows.index_of(made.id))
    assert opened.desk.selection.ids == {made.id}
    opened.desk.selection.clear()
    assert opened.window.side.instances.selected_ids() == frozenset()


def test_categories_are_edits(opened: Controller, qtbot) -> None:
    washer, nut = category(opened, "washer"), category(opened, "nut")
    square(opened)
    panel = opened.window.side.categories
    panel.rows.setData(panel.rows.index(0), "ring")
    assert opened.desk.categories()[0].name == "ring"
    opened.categories.merge(opened.desk.categories()[0], opened.desk.categories()[1])
    assert [one.id for one in opened.desk.categories()] == [nut]
    assert opened.desk.instances()[0].category_id == nut
    assert opened.desk.counts[nut] == 1
    opened.window.commands["undo"].trigger()
    assert [one.id for one in opened.desk.categories()] == [washer, nut]
    assert opened.desk.counts[nut] == 0
    opened.categories.delete(opened.desk.categories()[0])
    assert opened.desk.instances() == []


def test_an_image_leaves_the_project_and_its_file_stays(opened: Controller, folder: Path) -> None:
    opened.window.commands["remove_image"].trigger()
    assert opened.window.topbar.position.text() == "1 / 3"
    assert opened.desk.record.path == "scene 2.png"
    assert (folder / "scene 1.png").is_file()
    opened.window.commands["undo"].trigger()
    assert len(opened.desk.order) == 4


def test_new_files_appear_on_rescan(opened: Controller, folder: Path, wait) -> None:
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(folder / "scene 5.png")
    opened.window.commands["rescan"].trigger()
    wait(lambda: len(opened.desk.order) == 5)
    wait(lambda: "Found 1 new image." in opened.window.toasts.texts)


def test_the_filter_narrows_the_walk(opened: Controller) -> None:
    opened.window.commands["reviewed_next"].trigger()
    film = opened.window.film
    film.state.setCurrentIndex(film.state.findData("reviewed"))
    assert film.rows.rowCount() == 1
    film.state.setCurrentIndex(0)
    film.field.setText("scene 3")
    assert film.rows.rowCount() == 1
    assert not film.view.empty
    film.field.setText("no such name")
    assert film.view.empty == "No image fits the filter."
    film.view.grab()  # a strip without rows is painted, too
    film.field.clear()
    assert not film.view.empty


# ---- states that are easy to forget


def test_nothing_open(controller: Controller) -> None:
    assert controller.window.is_welcome
    assert not controller.window.film.isVisible()


def test_a_folder_without_images(controller: Controller, tmp_path: Path, wait) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    controller.start([empty], None)
    wait(lambda: controller.desk.session is not None)
    assert controller.window.stage.currentWidget() is controller.window.empty


def test_an_image_that_cannot_be_read(controller: Controller, folder: Path, wait) -> None:
    (folder / "a broken one.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    controller.start([folder], None)
    wait(lambda: controller.desk.image_id in controller.navigation.problems)
    assert controller.canvas.scene.image_id is None
    controller.navigation.step(1)
    wait(lambda: shown(controller))
    film = controller.window.film
    wait(lambda: bool(film.rows.problems))
    film.state.setCurrentIndex(film.state.findData("problems"))
    assert film.rows.rowCount() == 1
    film.state.setCurrentIndex(0)


def test_what_is_no_path_is_a_sentence(controller: Controller, tmp_path: Path) -> None:
    controller.start([tmp_path / "nowhere"], None)
    assert "nowhere" in controller.window.toasts.texts[-1]


def test_a_second_window_is_kept_out(
    opened: Controller, folder: Path, qapp, themes, wait, tmp_path
) -> None:
    other = Controller(qapp, themes, Options(tmp_path / "other.ini"))
    other.start([folder], None)
    wait(lambda: bool(other.window.toasts.texts))
    assert other.desk.session is None
    other.window.close()
    other.deleteLater()


def test_fifteen_hundred_instances(opened: Controller, qtbot) -> None:
    desk = opened.desk
    own = category(opened)
    shape = Shape([Polygon([(0, 0), (9, 0), (9, 9)])])
    made = [
        Instance(desk.new_id(), desk.image_id, own, shape.moved(n % 100, n // 100))
        for n in range(1500)
    ]
    assert desk.apply(add_instances(made, "Add"))
    qtbot.wait(1)
    opened.window.commands["select_all"].trigger()
    assert len(opened.window.side.instances.selected_ids()) == 1500


def test_long_and_korean_names_are_shortened_not_cut(opened: Controller, qtbot) -> None:
    name = "가나다라마바사아자차카타파하" * 4 + " the end"
    assert opened.desk.apply(add_category(Category(opened.desk.new_id(), name, "#0072b2")))
    qtbot.wait(1)
    opened.window.show_title("x" * 60)
    assert opened.window.topbar.project.width() <= 260
    assert "x" * 60 in opened.window.topbar.project.toolTip()


def test_the_layout_is_on_disk_without_closing(opened: Controller, tmp_path: Path, wait) -> None:
    opened.window.side.categories.fold(True)
    wait(lambda: "categories=false" in (tmp_path / "config.ini").read_text())
    before = opened.options.layout("window")
    opened.window.resize(1111, 707)
    wait(lambda: opened.options.layout("window") != before)


def test_the_layout_is_remembered(opened: Controller, qapp, themes) -> None:
    opened.window.commands["toggle_film"].trigger()
    assert not opened.window.film.isVisible()
    opened.options["opacity"] = 60
    opened.window.close()
    again = Options()
    assert not again.shown("film")
    assert again["opacity"] == 60
    assert again.recent()[0].suffix == ".maskgui"


def test_a_fault_is_a_sentence_and_the_window_lives(opened: Controller, monkeypatch) -> None:
    from maskgui.ui.app import catch_faults

    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    catch_faults(opened.fault, lambda work: work())
    error = ZeroDivisionError("by design")
    sys.excepthook(type(error), error, None)
    assert "ZeroDivisionError" in opened.window.toasts.texts[-1]
    assert opened.window.isVisible()


def test_none_is_not_lost(opened: Controller) -> None:
    """PySide6 6.12.0 lost a reference to None in nearly every call, until Python died."""
    window, canvas = opened.window, opened.canvas
    gc.collect()  # what other tests left has references, too
    before = sys.getrefcount(None)
    for _ in range(25_000):
        window.status.setToolTip("")
        canvas.setMouseTracking(True)
        window.topbar.run.setChecked(False)
        canvas.update()
    assert sys.getrefcount(None) > before - 2_000


def test_the_window_needs_no_torch() -> None:
    code = (
        "import sys; import maskgui.ui.app, maskgui.ui.controller;"
        "bad = {'torch', 'torchvision'} & set(sys.modules); sys.exit(str(bad) if bad else 0)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={"QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": str(Path.cwd())},
    )
    assert answer.returncode == 0, answer.stderr


@pytest.mark.parametrize("text", ["\tlibfoo.so.1 => not found\n\tlibc.so.6 => /lib/libc.so.6\n"])
def test_missing_libraries_are_named(text: str) -> None:
    from maskgui.ui.display import parse_ldd

    assert parse_ldd(text) == ["libfoo.so.1"]
