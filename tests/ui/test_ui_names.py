"""Names with line breaks and tabs, as files of others hold them: shown on one line, kept as is."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QLineEdit, QWidget

from maskgui.core.entities import Category
from maskgui.core.sieve import Sieve
from maskgui.ui.dialogs.category_map import CategoryMapDialog
from maskgui.ui.names import menu_text, one_line, shortened
from maskgui.ui.panels.categories import CategoryModel
from maskgui.ui.panels.picker import CategoryPicker
from maskgui.ui.panels.sieve import SievePopup
from maskgui.ui.theme import CAPTION_PX, text_font
from tests.ui.canvas_kit import Desk, holed

from .conftest import shown

RAW = "hex\n\tnut \r\n& bolt\u2028"
SHOWN = "hex nut & bolt"
BREAKS = set("\n\r\t\u2028")


@pytest.mark.parametrize(
    ("name", "on_one_line"),
    [
        (RAW, SHOWN),
        ("two  spaces", "two  spaces"),
        ("나사\t볼트", "나사 볼트"),
        ("\x00zero\x85", "zero"),
        ("plain", "plain"),
    ],
)
def test_control_characters_become_one_space(name, on_one_line):
    assert one_line(name) == on_one_line
    assert one_line(on_one_line) == on_one_line
    assert menu_text(name) == on_one_line.replace("&", "&&")


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
    texts = [picker.rows.item(row).text() for row in range(picker.rows.count())]
    assert any(text.startswith(SHOWN) for text in texts)
    assert not BREAKS & set("".join(texts))
    assert not BREAKS & set(controller.desk.commands["undo"].text())


def test_a_long_file_name_keeps_its_end(qapp):
    metrics = QFontMetrics(text_font(CAPTION_PX))
    width = 96
    coco = [shortened(f"{n:012d}.jpg", metrics, width) for n in (139, 285, 1139)]
    assert len(set(coco)) == 3
    for name in ("000000000139.jpg", "a rainy Thursday " * 9 + "7.png", "ab\n" * 40, "나사" * 40):
        cut = shortened(name, metrics, width)
        assert metrics.horizontalAdvance(cut) <= width
        assert cut[:3] == one_line(name)[:3]
        assert cut[-5:] == one_line(name)[-5:]
        assert not BREAKS & set(cut)
    assert shortened("1.png", metrics, width) == "1.png"
    assert shortened("a\nb.png", metrics, width) == "a b.png"


def test_a_file_with_a_line_break_is_named_on_one_line(qtbot, controller, folder, wait):
    odd = folder / "a first\nline.png"
    (folder / "scene 1.png").rename(odd)
    controller.start([folder], None)
    wait(lambda: shown(controller))
    film = controller.window.film
    row = film.rows.row_of(controller.desk.image_id)
    assert film.rows.tip(film.rows.index(row)).splitlines()[0] == "a first line.png"
    controller.desk.say(f"Removed “{odd.name}”.")
    assert controller.window.toasts.texts[-1] == "Removed “a first line.png”."
