"""The actions' table, and where its keys work."""

from collections import Counter

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest

from maskgui.ui import icons
from maskgui.ui.actions import HELD, TABLE, Scope
from maskgui.ui.dialogs.keys import KeysDialog, key_rows
from maskgui.ui.theme import DARK

CANVAS_KEYS = {"Tab", "Space", "Return", "Enter", "Left", "Right", "Up", "Down"}


def test_every_key_and_name_stands_once() -> None:
    keys = Counter(QKeySequence(key).toString() for spec in TABLE for key in spec.keys)
    assert [key for key, count in keys.items() if count > 1] == []
    assert len({spec.name for spec in TABLE}) == len(TABLE)
    assert len({spec.label for spec in TABLE}) == len(TABLE)


def test_bare_keys_never_leave_the_canvas() -> None:
    for spec in TABLE:
        for key in spec.keys:
            bare = len(key.removeprefix("Shift+")) == 1 or key in CANVAS_KEYS
            if bare:
                assert spec.scope is Scope.CANVAS, spec.name


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("next_image", {"D"}),
        ("previous_image", {"A"}),
        ("next_unreviewed", {"Ctrl+Shift+D"}),
        ("open_folder", {"Ctrl+U"}),
        ("open_files", {"Ctrl+O"}),
        ("save", {"Ctrl+S"}),
        ("tool_polygon", {"P", "Ctrl+N"}),
        ("tool_rectangle", {"R", "Ctrl+R"}),
        ("tool_vertex", {"Ctrl+J"}),
        ("redo", {"Ctrl+Shift+Z", "Ctrl+Y"}),
        ("category_9", {"9"}),
        ("category_10", {"Ctrl+1"}),
        ("category_18", {"Ctrl+9"}),
        ("fit", {"Ctrl+F"}),
        ("zoom_100", {"Ctrl+0"}),
        ("segment", {"I"}),
        ("segment_all", {"Ctrl+B"}),
        ("export", {"Ctrl+E"}),
        ("keys", {"F1"}),
        ("show_evidence", {"M"}),
    ],
)
def test_the_keys_are_those_of_the_conventions(name: str, keys: set[str]) -> None:
    assert {key for spec in TABLE if spec.name == name for key in spec.keys} == keys


def test_every_icon_is_in_the_family(qapp) -> None:
    for spec in TABLE:
        if spec.icon:
            assert not icons.icon(spec.icon, DARK).isNull(), spec.name


def test_every_action_does_something(controller) -> None:
    for spec in TABLE:
        bound = controller.window.commands[spec.name].receivers("2triggered(bool)")
        assert bound > 0 or spec.name in HELD, f"{spec.name} is a dead entry"


def test_what_cannot_work_says_why(controller) -> None:
    commands = controller.window.commands
    for name in ("next_image", "export", "segment", "delete", "paste", "fit", "undo"):
        assert not commands[name].isEnabled()
        assert commands.reason(name)
        assert commands.reason(name) in commands[name].toolTip()


def test_tooltips_name_action_and_key(controller) -> None:
    assert "Polygon" in controller.window.commands["tool_polygon"].toolTip()
    assert "(P)" in controller.window.commands["tool_polygon"].toolTip()


def test_letters_in_the_filters_are_letters(opened) -> None:
    field = opened.window.film.field
    field.setFocus()
    QTest.keyClicks(field, "prd1")
    assert field.text() == "prd1"
    assert opened.canvas.tool == "select"
    field.clear()


def test_letters_on_the_canvas_are_tools(opened) -> None:
    opened.canvas.setFocus()
    QTest.keyClick(opened.canvas, Qt.Key.Key_P)
    assert opened.canvas.tool == "polygon"
    QTest.keyClick(opened.canvas, Qt.Key.Key_V)
    assert opened.canvas.tool == "select"


def test_f1_lists_every_key_and_finds(controller) -> None:
    dialog = KeysDialog(controller.window)
    assert len(dialog.shown()) == len(key_rows())
    dialog.sift("duplicate")
    assert dialog.shown() == ["Duplicate"]
    dialog.deleteLater()
