"""What is copied goes from one project to another by the names of its categories."""

from pathlib import Path

import pytest
from PIL import Image

from maskgui.core.entities import Instance
from maskgui.ui.controller import Controller

from .conftest import shown
from .test_ui_window import square


@pytest.fixture
def copied(opened: Controller, tmp_path: Path, wait) -> Instance:
    """A “gear” copied in one project; then the window opens another, with a “nut” of its id."""
    opened.categories.add_named("gear")
    one = square(opened, 20, 30)
    opened.desk.selection.set([one.id])
    opened.window.commands["copy"].trigger()
    assert opened.files.close_project()
    other = tmp_path / "other"
    other.mkdir()
    Image.new("RGB", (128, 96)).save(other / "scene.png")
    opened.start([other], None)
    wait(lambda: shown(opened))
    opened.desk.session.reserve_ids(one.category_id - 1)
    assert opened.categories.add_named("nut") == one.category_id
    return one


def test_pasted_into_another_project_by_name(opened: Controller, copied: Instance) -> None:
    gear = opened.categories.add_named("Gear")
    assert gear != copied.category_id
    opened.window.commands["paste"].trigger()
    (made,) = opened.desk.instances()
    assert (made.category_id, made.shape) == (gear, copied.shape)


def test_a_category_that_is_missing_is_told(opened: Controller, copied: Instance) -> None:
    opened.window.commands["paste"].trigger()
    assert not opened.desk.instances()
    assert "no category “gear”" in opened.window.toasts.texts[-1]


def test_pasted_again_in_its_own_project_by_id(opened: Controller, folder: Path, wait) -> None:
    opened.categories.add_named("gear")
    one = square(opened, 20, 30)
    opened.desk.selection.set([one.id])
    opened.window.commands["copy"].trigger()
    (gear,) = opened.desk.categories()
    opened.window.side.categories.renamed.emit(gear, "wheel")
    opened.files.close_project()
    opened.start([folder], None)
    wait(lambda: shown(opened))
    opened.window.commands["paste"].trigger()
    assert [made.category_id for made in opened.desk.instances()] == [gear.id, gear.id]
