"""A short moving picture of a correction: from auto-segmented to reviewed, by real events."""

from pathlib import Path

import stage
from bench import Bench
from hand import Hand
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QColor, QFontMetrics, QImage, QPainter
from PySide6.QtTest import QTest
from tool_scenes import CELLS, curve

from maskgui.ui.controller import Controller
from maskgui.ui.headless import wait_until
from maskgui.ui.theme import text_font

SIZE = (960, 664)
RATE = 12
"""Frames in a second."""
QUALITY = 78
OTHERS = ("27c30f901149.png", "2b50b1e3fa5c.png", "2e172afb1f43.png", "34c9f4eb2af8.png")
CONTROL = Qt.KeyboardModifier.ControlModifier
CAP_SECONDS = 0.7
BREATH_MS = 20
"""What the window is given to lay itself out before a frame is taken."""
FAULT, FAINT, EMPTY = (224, 143), (169, 114), (82, 10)
"""On the image: what is no nucleus, one whose outline misses its rim, and bare ground."""
RIM = ((166, 103.5), (172, 103.5), (178, 108), (180, 115), (177, 122), (170, 125), (164, 123))
UNSEEN = ((70, 33), (75, 34), (78, 38), (74, 42), (77, 47), (79, 51), (76, 55))
"""A way through a nucleus that was not found."""


class Film:
    """Frames, one after the other; what stands still is one long frame."""

    def __init__(self, controller: Controller) -> None:
        self.hand = Hand(controller, self.shoot)
        self.frames: list[QImage] = []
        self.lengths: list[int] = []
        self._controller = controller
        self._cap = ""
        self._cap_left = 0

    def shoot(self) -> None:
        """Take a frame of the window as it is now."""
        canvas = self._controller.canvas
        QTest.qWait(BREATH_MS)
        wait_until(canvas.is_settled, "Painting", stage.SECONDS)
        picture = self.hand.picture()
        if self._cap_left:
            self._cap_left -= 1
            place = canvas.mapTo(self._controller.window, canvas.rect().center())
            draw_cap(picture, self._cap, place.x(), place.y() + canvas.height() // 2 - 36)
        if self.frames and picture == self.frames[-1]:
            self.lengths[-1] += 1
        else:
            self.frames.append(picture)
            self.lengths.append(1)

    def hold(self, seconds: float) -> None:
        """Let nothing happen for a while."""
        for _ in range(round(seconds * RATE)):
            self.shoot()

    def type(self, keys: str) -> None:
        """Press a key, and show which."""
        self._cap, self._cap_left = keys, round(CAP_SECONDS * RATE)
        self.hand.type(keys)
        self.shoot()

    def zoom(self, notches: int) -> None:
        """Zoom in at the pointer, two notches a frame."""
        for _ in range(notches // 2):
            self.hand.wheel(2, CONTROL)
            self.shoot()

    def stroke(self, *knots: tuple[float, float]) -> None:
        """Press, draw a curve through some points, and release."""
        way = curve(*knots, per_piece=2)
        self.hand.glide(*way[0], steps=4)
        self.hand.press(*way[0])
        self.hand.trace(way[1:])
        self.hand.release()
        self.shoot()

    def save(self, path: Path) -> None:
        """Write the frames as an animated WebP that runs for ever."""
        import pyvips

        pages = [stage.as_vips(frame) for frame in self.frames]
        whole = pyvips.Image.arrayjoin(pages, across=1).copy()
        whole.set_type(pyvips.GValue.gint_type, "page-height", pages[0].height)
        delays = [round(1000 * length / RATE) for length in self.lengths]
        whole.set_type(pyvips.GValue.array_int_type, "delay", delays)
        whole.set_type(pyvips.GValue.gint_type, "loop", 0)
        whole.webpsave(str(path), Q=QUALITY, smart_subsample=True, effort=5, min_size=True)
        print(f"{path.relative_to(stage.ROOT)}: {sum(delays) / 1000:.1f} s")


def film(place: Path) -> None:
    """Film the correction of one microscopy image."""
    paths = stage.labelled_nuclei(place, [CELLS, *OTHERS])
    folder = paths[0].parent
    paths[0].unlink()  # the model finds the nuclei, not the labels
    with stage.application("dark", place / "settings.ini", SIZE) as controller:
        controller.window.commands["toggle_side"].trigger()
        stage.start(controller, [folder], "nuclei")
        made = Film(controller)
        bench = Bench(controller, made.hand)
        _warm_up(controller)
        bench.open(CELLS)
        bench.take("brush")
        bench.set_option("radius", 5)
        bench.take("select")
        stage.settle(controller)
        _segment(made, controller)
        found = [bench.canvas.scene.hits.bodies_at(*spot) for spot in (FAULT, FAINT)]
        assert all(found), "the model no longer finds what the film corrects"
        _correct(made)
        made.save(stage.DOCS / "correction.webp")


def _warm_up(controller: Controller) -> None:
    """Let the model load, and look at the second image, before the film begins."""
    stage.show(controller, controller.desk.order[1])
    controller.segmenting.segment_this()
    wait_until(lambda: bool(controller.desk.instances()), "Auto-segmenting", stage.SECONDS)


def _segment(made: Film, controller: Controller) -> None:
    run = controller.window.topbar.run
    made.hand.hover(160, 150)
    made.hold(0.3)
    made.hand.glide_to(run, run.rect().center(), steps=7)
    QTest.mousePress(run, Qt.MouseButton.LeftButton)
    made.shoot()
    QTest.mouseRelease(run, Qt.MouseButton.LeftButton)
    made.hold(0.4)
    wait_until(lambda: bool(controller.desk.instances()), "Auto-segmenting", stage.SECONDS)
    controller.window.toasts.clear()  # it tells how long this machine took
    controller.canvas.setFocus()
    made.hold(0.7)


def _correct(made: Film) -> None:
    """Delete what is none, re-route a rim, paint what was missed, and go on."""
    hand = made.hand
    hand.glide(*FAULT, steps=6)
    hand.click(*FAULT)
    made.hold(0.3)
    made.type("Delete")
    made.hold(0.2)
    hand.glide(*FAINT, steps=6)
    hand.click(*FAINT)
    made.zoom(6)
    made.type("U")
    made.stroke(*RIM)
    made.hold(0.3)
    made.type("Ctrl+F")
    made.type("V")
    hand.glide(*EMPTY, steps=6)
    hand.click(*EMPTY)
    made.zoom(4)
    made.type("B")
    made.stroke(*UNSEEN)
    made.hold(0.5)
    made.type("Ctrl+Enter")
    made.hold(0.3)
    hand.glide(*FAINT)
    made.hold(0.4)


def draw_cap(picture: QImage, text: str, x: int, y: int) -> None:
    """Draw the cap of a key around a point."""
    font = text_font(15, bold=True)
    width = QFontMetrics(font).horizontalAdvance(text) + 28
    box = QRect(x - width // 2, y - 17, width, 34)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QColor(255, 255, 255, 70))
    painter.setBrush(QColor(20, 21, 24, 225))
    painter.drawRoundedRect(box, 6, 6)
    painter.setFont(font)
    painter.setPen(QColor("#f4f5f7"))
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
    painter.end()
