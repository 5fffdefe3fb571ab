"""All of the window can be reached, and is named, without a pointer."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractSpinBox, QApplication, QScrollBar, QWidget

from maskgui.ui.controller import Controller

Key = Qt.Key


def press(key: Qt.Key, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> QWidget:
    """Press a key where the keyboard is; return where it is then."""
    QTest.keyClick(QApplication.focusWidget(), key, modifiers)
    return QApplication.focusWidget()


def test_f6_goes_round_all_parts_and_back(opened: Controller) -> None:
    window = opened.window
    opened.canvas.set_tool("rectangle")
    opened.canvas.setFocus()
    parts = [
        window.side.instances.tree,
        window.side.categories.list,
        window.film.view,
        window.topbar.project,
        window.tools.groups["figures"],
        opened.canvas,
    ]
    assert [press(Key.Key_F6) for _ in parts] == parts
    back = [press(Key.Key_F6, Qt.KeyboardModifier.ShiftModifier) for _ in parts]
    assert back == [*parts[-2::-1], opened.canvas]


def test_f6_leaves_out_what_is_hidden_and_finds_what_is_folded(opened: Controller) -> None:
    window = opened.window
    window.show_panel("film", False)
    window.side.instances.fold(True)
    opened.canvas.setFocus()
    assert window.side.upper.isAncestorOf(press(Key.Key_F6)), "the head, or a slider"
    assert press(Key.Key_F6) is window.side.categories.list
    assert press(Key.Key_F6) is window.topbar.project


def test_the_options_of_a_tool_are_on_the_way(opened: Controller) -> None:
    window = opened.window
    opened.canvas.set_tool("brush")
    opened.canvas.setFocus()
    slider = window.options_bar.numbers["radius"].slider
    assert press(Key.Key_F6) is slider
    before = slider.value()
    press(Key.Key_Right)
    assert slider.value() > before
    assert press(Key.Key_F6) is window.side.instances.tree
    assert press(Key.Key_F6, Qt.KeyboardModifier.ShiftModifier) is slider
    assert press(Key.Key_Escape) is opened.canvas


@pytest.mark.parametrize("part", ["tree", "slider", "list", "film", "find", "project", "tool"])
def test_esc_in_a_panel_goes_back_to_the_canvas(opened: Controller, part: str) -> None:
    window = opened.window
    widgets = {
        "tree": window.side.instances.tree,
        "slider": window.side.sliders.score,
        "list": window.side.categories.list,
        "film": window.film.view,
        "find": window.film.field,
        "project": window.topbar.project,
        "tool": window.tools.groups["painting"],
    }
    window.side.sliders.allow("")
    widgets[part].setFocus()
    assert QApplication.focusWidget() is widgets[part]
    assert press(Key.Key_Escape) is opened.canvas


def test_esc_in_a_categorys_name_leaves_the_name_only(opened: Controller) -> None:
    category_id = opened.categories.add_named("washer")
    rows = opened.window.side.categories.list
    rows.setFocus()
    opened.window.side.categories.edit_name(category_id)
    assert QApplication.focusWidget() is not rows
    assert press(Key.Key_Escape) is rows


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_a_ring_shows_where_the_keyboard_came_to(opened: Controller, theme: str) -> None:
    opened.options["theme"] = theme
    ring = opened.window.regions.ring
    opened.canvas.setFocus()
    assert not ring.isVisible(), "nobody asked for it"
    tree = press(Key.Key_F6)
    assert ring.isVisible()
    assert ring.geometry() == tree.rect()
    edge = tree.grab().toImage().pixelColor(tree.width() // 2, 0)
    assert edge.name() == opened.themes.theme.accent
    QTest.mouseClick(tree.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(5, 5))
    assert not ring.isVisible(), "the pointer knows where it is"
    opened.window.regions.back()
    assert ring.isVisible()
    press(Key.Key_P)
    assert not ring.isVisible(), "work goes on"
    assert opened.canvas.tool == "polygon"


def test_everything_in_the_window_has_a_name(opened: Controller) -> None:
    for number in range(12):
        opened.categories.add_named(f"kind {number}")
    opened.canvas.set_tool("brush")
    assert opened.canvas.accessibleName()
    nameless = []
    for widget in opened.window.findChildren(QWidget):
        if not widget.isVisible() or widget.focusPolicy() == Qt.FocusPolicy.NoFocus:
            continue
        if isinstance(widget, QScrollBar) or isinstance(widget.parent(), QAbstractSpinBox):
            continue
        face = QAccessible.queryAccessibleInterface(widget)
        if not face.text(QAccessible.Text.Name).strip():
            nameless.append(widget)
    assert not nameless
