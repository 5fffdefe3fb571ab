"""Names with line breaks and tabs, as files of others hold them: shown on one line, kept as is."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit, QWidget

from maskgui.core.entities import Category
from maskgui.core.sieve import Sieve
from maskgui.ui.dialogs.category_map import CategoryMapDialog
from maskgui.ui.names import menu_text, one_line
from maskgui.ui.panels.categories import CategoryModel
from maskgui.ui.panels.picker import CategoryPicker
from maskgui.ui.panels.sieve import SievePopup
from tests.ui.canvas_kit import Desk, holed

RAW = "hex\n\tnut \r\n& bolt\u2028"
SHOWN = "hex nut & bolt"
BREAKS = set("\n\r\t\u2028")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (RAW, SHOWN),
        ("two  spaces", "two  spaces"),
        ("나사\t볼트", "나사 볼트"),
        ("\x00zero\x85", "zero"),
        ("plain", "plain"),
    ],
)
def test_control_characters_become_one_space(name, shown):
    assert one_line(name) == shown
    assert one_line(shown) == shown
    assert menu_text(name) == shown.replace("&", "&&")


def test_lists_show_one_line_and_editing_keeps_the_name(qtbot):
    category = Category(7, RAW, "#0072b2")
    model = CategoryModel()
    model.show([category], {})
    index = model.index(0, 0)
    assert index.data() == SHOWN
    assert index.data(Qt.ItemDataRole.EditRole) == RAW
    asked = []
    model.renamed.connect(lambda *given: asked.append(given))
    field = QLineEdit(index.data(Qt.ItemDataRole.EditRole))
    qtbot.addWidget(field)
    model.setData(index, field.text())  # the field was left as it was
    assert not asked
    model.find("hex nut &")
    assert model.rowCount() == 1
    sieve = SievePopup(None, Sieve(), [category])
    qtbot.addWidget(sieve)
    assert sieve.category.itemText(1) == SHOWN


def test_labels_and_chips_show_one_line(qtbot):
    desk = Desk(qtbot, holed())
    desk.canvas.set_instances([holed()], [Category(7, RAW, "#0072b2")])
    scene = desk.canvas.scene
    assert scene.label(holed()) == SHOWN
    assert scene.look(holed(), labelled=True).tag == SHOWN


def test_a_category_map_gives_back_names_as_they_are(qtbot):
    own = [Category(7, RAW, "#0072b2")]
    parent = QWidget()
    qtbot.addWidget(parent)
    dialog = CategoryMapDialog(parent, "model", [RAW, "new\nname"], own)
    dialog._set_all(create=True)
    assert dialog.choices() == {RAW: 7, "new\nname": "new\nname"}
    box = dialog._boxes["new\nname"]
    box.setEditText("HEX NUT & bolt")
    assert dialog.choices()["new\nname"] == 7


def test_the_picker_and_the_undo_button_show_one_line(qtbot, opened):
    controller = opened
    assert controller.categories.add_named(RAW) is not None
    categories = controller.desk.categories()
    assert categories[-1].name == RAW
    picker = CategoryPicker(controller.window, categories)
    qtbot.addWidget(picker)
    shown = [picker.rows.item(row).text() for row in range(picker.rows.count())]
    assert any(text.startswith(SHOWN) for text in shown)
    assert not BREAKS & set("".join(shown))
    assert not BREAKS & set(controller.desk.commands["undo"].text())
