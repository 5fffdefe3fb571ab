"""Auto-segment in the window: proposals, sliders, batches; canned replies play the network."""

import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel

from maskgui.assist.jobs import Job, Priority
from maskgui.assist.segmenter import SegmentImage, SegmentResult
from maskgui.core.detections import CERTAIN
from maskgui.core.entities import Category
from maskgui.core.errors import UserError
from maskgui.core.stamp import file_stamp
from maskgui.imaging import read_header
from maskgui.maskrcnn import vectorize
from maskgui.maskrcnn.vectorize import shapes
from maskgui.ui.control import outlining
from maskgui.ui.control.proposing import BOXES_ONLY
from maskgui.ui.controller import Controller
from maskgui.ui.dialogs.category_map import CategoryMapDialog, preset
from maskgui.ui.headless import _segment as segment_headless

from .conftest import shown, some_detections

MODEL = "parts 0123456789ab"


class CannedSegmenter:
    """Answers like `assist.segmenter.Segmenter`, at once, or when it is let go."""

    def __init__(self, count: int = 3) -> None:
        self.count = count
        self.go = threading.Event()
        self.go.set()
        self.fail_on = ""
        self.model = MODEL

    def job(self, request: SegmentImage, priority: Priority = Priority.INTERACTIVE) -> Job:
        def run(context) -> SegmentResult:
            context.progress("features", 0.3)
            stamp, header = file_stamp(request.path), read_header(request.path)
            size = header.height, header.width
            while not self.go.wait(0.005):
                context.check()
            if self.fail_on and self.fail_on in request.path.name:
                raise UserError(f"“{request.path.name}” cannot be read; copy it again.")
            found = some_detections(self.count, self.model)
            chosen = [i for i, score in enumerate(found.scores) if score >= request.threshold]
            made = shapes(found, chosen, request.mask_threshold, image_size=size)
            outlines = dict(zip(chosen, made, strict=True))
            return SegmentResult(request, *size, found, outlines, "cpu", 0.1, stamp)

        return Job(run, request.image_id, request.revision, priority, "Segmenting")


def with_canned_model(controller: Controller) -> Controller:
    """Choose a model with its categories mapped, whose replies are canned."""
    desk = controller.desk
    ids = [controller.categories.add_named(name) for name in ("washer", "nut")]
    desk.session.set_category_map(MODEL, {"washer": ids[0], "nut": ids[1]})
    controller.models.current = SimpleNamespace(
        name="parts", model_id=MODEL, ready=True, score_threshold=0.5
    )
    controller.models.changed.emit()
    controller.segmenting._segmenter = CannedSegmenter()
    return controller


@pytest.fixture
def ready(opened: Controller) -> Controller:
    return with_canned_model(opened)


def proposals(controller: Controller) -> int:
    return sum(one.is_proposal for one in controller.desk.instances())


def test_a_run_proposes_and_can_be_taken_back(ready: Controller, wait) -> None:
    ready.canvas.setFocus()
    QTest.keyClick(ready.canvas, Qt.Key.Key_I)
    wait(lambda: proposals(ready) == 3)
    assert ready.window.toasts.texts[-1].startswith("Found 3 objects")
    assert ready.window.status.progress.isHidden()
    assert ready.desk.session.undo_label != "Auto-segment", "a job is not on the person's stack"
    ready.window.commands["undo_batch"].trigger()
    wait(lambda: proposals(ready) == 0)
    wait(lambda: ready.window.toasts.texts[-1] == "Took back the run on 1 image.")
    assert ready.window.commands.reason("undo_batch") == "There is no run or import to take back."


def test_the_result_lands_on_its_own_image(ready: Controller, wait) -> None:
    segmenter = ready.segmenting._segmenter
    segmenter.go.clear()
    first = ready.desk.image_id
    ready.window.commands["segment"].trigger()
    wait(ready.window.status.progress.isVisible)
    assert ready.window.commands.reason("segment")
    ready.navigation.step(1)
    assert not ready.window.commands.reason("segment")
    segmenter.go.set()
    wait(lambda: not ready.jobs.busy)
    assert ready.desk.instances() == []
    assert len(ready.desk.session.instances(first)) == 3


def test_progress_is_told_one_way(ready: Controller, wait) -> None:
    segmenter = ready.segmenting._segmenter
    segmenter.go.clear()
    told: list[str] = []
    shows = ready.window.status.set_progress
    ready.window.status.set_progress = lambda text, done: (told.append(text), shows(text, done))
    ready.window.commands["segment"].trigger()
    wait(lambda: "Features…" in told)
    segmenter.go.set()
    wait(lambda: proposals(ready) == 3)
    assert {text for text in told if text} == {"Segmenting…", "Features…"}


def test_cancel_is_answered_at_once(ready: Controller, wait) -> None:
    ready.segmenting._segmenter.go.clear()
    ready.window.commands["segment"].trigger()
    wait(lambda: not ready.window.commands.reason("cancel_work"))
    ready.window.commands["cancel_work"].trigger()
    wait(lambda: not ready.jobs.busy)
    ready.segmenting._segmenter.go.set()
    assert ready.desk.instances() == []
    assert ready.window.commands.reason("cancel_work")


def test_nothing_found_says_what_to_do(ready: Controller, wait) -> None:
    ready.segmenting._segmenter.count = 0
    ready.window.commands["segment"].trigger()
    wait(lambda: bool(ready.canvas.note))
    assert ready.canvas.note == "No objects above 0.50: lower the score, or draw."


def test_the_slider_previews_and_is_one_edit(ready: Controller, wait, qtbot) -> None:
    ready.window.commands["segment"].trigger()
    wait(lambda: proposals(ready) == 3)
    qtbot.wait(1)
    sliders = ready.window.side.sliders
    before = ready.desk.session.undo_label
    sliders.score.setSliderDown(True)
    sliders.score.setValue(85)
    wait(lambda: len(ready.canvas.scene.instances()) == 1)
    assert proposals(ready) == 3, "a preview changes nothing"
    sliders.score.setValue(75)
    sliders.score.setSliderDown(False)
    assert proposals(ready) == 2
    assert ready.desk.record.threshold == 0.75
    assert ready.desk.session.undo_label == "Move score slider"
    ready.window.commands["undo"].trigger()
    qtbot.wait(1)
    assert proposals(ready) == 3
    assert ready.desk.session.undo_label == before
    assert sliders.values()[0] == 0.5


def test_the_slider_starts_where_the_models_card_says(ready: Controller, wait) -> None:
    sliders = ready.window.side.sliders
    ready.models.current.score_threshold = 0.75
    ready.window.commands["segment"].trigger()
    wait(lambda: proposals(ready) == 2)
    assert ready.desk.record.threshold == sliders.values()[0] == 0.75
    ready.desk.apply(ready.proposing.edit(0.85, 0.5, ready.desk.new_id))
    ready.window.commands["segment"].trigger()
    wait(lambda: not ready.jobs.busy)
    assert proposals(ready) == 1, "what a person chose stays"
    assert sliders.values()[0] == 0.85


def test_before_a_first_run_the_slider_shows_the_models_card(ready: Controller, wait) -> None:
    sliders = ready.window.side.sliders
    assert sliders.values()[0] == 0.5
    ready.models.current.score_threshold = 0.75
    ready.models.changed.emit()
    assert sliders.values()[0] == 0.75
    assert not sliders.isEnabled()
    assert ready.desk.record.threshold == 0.5, "nothing was chosen"
    ready.navigation.step(1)
    assert sliders.values()[0] == 0.75


def test_the_models_card_is_not_read_after_every_edit(ready: Controller, qtbot) -> None:
    asked = []

    class Model(SimpleNamespace):
        @property
        def score_threshold(self) -> float:
            asked.append("the file was read")
            return 0.75

    ready.models.current = Model(name="parts", model_id=MODEL, ready=True)
    ready.models.changed.emit()
    for name in ("gear", "bolt"):
        with qtbot.waitSignal(ready.desk.settled):
            ready.categories.add_named(name)
    assert ready.window.side.sliders.values()[0] == 0.75
    assert len(asked) == 1


@pytest.mark.parametrize("how", ["key", "hand"])
def test_a_threshold_chosen_a_moment_before_closing_is_kept(
    ready: Controller, wait, monkeypatch, how: str
) -> None:
    """Before the slider has rested, and while the outlines are still being made."""
    ready.window.commands["segment"].trigger()
    wait(lambda: proposals(ready) == 3)
    file, first = ready.desk.session.project.path, ready.desk.image_id
    sliders = ready.window.side.sliders
    if how == "key":
        sliders.score.setValue(85)
    else:
        slow = SlowOutlines(monkeypatch)
        threading.Timer(0.3, slow.go.set).start()
        sliders.cut.setSliderDown(True)
        sliders.cut.setValue(90)
        sliders.cut.setSliderDown(False)
    assert ready.files.close_project()
    with closing(sqlite3.connect(file)) as kept:
        query = "SELECT threshold, mask_threshold FROM images WHERE id = ?"
        expected = (0.85, 0.5) if how == "key" else (0.5, 0.9)
        assert kept.execute(query, (first,)).fetchone() == expected


def test_a_model_of_boxes_has_a_score_slider_only(ready: Controller, wait, monkeypatch) -> None:
    boxes = some_detections()
    boxes.masks[:] = CERTAIN
    monkeypatch.setattr(f"{__name__}.some_detections", lambda *_: boxes)
    ready.window.commands["segment"].trigger()
    wait(lambda: proposals(ready) == 3)
    sliders = ready.window.side.sliders
    wait(lambda: not sliders.cut.isEnabled())
    assert sliders.score.isEnabled()
    assert sliders.cut.toolTip() == BOXES_ONLY


def test_headless_segmenting_tells_how_far_it_is(ready: Controller) -> None:
    told: list[str] = []
    segment_headless(ready, told.append)
    assert told[0] == "Auto-segmenting: 0 of 4"
    assert all(line.startswith("Auto-segmenting: ") for line in told)
    assert proposals(ready) == 3


def test_the_slider_never_touches_what_a_person_made(ready: Controller, wait) -> None:
    ready.window.commands["segment"].trigger()
    wait(lambda: proposals(ready) == 3)
    kept = min(ready.desk.instances(), key=lambda one: one.score)
    ready.desk.selection.set([kept.id])
    ready.window.commands["accept"].trigger()
    ready.desk.apply(ready.proposing.edit(0.95, 0.5, ready.desk.new_id))
    assert [one.id for one in ready.desk.instances()] == [kept.id]


def test_the_mask_slider_cuts_again(ready: Controller, wait) -> None:
    ready.window.commands["segment"].trigger()
    wait(lambda: proposals(ready) == 3)
    before = [one.shape for one in ready.desk.instances()]
    assert ready.desk.apply(ready.proposing.edit(0.5, 0.9, ready.desk.new_id))
    assert ready.desk.record.mask_threshold == 0.9
    assert [one.shape for one in ready.desk.instances()] != before


def test_what_the_model_said_while_m_is_held(ready: Controller, wait) -> None:
    ready.window.commands["segment"].trigger()
    wait(lambda: proposals(ready) == 3)
    ready.window.commands["select_all"].trigger()
    ready.window.commands["delete"].trigger()
    assert ready.desk.instances() == []
    ready.canvas.setFocus()
    QTest.keyPress(ready.canvas, Qt.Key.Key_M)
    wait(lambda: len(ready.canvas.scene.instances()) == 3)
    QTest.keyRelease(ready.canvas, Qt.Key.Key_M)
    assert list(ready.canvas.scene.instances()) == []


def test_a_batch_goes_on_where_it_was_stopped(ready: Controller, wait) -> None:
    session = ready.desk.session
    ready.window.commands["segment"].trigger()
    wait(lambda: proposals(ready) == 3)
    session.flush(5)
    ready.window.commands["segment_all"].trigger()
    assert ready.segmenting.batch.total == 3
    wait(lambda: ready.segmenting.batch is None)
    assert sum(len(session.instances(image_id)) for image_id in ready.desk.order) == 12
    session.flush(5)
    ready.window.commands["segment_all"].trigger()
    assert "has seen all images" in ready.window.toasts.texts[-1]
    ready.window.commands["undo_batch"].trigger()
    assert ready.window.commands.reason("undo_batch") == "A run or import is being taken back."
    wait(lambda: sum(len(session.instances(one)) for one in ready.desk.order) == 3)
    wait(lambda: not ready.window.commands.reason("undo_batch"))
    ready.window.commands["undo_batch"].trigger()
    wait(lambda: not session.instance_counts())


def test_of_two_batches_behind_one_question_one_begins(ready: Controller, wait) -> None:
    segmenting = ready.segmenting
    segmenting._segmenter.go.clear()
    ready.window.commands["segment_all"].trigger()
    first = segmenting.batch
    segmenting._start_batch(first.model, again=False)
    assert segmenting.batch is first
    segmenting._segmenter.go.set()
    wait(lambda: segmenting.batch is None)


def test_a_batch_stops_and_says_how_to_go_on(ready: Controller, wait) -> None:
    ready.segmenting._segmenter.go.clear()
    ready.window.commands["segment_all"].trigger()
    wait(lambda: ready.window.status.progress.text().startswith("0 of 4"))
    ready.window.commands["cancel_work"].trigger()
    wait(lambda: ready.segmenting.batch is None)
    ready.segmenting._segmenter.go.set()
    assert "Stopped" in ready.window.toasts.texts[-1]
    assert ready.window.status.progress.isHidden()


def test_a_batch_passes_over_what_cannot_be_read(ready: Controller, wait) -> None:
    ready.segmenting._segmenter.fail_on = "scene 2"
    ready.window.commands["segment_all"].trigger()
    wait(lambda: ready.segmenting.batch is None)
    counts = [len(ready.desk.session.instances(one)) for one in ready.desk.order]
    assert counts == [3, 0, 3, 3]
    assert any("scene 2" in text for text in ready.window.toasts.texts)


def test_a_persons_work_outlives_a_new_run(ready: Controller, wait) -> None:
    ready.window.commands["segment"].trigger()
    wait(lambda: proposals(ready) == 3)
    chosen = ready.desk.instances()
    ready.desk.selection.set([chosen[0].id])
    ready.window.commands["delete"].trigger()
    ready.window.commands["segment"].trigger()
    wait(lambda: not ready.jobs.busy)
    assert len(ready.desk.instances()) == 2, "a deleted proposal does not come back"


def test_closing_while_a_job_runs_is_quick(ready: Controller, wait, qtbot) -> None:
    ready.segmenting._segmenter.go.clear()
    ready.window.commands["segment"].trigger()
    wait(lambda: ready.jobs.busy)
    assert ready.window.close()
    assert not ready.jobs.busy
    ready.segmenting._segmenter.go.set()


# ---- the category map


def test_the_preset_of_an_empty_project_creates() -> None:
    assert preset(["washer", "nut"], []) == {"washer": "washer", "nut": "nut"}


def test_the_preset_meets_same_names_and_ignores_the_rest() -> None:
    own = [Category(7, "Washer", "#0072b2")]
    assert preset(["washer", "nut"], own) == {"washer": 7, "nut": None}


def test_the_dialog_creates_meets_and_ignores(controller: Controller) -> None:
    own = [Category(7, "Washer", "#0072b2")]
    dialog = CategoryMapDialog(controller.window, "parts", ["washer", "nut", "bolt"], own)
    dialog._set_all(create=True)
    dialog._boxes["bolt"].setCurrentText("screw")
    assert dialog.choices() == {"washer": 7, "nut": "nut", "bolt": "screw"}
    dialog._set_all(create=False)
    dialog._boxes["bolt"].setCurrentText("WASHER")
    assert dialog.choices() == {"washer": 7, "nut": None, "bolt": 7}
    dialog.deleteLater()


@pytest.mark.parametrize(
    ("earlier", "words"), [(None, "Asked once."), ({}, "A category chosen before is gone.")]
)
def test_the_dialog_says_why_it_asks(controller: Controller, earlier, words: str) -> None:
    dialog = CategoryMapDialog(controller.window, "parts", ["washer"], [], earlier)
    assert any(label.text().endswith(words) for label in dialog.findChildren(QLabel))
    dialog.deleteLater()


def test_the_map_makes_categories_by_one_edit(opened: Controller) -> None:
    assert opened.mapping.keep(MODEL, {"washer": "washer", "nut": None, "ring": "washer"})
    (made,) = opened.desk.categories()
    mapping = opened.desk.session.category_map(MODEL)
    assert mapping == {"washer": made.id, "nut": None, "ring": made.id}
    opened.window.commands["undo"].trigger()
    assert opened.desk.categories() == []


# ---- data sets


def test_a_project_travels_through_coco(
    ready: Controller, wait, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from maskgui.assist.exporting import ExportOptions

    ready.window.commands["segment"].trigger()
    wait(lambda: proposals(ready) == 3)
    out = tmp_path / "out"
    options = ExportOptions(copy_images=True)
    ready.datasets.write(ready.desk.session, out, options)
    wait(lambda: (out / "instances.json").is_file() and not ready.jobs.busy)
    assert "Wrote 4 images and 3 annotations" in ready.window.toasts.texts[-1]
    assert ready.files.close_project()
    monkeypatch.setattr("maskgui.ui.dialogs.import_result.ImportResultDialog.exec", lambda _: 1)
    ready.start([out / "instances.json"], None)
    wait(lambda: shown(ready) and not ready.jobs.busy)
    assert len(ready.desk.order) == 4
    assert sum(len(ready.desk.session.instances(one)) for one in ready.desk.order) == 3


def test_what_is_no_coco_leaves_no_project(controller: Controller, wait, tmp_path: Path) -> None:
    (tmp_path / "notes.json").write_text("[1, 2]")
    controller.start([tmp_path / "notes.json"], None)
    wait(lambda: bool(controller.window.toasts.texts) and controller.window.is_welcome)
    assert "notes.json" in controller.window.toasts.texts[-1]
    assert list(tmp_path.glob("*.maskgui")) == []


def test_images_that_moved_are_found_again(opened: Controller, folder: Path, wait) -> None:
    moved = folder.parent / "elsewhere"
    moved.mkdir()
    for path in list(folder.glob("*.png")):
        path.rename(moved / path.name)
    opened.datasets.relink(opened.desk.session, moved)
    wait(lambda: any("Found 4 images" in text for text in opened.window.toasts.texts))
    wait(lambda: shown(opened))
    assert opened.desk.session.find_missing() == []


class SlowOutlines:
    """Stands in for the vectoriser: every outline waits until it may go on, never the window."""

    def __init__(self, monkeypatch) -> None:
        self.go = threading.Event()
        self.made: list[float] = []
        self.threads: set[int] = set()
        self._real = vectorize.shapes
        monkeypatch.setattr(outlining, "AT_ONCE_S", -1.0)
        monkeypatch.setattr(vectorize, "shapes", self._shapes)

    def _shapes(self, detections, indices, threshold, *, image_size):
        assert self.go.wait(20)
        self.made.append(threshold)
        self.threads.add(threading.get_ident())
        return self._real(detections, indices, threshold, image_size=image_size)


def test_outlines_of_a_slider_are_made_beside_the_window_and_the_newest_wins(
    ready: Controller, wait, monkeypatch
) -> None:
    ready.window.commands["segment"].trigger()
    wait(lambda: proposals(ready) == 3)
    before = {one.id: one.shape for one in ready.desk.instances()}
    slow = SlowOutlines(monkeypatch)
    sliders = ready.window.side.sliders
    sliders.cut.setSliderDown(True)
    for value in (80, 85, 90, 95):
        sliders.cut.setValue(value)
        wait(lambda: not ready.proposing._frame.isActive())
    assert {one.id: one.shape for one in ready.canvas.scene.instances()} == before
    slow.go.set()
    wait(lambda: {one.id: one.shape for one in ready.canvas.scene.instances()} != before)
    shown_now = [one.shape for one in ready.canvas.scene.instances()]
    assert slow.made.count(0.95) == 3
    assert len(slow.made) <= 4  # the one under way is finished, those between are not begun
    assert threading.get_ident() not in slow.threads
    sliders.cut.setSliderDown(False)
    assert [one.shape for one in ready.desk.instances()] == shown_now
    assert ready.desk.session.undo_label == "Move mask slider"


def test_a_chosen_threshold_lands_on_its_image_though_another_is_shown(
    ready: Controller, wait, monkeypatch
) -> None:
    ready.window.commands["segment"].trigger()
    wait(lambda: proposals(ready) == 3)
    first, session = ready.desk.image_id, ready.desk.session
    before = [one.shape for one in ready.desk.instances()]
    slow = SlowOutlines(monkeypatch)
    sliders = ready.window.side.sliders
    sliders.cut.setSliderDown(True)
    sliders.cut.setValue(90)
    sliders.cut.setSliderDown(False)
    assert session.document.image(first).mask_threshold == 0.5
    assert sliders.values()[1] == 0.9
    ready.navigation.step(1)
    slow.go.set()
    wait(lambda: session.document.image(first).mask_threshold == 0.9)
    assert [one.shape for one in session.instances(first)] != before
    assert ready.desk.image_id != first
    assert sliders.values()[1] == 0.5
    ready.window.commands["undo"].trigger()
    assert [one.shape for one in session.instances(first)] == before


def test_what_the_model_said_comes_while_m_is_still_held_or_not_at_all(
    ready: Controller, wait, monkeypatch
) -> None:
    ready.window.commands["segment"].trigger()
    wait(lambda: proposals(ready) == 3)
    ready.window.commands["select_all"].trigger()
    ready.window.commands["delete"].trigger()
    slow = SlowOutlines(monkeypatch)
    ready.canvas.setFocus()
    QTest.keyPress(ready.canvas, Qt.Key.Key_M)
    QTest.keyRelease(ready.canvas, Qt.Key.Key_M)
    slow.go.set()
    QTest.qWait(50)
    assert list(ready.canvas.scene.instances()) == []
    QTest.keyPress(ready.canvas, Qt.Key.Key_M)
    wait(lambda: len(ready.canvas.scene.instances()) == 3)
    QTest.keyRelease(ready.canvas, Qt.Key.Key_M)
    assert list(ready.canvas.scene.instances()) == []
