"""The sliders while images come and go: a choice stays with the image that it was made on."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from maskgui.core.edits import add_instances
from maskgui.core.entities import Instance
from maskgui.core.shape import Polygon, Shape
from maskgui.ui.controller import Controller

from .test_ui_segmenting import SlowOutlines, proposals, with_canned_model


@pytest.fixture
def two(opened: Controller, wait) -> Controller:
    """The first two images with three proposals each, the first one on the canvas."""
    with_canned_model(opened)
    for image_id in opened.desk.order[1::-1]:
        opened.navigation.go(image_id)
        wait(lambda: not opened.window.commands.reason("segment"))
        opened.window.commands["segment"].trigger()
        wait(lambda: proposals(opened) == 3)
    return opened


def thresholds(controller: Controller) -> list[tuple[float, float]]:
    """Return score and mask thresholds of the first two images."""
    images = controller.desk.session.document.images
    return [
        (images[one].threshold, images[one].mask_threshold) for one in controller.desk.order[:2]
    ]


@pytest.mark.parametrize("slider", ["score", "cut"])
def test_a_step_of_a_slider_stays_with_its_image_when_another_is_shown_at_once(
    two: Controller, wait, slider: str
) -> None:
    sliders = two.window.side.sliders
    getattr(sliders, slider).setFocus()
    for _ in range(25):
        QTest.keyClick(getattr(sliders, slider), Qt.Key.Key_Right)
    assert sliders.in_hand, "it has not rested yet"
    two.window.commands["next_image"].trigger()
    chosen = (0.75, 0.5) if slider == "score" else (0.5, 0.75)
    wait(lambda: thresholds(two) == [chosen, (0.5, 0.5)])
    assert sliders.values() == (0.5, 0.5) and not sliders.in_hand
    sliders.settle()  # as when it rests later
    assert thresholds(two) == [chosen, (0.5, 0.5)]
    assert proposals(two) == 3
    two.window.commands["previous_image"].trigger()
    assert sliders.values() == chosen
    assert proposals(two) == (2 if slider == "score" else 3)
    assert len(list(two.canvas.scene.instances())) == proposals(two), "no preview is left"


def test_choices_on_two_images_wait_for_their_outlines_together_and_closing_keeps_both(
    two: Controller, monkeypatch
) -> None:
    session, sliders = two.desk.session, two.window.side.sliders
    slow = SlowOutlines(monkeypatch)
    for value in (80, 90):
        sliders.cut.setValue(value)
        two.navigation.step(1 if value == 80 else -1)
    assert thresholds(two) == [(0.5, 0.5), (0.5, 0.5)], "their outlines are still to be made"
    assert sliders.values() == (0.5, 0.8)
    slow.go.set()
    two.proposing.land()
    assert thresholds(two) == [(0.5, 0.8), (0.5, 0.9)]
    assert session.flush(20)


def test_of_two_choices_on_an_image_the_later_one_stays(two: Controller, wait, monkeypatch) -> None:
    sliders = two.window.side.sliders
    slow = SlowOutlines(monkeypatch)
    sliders.cut.setValue(80)
    sliders.settle()
    sliders.cut.setValue(90)
    sliders.settle()
    slow.go.set()
    wait(lambda: thresholds(two)[0] == (0.5, 0.9))
    assert two.desk.session.undo_label == "Move mask slider"
    two.window.commands["undo"].trigger()
    assert thresholds(two)[0] == (0.5, 0.5), "the earlier one was never carried out"


def draw(controller: Controller) -> None:
    desk = controller.desk
    ring = [(1, 1), (9, 1), (9, 9)]
    shape = Shape([Polygon(ring)])
    drawn = Instance(desk.new_id(), desk.image_id, desk.categories()[0].id, shape, order=50)
    assert desk.apply(add_instances([drawn], "Draw instance"))


def test_undo_takes_back_a_slider_that_has_not_rested_not_what_was_drawn_before(
    two: Controller, wait
) -> None:
    draw(two)
    session, sliders = two.desk.session, two.window.side.sliders
    sliders.score.setValue(75)
    assert sliders.in_hand
    two.window.commands["undo"].trigger()
    assert session.undo_label == "Draw instance" and len(two.desk.instances()) == 4
    wait(lambda: sliders.values() == (0.5, 0.5))
    two.window.commands["redo"].trigger()
    assert thresholds(two)[0] == (0.75, 0.5), "the slider's own step"


def test_undo_takes_back_a_choice_whose_outlines_are_still_to_be_made(
    two: Controller, wait, monkeypatch
) -> None:
    draw(two)
    session, sliders = two.desk.session, two.window.side.sliders
    before = two.desk.instances()
    outlines = SlowOutlines(monkeypatch)
    sliders.cut.setValue(75)
    sliders.settle()
    two.window.commands["undo"].trigger()
    assert sliders.values() == (0.5, 0.5)
    outlines.go.set()
    passed: list[None] = []
    two.desk.background.run(lambda: None, passed.append, pytest.fail)
    wait(lambda: bool(passed))
    assert two.desk.instances() == before and session.undo_label == "Draw instance"
    assert session.redo_label is None and thresholds(two)[0] == (0.5, 0.5)
