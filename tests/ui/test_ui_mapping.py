"""The table of categories before a run, and what comes between the question and its answer."""

import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest

from maskgui.assist.session import Session
from maskgui.core.document import Change, Edit
from maskgui.core.entities import Category
from maskgui.project.place import place_for
from maskgui.ui.control import categories, mapping, opening
from maskgui.ui.controller import Controller
from maskgui.ui.dialogs.category_map import preset

from .conftest import shown
from .test_ui_segmenting import MODEL, CannedSegmenter, proposals, with_canned_model

TRAINED_ANEW = "parts ffffffffffff"
CARD = SimpleNamespace(name="parts", categories=("washer", "nut"), sha256="0123456789ab" + "0" * 52)


class StandIn:
    """Plays the dialog: `meanwhile` happens while it is open, then it is accepted or not."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], object]) -> None:
        self.opened = 0
        self.accepts = True
        self._meanwhile = meanwhile
        monkeypatch.setattr(mapping, "CategoryMapDialog", self._make)

    def _make(self, _window, _name, names, categories, earlier) -> "StandIn":
        self.opened += 1
        self.earlier = earlier
        self._choices = dict.fromkeys(names, categories[0].id)
        return self

    def exec(self) -> bool:
        self._meanwhile()
        return self.accepts

    def choices(self) -> dict[str, int]:
        return self._choices

    def deleteLater(self) -> None:
        pass


def with_unmapped_model(controller: Controller) -> None:
    """Choose a model that was never asked about; its replies are canned."""
    controller.models.current = SimpleNamespace(
        name="parts", model_id=MODEL, ready=True, score_threshold=0.5, card=lambda: CARD
    )
    controller.models.changed.emit()
    controller.segmenting._segmenter = CannedSegmenter()


@pytest.fixture
def merged(opened: Controller, wait) -> Controller:
    """Washers and nuts were found; then the nuts were merged into the washers."""
    with_canned_model(opened)
    with_unmapped_model(opened)  # with a card to ask from; the map is there
    opened.window.commands["segment"].trigger()
    wait(lambda: proposals(opened) == 3)
    washer, nut = opened.desk.categories()
    opened.categories.merge(nut, washer)
    return opened


@pytest.fixture
def other_folder(tmp_path: Path) -> Path:
    made = tmp_path / "other"
    made.mkdir()
    Image.fromarray(np.full((96, 128, 3), 99, np.uint8)).save(made / "other.png")
    return made


def opening_slowly(
    controller: Controller, folder: Path, wait, monkeypatch: pytest.MonkeyPatch
) -> tuple[Session, Callable[[], None]]:
    """Begin to open a folder; return what is open until then, and what lets the folder come."""
    before, gate, really = controller.desk.session, threading.Event(), opening._open_folder

    def slowly(place: Path) -> opening.Opened:
        assert gate.wait(20)
        return really(place)

    def come() -> None:
        gate.set()
        wait(lambda: controller.desk.session is not before)

    monkeypatch.setattr(opening, "_open_folder", slowly)
    controller.start([folder], None)
    return before, come


@pytest.mark.parametrize("command", ["segment", "segment_all"])
@pytest.mark.parametrize("accepts", [True, False])
def test_a_project_that_opens_behind_the_question_gets_neither_map_nor_run(
    opened: Controller, other_folder: Path, wait, monkeypatch, command: str, accepts: bool
) -> None:
    opened.categories.add_named("screw")
    before, come = opening_slowly(opened, other_folder, wait, monkeypatch)
    with_unmapped_model(opened)
    dialog = StandIn(monkeypatch, come)
    dialog.accepts = accepts
    opened.window.commands[command].trigger()
    assert dialog.opened == 1
    wait(lambda: shown(opened))
    now = opened.desk.session
    assert now is not before
    assert now.root == other_folder
    assert now.category_map(MODEL) is None
    assert opened.segmenting.batch is None
    assert not opened.jobs.busy
    assert opened.desk.instances() == []


@pytest.mark.parametrize("wish", ["merge", "recolor"])
def test_a_wish_for_a_category_stays_with_its_project(
    opened: Controller, other_folder: Path, wait, monkeypatch, wish: str
) -> None:
    """The project that opens behind the dialog has the very same categories."""
    ids = [opened.categories.add_named(name) for name in ("screw", "bolt")]
    own = [opened.desk.session.document.category(one) for one in ids]
    with Session.create(place_for(other_folder).path, other_folder) as twin:
        twin.apply(Edit("Add", None, tuple(Change(None, one) for one in own)))
    before, come = opening_slowly(opened, other_folder, wait, monkeypatch)

    def answer(*_) -> bool:
        come()
        return True

    monkeypatch.setattr(categories, "ask", answer)
    monkeypatch.setattr("PySide6.QtWidgets.QColorDialog.exec", answer)
    monkeypatch.setattr("PySide6.QtWidgets.QColorDialog.selectedColor", lambda _: QColor("#123456"))
    if wish == "merge":
        opened.categories.rename(own[0], "bolt")
    else:
        opened.categories.recolor(own[0])
    assert opened.desk.session is not before
    assert opened.desk.categories() == own


def test_weights_replaced_before_they_run_are_asked_about(
    opened: Controller, wait, monkeypatch
) -> None:
    """The map at the press was of the weights before: its absence is no reason to drop anything."""
    with_canned_model(opened)
    run = opened.window.commands["segment"].trigger
    run()
    wait(lambda: proposals(opened) == 3)
    before = opened.desk.instances()
    opened.segmenting._segmenter.model = TRAINED_ANEW
    dialog = StandIn(monkeypatch, lambda: None)
    dialog.accepts = False
    run()
    wait(lambda: dialog.opened == 1 and not opened.jobs.busy)
    assert opened.desk.instances() == before
    assert opened.desk.session.detections(opened.desk.image_id).model == MODEL
    assert opened.window.toasts.texts[-1] == (
        "“parts” ran with weights that are new here; say what its categories become."
    )
    dialog.accepts = True
    run()
    wait(lambda: opened.desk.session.detections(opened.desk.image_id).model == TRAINED_ANEW)
    assert dialog.opened == 2
    first = opened.desk.categories()[0].id
    assert [one.category_id for one in opened.desk.instances()] == [first] * 3


@pytest.mark.parametrize("accepts", [True, False])
def test_a_batch_asks_about_replaced_weights_once(
    opened: Controller, wait, monkeypatch, accepts: bool
) -> None:
    with_canned_model(opened)
    opened.segmenting._segmenter.model = TRAINED_ANEW
    dialog = StandIn(monkeypatch, lambda: None)
    dialog.accepts = accepts
    opened.window.commands["segment_all"].trigger()
    wait(lambda: opened.segmenting.batch is None)
    assert dialog.opened == 1
    session = opened.desk.session
    counts = [len(session.instances(one)) for one in opened.desk.order]
    assert counts == ([3] * 4 if accepts else [0] * 4)
    ending = "Segmented 4 images" if accepts else "Stopped; Ctrl+B goes on"
    assert opened.window.toasts.texts[-1].startswith(ending)


def test_two_runs_that_need_one_answer_ask_once(opened: Controller, wait, monkeypatch) -> None:
    """The second result comes while the dialog of the first is open."""
    with_canned_model(opened)
    segmenter = opened.segmenting._segmenter
    segmenter.model = TRAINED_ANEW
    segmenter.go.clear()
    dialog = StandIn(monkeypatch, lambda: wait(lambda: not opened.jobs.busy))
    first, second = opened.desk.order[:2]
    opened.window.commands["segment"].trigger()
    opened.navigation.go(second)
    opened.window.commands["segment"].trigger()
    segmenter.go.set()
    session = opened.desk.session
    wait(lambda: bool(session.instances(first)) and bool(session.instances(second)))
    assert dialog.opened == 1


@pytest.mark.parametrize("command", ["segment", "segment_all"])
def test_a_map_to_a_category_that_is_gone_is_asked_again_before_a_run(
    merged: Controller, wait, monkeypatch, command: str
) -> None:
    dialog = StandIn(monkeypatch, lambda: None)
    (washer,) = merged.desk.categories()
    image_id = merged.desk.order[-1]
    merged.navigation.go(image_id)
    merged.window.commands[command].trigger()
    wait(lambda: proposals(merged) == 3 and not merged.jobs.busy)
    assert dialog.opened == 1
    assert dialog.earlier == {"washer": washer.id}
    assert {one.category_id for one in merged.desk.instances()} == {washer.id}


def test_proposals_of_a_merged_category_follow_the_slider_and_the_key(
    merged: Controller, wait
) -> None:
    (washer,) = merged.desk.categories()
    assert merged.desk.apply(merged.proposing.edit(0.75, 0.5, merged.desk.new_id))
    assert [one.category_id for one in merged.desk.instances()] == [washer.id] * 2
    merged.canvas.setFocus()
    QTest.keyPress(merged.canvas, Qt.Key.Key_M)
    wait(lambda: merged.evidence.showing)
    shown_now = list(merged.canvas.scene.instances())
    QTest.keyRelease(merged.canvas, Qt.Key.Key_M)
    assert [one.category_id for one in shown_now] == [washer.id]


def test_a_question_asked_again_begins_with_what_was_chosen() -> None:
    own = [Category(7, "washer", "#0072b2"), Category(8, "ring", "#0072b2")]
    start = preset(["washer", "nut", "bolt"], own, {"washer": 8, "bolt": None})
    assert start == {"washer": 8, "nut": None, "bolt": None}
