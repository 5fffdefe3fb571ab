"""A folder's images in the filmstrip: their order, what is known of them, and what is wrong."""

import threading
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PySide6.QtCore import QAbstractListModel
from PySide6.QtTest import QTest

from maskgui import imaging
from maskgui.core.entities import ImageRecord, Review
from maskgui.imaging.decode import Decoded
from maskgui.imaging.loader import Callback, ImageLoader, Loaded, Ticket
from maskgui.ui.control import desk as desk_module
from maskgui.ui.control import listing
from maskgui.ui.control.listing import kept_order, order_of
from maskgui.ui.controller import Controller
from maskgui.ui.panels.filmstrip import ImageModel

from .conftest import shown

names = st.lists(st.text("ab129/", min_size=1, max_size=4), unique=True, max_size=12)


def records(paths: list[str], first: int = 1) -> dict[int, ImageRecord]:
    return {n: ImageRecord(n, path, 0, 0) for n, path in enumerate(paths, first)}


@given(names, st.data(), st.sampled_from([0, 2, 100]))
def test_the_order_is_kept_up_as_images_come_go_and_move(
    paths: list[str], data: st.DataObject, one_by_one: int
) -> None:
    before = records(paths[: len(paths) // 2])
    after = records(paths)
    for gone in data.draw(st.sets(st.sampled_from(sorted(after)))) if after else ():
        del after[gone]
    moved = data.draw(st.sets(st.sampled_from(sorted(after)))) if after else set()
    for number in moved:
        after[number] = ImageRecord(number, f"{after[number].path}-moved", 0, 0)
    plain, listing.ONE_BY_ONE = listing.ONE_BY_ONE, one_by_one
    try:
        found = kept_order(order_of(before.values()), after, moved)
    finally:
        listing.ONE_BY_ONE = plain
    assert found == order_of(after.values())


def test_the_strip_shows_records_as_they_are_now(qapp) -> None:
    images = records(["b.png", "a.png", "c.png"])
    problems = {3: "it is empty"}
    rows = ImageModel()
    rows.show([2, 1, 3], ["a.png", "b.png", "c.png"], images, problems)
    assert rows.stringList() == ["a.png", "b.png", "c.png"]
    assert rows.tip(rows.index(2)) == "c.png\nnew\nit is empty"
    images[1] = ImageRecord(1, "b.png", 640, 480, Review.REVIEWED)
    assert rows.tip(rows.index(1)) == "b.png\n640 × 480, reviewed"
    rows.sift("new", "")
    assert rows.shown == [2, 3] and rows.row_of(1) == -1
    rows.sift("problems", "")
    assert rows.shown == [3] and rows.total == 3
    del images[3]
    assert rows.record(rows.index(0)) is None and rows.tip(rows.index(0)) == ""


def test_qt_itself_answers_what_is_asked_of_every_row() -> None:
    asked = {"rowCount", "index", "data", "flags", "columnCount", "parent", "hasIndex"}
    assert issubclass(ImageModel, QAbstractListModel)
    assert not asked & set(vars(ImageModel)), "an answer in Python stops the window at 100,000"


def test_sizes_and_broken_files_are_known_without_being_shown(
    controller: Controller, folder: Path, wait
) -> None:
    (folder / "scene 4.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    controller.start([folder], None)
    wait(lambda: controller.desk.session is not None and not controller.sizes.busy)
    wait(lambda: bool(controller.navigation.problems))
    found = {one.path: (one.width, one.height) for one in _images(controller)}
    assert found == {f"scene {n}.png": (128, 96) if n < 4 else (0, 0) for n in (1, 2, 3, 4)}
    (broken,) = controller.navigation.problems
    assert controller.desk.image(broken).path == "scene 4.png"
    assert controller.desk.session.undo_label is None


def test_a_file_that_was_whole_when_it_was_shown_is_no_problem_later(
    controller: Controller, folder: Path, wait, monkeypatch
) -> None:
    """Its header, and its thumbnail, had been asked for while it was still being copied."""
    path = folder / "scene 3.png"
    whole = path.read_bytes()
    path.write_bytes(whole[:20])
    looked, go_on, read = threading.Event(), threading.Event(), imaging.read_header

    def slow(asked: Path, *args: object) -> imaging.Header:
        try:
            return read(asked, *args)
        finally:
            if asked == path:
                looked.set()
            if looked.is_set():
                assert go_on.wait(20)

    monkeypatch.setattr(imaging, "read_header", slow)
    controller.start([folder], None)
    wait(lambda: looked.is_set() and shown(controller))
    navigation, desk = controller.navigation, controller.desk
    (third,) = [one.id for one in _images(controller) if one.path == path.name]
    navigation.thumbnails.picture(desk.image(third))
    wait(lambda: not navigation.thumbnails.waiting)
    assert navigation.thumbnails.picture(desk.image(third)) is None
    path.write_bytes(whole)
    navigation.go(third)
    wait(lambda: shown(controller))
    go_on.set()
    wait(lambda: not controller.sizes.busy)
    assert navigation.problems == {}
    wait(lambda: navigation.thumbnails.picture(desk.image(third)) is not None)


def test_sizes_of_images_that_come_later_are_read_too(opened: Controller, wait) -> None:
    wait(lambda: not opened.sizes.busy)
    folder = opened.desk.session.root
    (folder / "later.png").write_bytes((folder / "scene 1.png").read_bytes())
    opened.files.rescan()
    wait(lambda: len(_images(opened)) == 5 and all(one.width for one in _images(opened)))
    assert [opened.desk.image(one).path for one in opened.desk.order] == [
        "later.png",
        *(f"scene {n}.png" for n in (1, 2, 3, 4)),
    ]


def test_closing_ends_the_reading(controller: Controller, folder: Path, wait, monkeypatch) -> None:
    monkeypatch.setattr("maskgui.assist.headers.SPELL_S", 0.0)
    monkeypatch.setattr("maskgui.ui.control.sizes.SHARE", 1e-6)  # the first rest takes minutes
    controller.start([folder], None)
    wait(lambda: controller.desk.record is not None)
    assert controller.sizes.busy
    assert controller.files.close_project()
    assert not controller.sizes.busy
    controller.start([folder], None)
    wait(lambda: controller.desk.record is not None)
    assert controller.sizes.busy, "it begins anew with the next project"


def _images(controller: Controller) -> list[ImageRecord]:
    return list(controller.desk.session.document.images.values())


def test_the_strip_marks_the_image_on_the_canvas_and_scrolls_to_it(
    opened: Controller, wait
) -> None:
    film, order = opened.window.film, opened.desk.order
    opened.window.resize(700, 600)  # narrower than the row of four
    for row in (len(order) - 1, 0):
        opened.navigation.go(order[row])
        wait(lambda row=row: film.view.currentIndex().row() == row)
        assert film.view.viewport().rect().contains(film.view.visualRect(film.view.currentIndex()))
    film.field.setText("scene 3")
    wait(lambda: not film.view.currentIndex().isValid())
    assert opened.desk.image_id == order[0], "the filter hides it, and it stays"


def test_memory_is_given_back_when_the_hand_rests_and_nothing_is_decoded(
    opened: Controller, wait, monkeypatch
) -> None:
    given, busy = threading.Event(), [True]
    monkeypatch.setattr("maskgui.ui.control.memory.give_back", given.set)
    monkeypatch.setattr(ImageLoader, "busy", property(lambda _: busy[0]))
    rest = opened.memory._rest
    rest.setInterval(0)
    opened.navigation.step(1)
    rest.timeout.emit()
    assert rest.isActive() and not given.is_set(), "it waits for what is being decoded"
    busy[0] = False
    wait(given.is_set)
    opened.desk.background.close()
    rest.timeout.emit()  # the window is closing: no thread is left


def test_sizes_are_read_of_images_that_are_not_listed_yet(
    opened: Controller, folder: Path, wait, monkeypatch
) -> None:
    desk, session = opened.desk, opened.desk.session
    wait(lambda: not opened.sizes.busy and not desk._burst.isActive())
    monkeypatch.setattr(desk_module, "REMOTE_MS", 60_000)
    new = folder / "new.png"
    Image.new("RGB", (30, 20)).save(new)
    job = threading.Thread(target=lambda: session.add_images([new], author="job"))
    job.start()
    job.join()
    added = max(session.document.images)
    wait(lambda: opened.sizes._more)
    opened.sizes._go_on()  # as when a reading ends at this moment
    wait(lambda: desk.image(added).width == 30)
    assert added not in desk.order, "the lists follow later"


def test_a_thumbnail_that_was_withdrawn_does_not_stand_in_for_the_one_asked_for_since(
    opened: Controller, wait, monkeypatch
) -> None:
    thumbnails, record = opened.navigation.thumbnails, opened.desk.record
    wait(lambda: not thumbnails.waiting)
    replies: list[Callback] = []

    def request(_path: Path, _side: int, reply: Callback) -> Ticket:
        replies.append(reply)
        return Ticket(lambda _: None, reply)

    monkeypatch.setattr(opened.loader, "request_thumbnail", request)
    thumbnails.forget(record.id)
    thumbnails.picture(record)
    replies[0](Loaded(Path(), 8, Decoded(np.zeros((4, 8, 3), np.uint8), ""), None))
    thumbnails.forget(record.id)  # its file was replaced before the reply was taken
    thumbnails.picture(record)
    QTest.qWait(0)
    assert thumbnails.waiting and thumbnails.picture(record) is None
    replies[1](Loaded(Path(), 8, Decoded(np.zeros((8, 8, 3), np.uint8), ""), None))
    wait(lambda: thumbnails.picture(record) is not None)
    assert thumbnails.picture(record).height() == 8
