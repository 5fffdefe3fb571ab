"""Files that are replaced while a model runs on them: no picture gets another one's outlines."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from maskgui.ui.controller import Controller

from .test_ui_segmenting import proposals, with_canned_model

SMALL = (48, 64)


@pytest.fixture
def ready(opened: Controller) -> Controller:
    return with_canned_model(opened)


def replace(folder: Path, name: str) -> None:
    """Put a smaller picture in the place of an image."""
    Image.fromarray(np.full((*SMALL, 3), 9, np.uint8)).save(folder / name)


def test_a_result_of_the_earlier_file_is_dropped(ready: Controller, folder: Path, wait) -> None:
    segmenter = ready.segmenting._segmenter
    segmenter.go.clear()
    ready.window.commands["segment"].trigger()
    wait(lambda: ready.window.status.progress.text().startswith("Features"))
    replace(folder, ready.desk.record.path)
    ready.window.commands["rescan"].trigger()
    wait(lambda: ready.canvas.scene.size == (64, 48))
    segmenter.go.set()
    wait(lambda: not ready.jobs.busy)
    assert ready.desk.instances() == []
    assert ready.desk.session.detections(ready.desk.image_id) is None
    assert "was replaced" in ready.window.toasts.texts[-1]
    ready.window.commands["segment"].trigger()
    wait(lambda: proposals(ready) > 0)
    assert all(one.shape.bounds[2] <= 64 for one in ready.desk.instances())


def test_nothing_is_drawn_over_a_picture_that_is_shown_no_more(
    ready: Controller,
    folder: Path,
    wait,
) -> None:
    """The file was replaced before the run read it, and nobody pressed F5 yet."""
    replace(folder, ready.desk.record.path)
    ready.window.commands["segment"].trigger()
    wait(lambda: not ready.jobs.busy)
    assert ready.desk.instances() == []
    assert "press F5" in ready.window.toasts.texts[-1]
    ready.window.commands["rescan"].trigger()
    wait(lambda: ready.canvas.scene.size == (64, 48))
    ready.window.commands["segment"].trigger()
    wait(lambda: proposals(ready) > 0)


def test_a_batch_leaves_the_size_that_it_has_read(ready: Controller, folder: Path, wait) -> None:
    second = ready.desk.order[1]
    wait(lambda: ready.desk.image(second).width == 128)
    replace(folder, ready.desk.image(second).path)
    ready.window.commands["segment_all"].trigger()
    wait(lambda: ready.segmenting.batch is None)
    ready.navigation.go(second)
    wait(lambda: ready.canvas.scene.image_id == second)
    assert ready.canvas.message == ""
    assert ready.canvas.scene.size == (64, 48)
    assert proposals(ready) > 0
