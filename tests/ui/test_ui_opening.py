"""What is opened: folders with odd things in them, data sets given with them, replaced files."""

import json
import os
import threading
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QMenu, QPushButton

from maskgui.core.errors import UserError
from maskgui.imaging.loader import Callback, Loaded, Priority, Ticket
from maskgui.ui.control import editing, files, opening
from maskgui.ui.controller import Controller
from maskgui.ui.toasts import Toast

from .conftest import shown
from .test_ui_window import square


def data_set(path: Path, names: list[str]) -> Path:
    """A COCO file with an outline on each of some images of 128 x 96 pixels."""
    ring = [10, 10, 40, 10, 40, 40, 10, 40]
    images = [
        {"id": n, "file_name": name, "width": 128, "height": 96} for n, name in enumerate(names, 1)
    ]
    annotations = [
        {
            "id": n,
            "image_id": n,
            "category_id": 1,
            "segmentation": [ring],
            "area": 900,
            "iscrowd": 0,
        }
        for n in range(1, len(names) + 1)
    ]
    categories = [{"id": 1, "name": "nut"}]
    value = {"images": images, "annotations": annotations, "categories": categories}
    path.write_text(json.dumps(value))
    return path


@pytest.mark.parametrize("folder_first", [True, False])
def test_a_data_set_given_with_its_folder_comes_into_that_folder_s_project(
    controller: Controller, folder: Path, wait, folder_first: bool
) -> None:
    controller.datasets.tells = False
    given = [folder, data_set(folder.parent / "data.json", ["scene 1.png", "scene 2.png"])]
    controller.start(given if folder_first else given[::-1], None)
    wait(lambda: sum(controller.desk.counts.values()) == 2)
    assert controller.desk.session.project.path == folder / "bench.maskgui"
    assert len(controller.desk.order) == 4, "the folder's images, none of them twice"
    assert list(folder.parent.rglob("*.maskgui")) == [folder / "bench.maskgui"]


@pytest.mark.parametrize("error", [UserError("Cannot be."), OSError(40, "Too many links")])
def test_an_opening_that_fails_leaves_nothing(
    controller: Controller, folder: Path, wait, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fails(*_, **__):
        raise error

    before = sorted(folder.iterdir())
    with monkeypatch.context() as patch:
        patch.setattr(opening, "listing_of", fails)
        controller.start([folder], None)
        wait(lambda: bool(controller.opening.problem))
    assert sorted(folder.iterdir()) == before
    controller.start([folder], None)
    wait(lambda: shown(controller))


@pytest.mark.parametrize("back", ["bench", "bench/bench.maskgui", "bench/scene 2.png"])
def test_asking_for_what_is_open_wins_over_what_is_still_being_opened(
    opened: Controller, folder: Path, wait, monkeypatch: pytest.MonkeyPatch, back: str
) -> None:
    go_on, real = threading.Event(), opening._open_folder

    def slow(path: Path) -> object:
        assert go_on.wait(20)
        return real(path)

    monkeypatch.setattr(opening, "_open_folder", slow)
    other = folder.parent / "other"
    other.mkdir()
    Image.new("RGB", (128, 96)).save(other / "one.png")
    before = opened.desk.session
    opened.opening.open_paths([other])
    opened.opening.open_paths([folder.parent / back])
    assert "Opening" not in opened.window.status.tool.full_text
    go_on.set()
    ended = []
    opened.desk.background.run(lambda: None, ended.append, ended.append)  # after all the others
    wait(lambda: bool(ended))
    assert opened.desk.session is before
    assert opened.desk.record.path == ("scene 2.png" if back.endswith("png") else "scene 1.png")


@pytest.mark.skipif(os.name == "nt", reason="names are text on Windows")
def test_names_that_are_no_text_are_told(controller: Controller, folder: Path, wait) -> None:
    odd = [
        Path(os.fsdecode(os.fsencode(folder) + name)) for name in (b"/caf\xe9.png", b"/\xff.jpg")
    ]
    try:
        for path in odd:
            (folder / "scene 1.png").rename(path)
            Image.new("RGB", (8, 8)).save(folder / "scene 1.png")
    except OSError:
        pytest.skip("this file system takes text only")
    controller.start([folder], None)
    wait(lambda: shown(controller))
    assert len(controller.desk.order) == 4
    assert (
        "1 other cannot be opened, as their names are no valid"
        in controller.window.toasts.texts[-1]
    )
    controller.opening.open_paths(odd[:1])
    text = controller.window.toasts.texts[-1]
    assert text.endswith(
        "caf�.png” cannot be opened, as its name is no valid text; rename it first."
    )


def replace(path: Path, width: int, height: int) -> None:
    Image.new("RGB", (width, height), (9, 9, 9)).save(path)
    os.utime(path, ns=(1, 1))


def agree(controller: Controller) -> None:
    """Press the offer of the newest sentence."""
    toast = controller.window.findChildren(Toast)[-1]
    toast.findChildren(QPushButton)[0].click()


def test_a_file_of_another_size_does_not_pass_under_outlines_unseen(
    opened: Controller, folder: Path, wait
) -> None:
    desk, canvas = opened.desk, opened.canvas
    drawn = square(opened, 80, 60)
    first = desk.image_id
    opened.navigation.step(1)
    wait(lambda: shown(opened))
    replace(folder / "scene 1.png", 64, 48)
    opened.navigation.step(-1)
    wait(lambda: "has 64 × 48 pixels now" in canvas.message)
    assert canvas.scene.image_id is None, "nothing can be edited"
    assert first in opened.navigation.problems
    assert (desk.record.width, desk.record.height) == (128, 96)

    replace(folder / "scene 1.png", 128, 96)
    opened.files.rescan()
    wait(lambda: shown(opened))
    assert not canvas.message and not opened.navigation.problems

    replace(folder / "scene 1.png", 64, 48)
    opened.files.rescan()
    wait(lambda: "has 64 × 48 pixels now" in canvas.message)
    agree(opened)
    wait(lambda: shown(opened))
    assert (desk.record.width, desk.record.height) == (64, 48)
    assert desk.instances() == [drawn], "as it is, until a person edits it"


def test_the_offer_of_a_file_of_another_size_goes_when_the_earlier_one_is_back(
    opened: Controller, folder: Path, wait
) -> None:
    square(opened, 80, 60)
    replace(folder / "scene 1.png", 64, 48)
    opened.files.rescan()
    wait(lambda: "has 64 × 48 pixels now" in opened.canvas.message)
    offer = "“scene 1.png” has another size than its outlines were made on."
    assert offer in opened.window.toasts.texts
    replace(folder / "scene 1.png", 128, 96)
    opened.files.rescan()
    wait(lambda: shown(opened))
    assert offer not in opened.window.toasts.texts


@pytest.mark.parametrize("there", ["shown", "elsewhere"])
def test_what_is_taken_is_the_file_that_is_there_by_then(
    opened: Controller, folder: Path, wait, there: str
) -> None:
    square(opened, 80, 60)
    first = opened.desk.image_id
    replace(folder / "scene 1.png", 64, 48)
    opened.files.rescan()
    wait(lambda: "has 64 × 48 pixels now" in opened.canvas.message)
    if there == "elsewhere":
        opened.navigation.step(1)
        wait(lambda: shown(opened))
    replace(folder / "scene 1.png", 140, 100)
    agree(opened)
    wait(lambda: opened.desk.image(first).width != 128)
    assert (opened.desk.image(first).width, opened.desk.image(first).height) == (140, 100)
    opened.navigation.go(first)
    wait(lambda: shown(opened))
    assert opened.canvas.scene.size == (140, 100)


def test_a_file_that_is_gone_when_it_is_to_be_used_changes_nothing(
    opened: Controller, folder: Path, wait
) -> None:
    square(opened, 80, 60)
    replace(folder / "scene 1.png", 64, 48)
    opened.files.rescan()
    wait(lambda: "has 64 × 48 pixels now" in opened.canvas.message)
    (folder / "scene 1.png").unlink()
    agree(opened)
    wait(lambda: "there is no such file" in opened.canvas.message)
    assert (opened.desk.record.width, opened.desk.record.height) == (128, 96)


def test_a_file_of_another_size_without_outlines_is_taken(
    opened: Controller, folder: Path, wait
) -> None:
    replace(folder / "scene 1.png", 64, 48)
    opened.files.rescan()
    wait(lambda: opened.canvas.scene.size == (64, 48))
    assert (opened.desk.record.width, opened.desk.record.height) == (64, 48)
    assert opened.window.toasts.texts[-1] == "“scene 1.png” has changed and was read again."


def test_a_file_that_was_replaced_is_found_by_its_own_bytes_where_it_was_moved(
    opened: Controller, folder: Path, wait
) -> None:
    wait(lambda: bool(opened.desk.record.file_size) and not opened.sizes.busy)
    square(opened, 80, 60)
    path = folder / "scene 1.png"
    Image.effect_noise((128, 96), 50).save(path)
    os.utime(path, ns=(1, 1))
    opened.files.rescan()
    wait(lambda: opened.desk.record.file_size == path.stat().st_size)
    (folder / "moved").mkdir()
    path.rename(folder / "moved" / path.name)
    (folder / "moved" / "too").mkdir()
    (folder / "moved" / "too" / path.name).write_bytes(b"another of that name")
    assert opened.desk.session.relink(folder / "moved") == 1
    assert opened.desk.record.path == "moved/scene 1.png"


def test_looking_again_leaves_an_image_that_is_the_same(
    opened: Controller, folder: Path, monkeypatch: pytest.MonkeyPatch, wait
) -> None:
    put, taken = [], []
    ask = opened.loader.request

    def request(path: Path, callback: Callback, *rest: Priority) -> Ticket:
        def answer(reply: Loaded) -> None:
            callback(reply)
            opened.desk.main.post(lambda: taken.append(reply.path))  # after what it posted

        return ask(path, answer, *rest)

    monkeypatch.setattr(opened.canvas, "set_image", lambda *args: put.append(args))
    monkeypatch.setattr(opened.loader, "request", request)
    opened.files.rescan()
    wait(lambda: bool(taken))
    assert taken == [folder / "scene 1.png"]
    assert "No new images." in opened.window.toasts.texts
    assert not put


@pytest.mark.parametrize("of", ["strip", "canvas"])
def test_a_menu_closes_when_another_project_opens_behind_it(
    opened: Controller, monkeypatch: pytest.MonkeyPatch, of: str
) -> None:
    closed: list[str] = []

    class Menu(QMenu):
        """One that is open while a project opens."""

        def exec(self, _place: QPoint) -> None:
            opened.desk.opened.emit()
            closed.append("opened")

        def close(self) -> bool:
            closed.append("closed")
            return True

    for module in (files, editing):
        monkeypatch.setattr(module, "QMenu", Menu)
    if of == "strip":
        opened.files._film_menu(opened.desk.image_id, QPoint())
    else:
        opened.editing.open_menu(QPoint())
    assert closed == ["closed", "opened"]


def test_an_image_that_left_while_its_menu_was_open_is_not_asked_for(opened: Controller) -> None:
    image_id = opened.desk.image_id
    opened.desk.session.remove_images([image_id])
    opened.files.remove_image(image_id)
    assert opened.desk.session.undo_label == "Remove image"
