"""Which image is on the canvas: decoding off the main thread, neighbours fetched ahead."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QObject, Signal

from maskgui.assist.headers import check_size
from maskgui.assist.session import Session
from maskgui.core.document import Edit
from maskgui.core.edits import set_review
from maskgui.core.entities import ImageRecord, Review
from maskgui.core.errors import UserError
from maskgui.core.stamp import Stamp
from maskgui.imaging.loader import ImageLoader, Loaded
from maskgui.ui.control.desk import Desk
from maskgui.ui.control.listing import kept_order, listing_of
from maskgui.ui.control.thumbnails import Thumbnails

NEED_IMAGE = "Open images first."
FIRST = "This is the first image."
LAST = "This is the last image."


class Navigation(QObject):
    """Goes from image to image; a reply for an image that was left is dropped."""

    forgot_problems = Signal()  # files may be readable that were not

    def __init__(self, desk: Desk, loader: ImageLoader) -> None:
        super().__init__(desk)
        self.desk = desk
        self.loader = loader
        self.problems: dict[int, str] = {}
        self._stale = False  # images came or went since the list was made
        self._moved: set[int] = set()  # of the images listed, those of another path now
        self._noted: set[int] = set()
        self._stamp: Stamp | None = None  # of the file on the canvas
        self.thumbnails = Thumbnails(desk, loader, self._found_problem)
        self._film = desk.window.film
        self._film.set_pictures(self.thumbnails.picture)
        self._connect()

    def _connect(self) -> None:
        desk, commands = self.desk, self.desk.commands
        desk.opened.connect(self._opened)
        desk.edited.connect(self._edited)
        desk.settled.connect(self._settled)
        desk.go_asked.connect(self.go)
        self._film.chosen.connect(self.go)
        self._film.sifted.connect(self._refresh)
        desk.window.topbar.review_chosen.connect(self._set_review)
        commands.bind("next_image", lambda: self.step(1))
        commands.bind("previous_image", lambda: self.step(-1))
        commands.bind("next_unreviewed", lambda: self.step_unreviewed(1))
        commands.bind("previous_unreviewed", lambda: self.step_unreviewed(-1))
        commands.bind("reviewed_next", self.reviewed_next)

    # ---- going

    def go(self, image_id: int | None) -> None:
        """Show an image, at once where it is in memory."""
        desk = self.desk
        session = desk.session
        if session is None or image_id is None or image_id not in session.document.images:
            image_id = None
        if image_id == desk.image_id:
            return
        desk.leaving.emit()
        desk.image_id = image_id
        self._stamp = None
        desk.selection.clear()
        if session is None or image_id is None:
            desk.canvas.set_image(None, None, "")
            self._shown()
            return
        session.pin(image_id)
        path = session.image_path(image_id)
        held = self.loader.cached(path)
        if held is None:
            self._put(image_id, None, "")
        elif self._measure(image_id, held.rgb):  # what is pasted at once is clipped by it
            self._put(image_id, held.rgb, "")
        neighbours = [session.image_path(other) for other in self._neighbours(image_id)]
        self.loader.show(
            path,
            lambda reply: desk.main.post(lambda: self._loaded(image_id, reply, held)),
            neighbours,
        )
        session.set_setting("last_image", image_id)
        self._shown()

    def _put(self, image_id: int, rgb, message: str) -> None:
        session = self.desk.session
        if session is None:
            return
        self.desk.canvas.set_image(image_id, rgb, message)
        self.desk.canvas.set_instances(session.instances(image_id), session.document.categories)

    def _loaded(self, image_id: int, reply: Loaded, held) -> None:
        desk = self.desk
        if desk.session is None or image_id != desk.image_id:
            return
        if desk.session.image_path(image_id) != reply.path:
            return
        self._stamp = reply.stamp
        if reply.error is not None:
            self._found_problem(image_id, reply.error.reason)
            self._put(image_id, None, str(reply.error))
        elif reply.image is not None and self._measure(image_id, reply.image.rgb, reply.stamp):
            if held is None or held.rgb is not reply.image.rgb:
                self._put(image_id, reply.image.rgb, "")
            self._note(image_id, reply.image.note)
            self.thumbnails.retry(image_id)
            if self.problems.pop(image_id, None) is not None:
                self._film.show_problems(self.problems)
        desk.shown.emit()

    def _measure(self, image_id: int, rgb, stamp: Stamp | None = None) -> bool:
        """Keep an image's size; False, with the reason shown, where its outlines do not fit it.

        They would lie elsewhere, and the next edit would cut them at the edge. With the file's
        stamp its bytes are kept too: by them it is found where it was moved.
        """
        session = self.desk.session
        if session is None or session.project.read_only:
            return True
        height, width = rgb.shape[:2]
        try:
            check_size(session, image_id, width, height)
        except UserError as error:
            self._found_problem(image_id, str(error))
            self._put(image_id, None, str(error))
            self._offer_new_size(session, image_id)
            return False
        bytes_ = {image_id: stamp[1]} if stamp is not None else {}
        session.set_sizes({image_id: (width, height)}, bytes_)
        self.desk.window.toasts.drop(_of_another_size(session.document.image(image_id)))
        return True

    def _offer_new_size(self, session: Session, image_id: int) -> None:
        """Let the person take a file of another size, with the outlines as they are.

        It is read again then, since it may have been replaced once more.
        """
        desk = self.desk

        def is_there() -> bool:
            return session is desk.session and image_id in session.document.images

        def come(reply: Loaded) -> None:
            if not is_there():
                return
            if reply.image is not None:
                height, width = reply.image.rgb.shape[:2]
                session.set_sizes({image_id: (width, height)})
            self.thumbnails.forget(image_id)
            self._loaded(image_id, reply, None)

        def take() -> None:
            if is_there():
                path = session.image_path(image_id)
                self.loader.request(path, lambda reply: desk.main.post(lambda: come(reply)))

        text = _of_another_size(session.document.image(image_id))
        desk.say(text, action=("Use this file", take))

    def reread(self) -> None:
        """Look whether the file of the image shown is another one now, and show that."""
        desk, before = self.desk, self._stamp
        session, image_id = desk.session, desk.image_id
        if session is None or image_id is None:
            return

        def come(reply: Loaded) -> None:
            if image_id != desk.image_id or session is not desk.session:
                return
            if reply.stamp is None or reply.stamp != before or desk.canvas.message:
                self.thumbnails.forget(image_id)
                self._loaded(image_id, reply, None)
                if before is not None and not desk.canvas.message:
                    name = session.document.image(image_id).path
                    desk.say(f"“{name}” has changed and was read again.")

        path = session.image_path(image_id)
        self.loader.request(path, lambda reply: desk.main.post(lambda: come(reply)))

    def _note(self, image_id: int, note: str) -> None:
        if note and image_id not in self._noted:
            self._noted.add(image_id)
            self.desk.say(f"{self.desk.image(image_id).path}: {note}.")

    def _shown(self) -> None:
        self._film.show_current(self.desk.image_id)
        self._refresh()
        self.desk.shown.emit()

    def _found_problem(self, image_id: int, reason: str) -> None:
        self.add_problems({image_id: reason})

    def add_problems(self, reasons: Mapping[int, str]) -> None:
        """Show why images cannot be read."""
        if not reasons.items() <= self.problems.items():
            self.problems |= reasons
            self._film.show_problems(self.problems)

    def _neighbours(self, image_id: int) -> list[int]:
        walk, at = self._walk(image_id)
        around = (at + 1, at - 1) if at >= 0 else ()
        return [walk[place] for place in around if 0 <= place < len(walk)]

    def _walk(self, image_id: int | None) -> tuple[Sequence[int], int]:
        """Return what next and previous go through and an image's place in it, -1 for none.

        It is what the filter shows, or all where that leaves the image out.
        """
        rows, order = self._film.rows, self.desk.order
        at = rows.row_of(image_id)
        if at >= 0 or not order:
            return rows.shown, at
        return order, (order.index(image_id) if image_id in order else -1)

    def step(self, by: int) -> None:
        """Go `by` images on."""
        walk, at = self._walk(self.desk.image_id)
        if walk:
            self.go(walk[min(max(at + by, 0), len(walk) - 1)])

    def step_unreviewed(self, by: int) -> None:
        """Go to the next image that is not reviewed, around the end once."""
        session = self.desk.session
        if session is None or not self.desk.order:
            return
        start = (
            self.desk.order.index(self.desk.image_id)
            if self.desk.image_id in self.desk.order
            else 0
        )
        count = len(self.desk.order)
        for distance in range(1, count + 1):
            image_id = self.desk.order[(start + by * distance) % count]
            if session.document.image(image_id).review is not Review.REVIEWED:
                if image_id == self.desk.image_id:
                    self.desk.say("This is the only image that is not reviewed.")
                self.go(image_id)
                return
        self.desk.say("All images are reviewed.")

    def reviewed_next(self) -> None:
        """Mark the image as reviewed and go to the next one."""
        self._set_review(Review.REVIEWED)
        walk, _ = self._walk(self.desk.image_id)
        if walk and self.desk.image_id == walk[-1]:
            self.desk.say("Reviewed. This was the last image.")
        self.step(1)

    def _set_review(self, state: Review) -> None:
        record = self.desk.record
        if record is not None and record.review is not state:
            self.desk.apply(set_review(record, state))

    def forget_problems(self) -> None:
        """Try all images again: files were found or replaced."""
        self.problems = {}
        self.thumbnails.clear()
        self._film.show_problems(self.problems)
        self.forgot_problems.emit()

    # ---- following the document

    def _opened(self) -> None:
        self.problems = {}
        self._noted = set()
        self._stale = False
        self._moved = set()
        self.thumbnails.clear()
        self._list()

    def _list(self) -> None:
        session = self.desk.session
        images = session.document.images if session else {}
        listing = self.desk.listing
        self._film.show_images(listing.ids, listing.paths, images, self.problems)
        self._film.show_current(self.desk.image_id)
        self._refresh()

    def _edited(self, edit: Edit) -> None:
        relisted = False
        for change in edit.changes:
            before, after = change.before, change.after
            if not isinstance(change.entity, ImageRecord):
                continue
            if (
                not isinstance(before, ImageRecord)
                or not isinstance(after, ImageRecord)
                or before.path != after.path
            ):
                relisted = True
                self._moved.add(change.entity.id)
        self._film.repaint_thumbnails()
        if relisted and self.desk.remote:
            self._stale = True
        elif relisted:
            self._relist()

    def _settled(self) -> None:
        if self._stale:
            self._relist()
        else:
            self._refresh()

    def _relist(self) -> None:
        self._stale = False
        desk, gone, old = self.desk, self.desk.image_id, self.desk.order
        images = desk.session.document.images if desk.session else {}
        desk.listing = listing_of(kept_order(old, images, self._moved), images)
        self._moved = set()
        self._list()
        if gone is not None and desk.record is None:
            at = old.index(gone) if gone in old else 0
            near = (one for one in (*old[at:], *old[:at][::-1]) if one in images)
            self.go(next(near, None))

    def _refresh(self) -> None:
        desk = self.desk
        record = desk.record
        walk, at = self._walk(record.id if record else None)
        place = at + 1
        desk.window.topbar.set_position(place, len(walk))
        desk.window.topbar.set_review(record.review if record else None)
        none = "" if record else NEED_IMAGE
        desk.allow(
            ("next_unreviewed", "previous_unreviewed", "reviewed_next", "remove_image"), none
        )
        desk.allow(("previous_image",), none or ("" if place > 1 else FIRST))
        desk.allow(("next_image",), none or ("" if place < len(walk) else LAST))


def _of_another_size(record: ImageRecord) -> str:
    return f"“{record.path}” has another size than its outlines were made on."
