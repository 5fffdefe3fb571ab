"""Models in the window: what the person chose last is what is used."""

import threading
from pathlib import Path

import pytest

from maskgui.maskrcnn.models import ModelRef, find_model
from maskgui.ui.control import models
from maskgui.ui.controller import Controller

from .conftest import shown


class Checking:
    """A file that is being checked until `go_on`; then it is the model that ships for nuclei."""

    def __init__(self) -> None:
        self.go_on = threading.Event()

    def __call__(self, _: Path) -> ModelRef:
        assert self.go_on.wait(20)
        return find_model("nuclei")


@pytest.fixture
def checking(monkeypatch: pytest.MonkeyPatch) -> Checking:
    made = Checking()
    monkeypatch.setattr(models, "add_model", made)
    return made


def ended(controller: Controller, wait, checking: Checking) -> str:
    checking.go_on.set()
    wait(lambda: any(text.startswith("Added") for text in controller.window.toasts.texts))
    return controller.window.toasts.texts[-1]


def test_a_file_that_was_added_is_used(opened: Controller, checking: Checking, wait) -> None:
    opened.models.add(Path("own.safetensors"))
    assert ended(opened, wait, checking) == "Added “nuclei”; press I to run it."
    assert opened.models.current.name == "nuclei"
    assert opened.desk.session.setting("model") == "nuclei"


def test_a_model_chosen_while_a_file_is_checked_stays(
    opened: Controller, checking: Checking, wait
) -> None:
    opened.models.use("nuclei")
    opened.models.add(Path("own.safetensors"))
    opened.models.use("parts")
    assert ended(opened, wait, checking) == "Added “nuclei”; choose it in the menu of models."
    assert opened.models.current.name == "parts"


def test_a_file_added_in_one_project_is_not_taken_in_the_next(
    opened: Controller, checking: Checking, wait, folder: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "one.png").write_bytes((folder / "scene 1.png").read_bytes())
    before = opened.desk.session
    opened.models.add(Path("own.safetensors"))
    opened.start([other], None)
    wait(lambda: opened.desk.session is not before and shown(opened))
    assert ended(opened, wait, checking) == "Added “nuclei”; choose it in the menu of models."
    assert opened.desk.session.setting("model") is None
