"""Live scissors: click along an object, the outline between the clicks clings to its edges."""

from functools import partial

import numpy as np

from maskgui.tools.base import (
    CLICK_SLOP,
    Key,
    Look,
    Overlay,
    Path,
    Pixels,
    Pointer,
    Request,
    Response,
    Runs,
    Scene,
    Tool,
)
from maskgui.tools.drawing import finish
from maskgui.tools.livewire import REACH, LiveWire, Points
from maskgui.tools.polygon import CLOSE_KEYS, CLOSE_REACH, key_when_idle
from maskgui.tools.windows import window_around

MOST_SHRUNK = 8
"""Image pixels to one of the map, when the image is seen from afar."""
SNAP = 6.0
"""Screen pixels within which an anchor goes to the strongest edge."""


class ScissorsTool(Tool):
    """Click sets an anchor on the edge beside it, with Alt or Ctrl exactly at the pointer; Enter,
    N, a double-click or the first anchor closes.

    Between anchors the path is the scissors' own as soon as their map has come, and straight
    until then. Backspace takes back an anchor.
    """

    name = "scissors"
    step = "point"

    def __init__(self) -> None:
        self.pieces: list[Points] = []  # each from one anchor to the next, both included
        self.first: tuple[float, float] | None = None
        self.at: Pointer | None = None
        self.reach = 0.0  # image pixels within which the newest anchor still seeks its edge
        self.wire: LiveWire | None = None
        self.awaited: int | None = None
        self.failed = ""

    @property
    def busy(self) -> bool:
        """Whether an anchor was set."""
        return self.first is not None

    def cancel(self) -> None:
        """Drop the draft; a map that is still being made goes to waste."""
        self.pieces, self.first = [], None
        self._forget_map()

    def look(self, scene: Scene) -> Look:
        """The outline so far and the live piece to the pointer."""
        if self.first is None:
            return Look(
                "cross", Overlay(), "Scissors: click on the edge of an object, Alt sets it exactly"
            )
        closes = self._closes(self.at)
        anchors = np.array([self.first, *(piece[-1] for piece in self.pieces)])
        way = self._way(self.first if closes or not self.at else self._aimed(self.at))
        overlay = Overlay(path=Path(way, anchors=anchors, closes=closes))
        if closes:
            return Look("point", overlay, "Scissors: click closes it, Esc cancels")
        if self.failed:
            return Look("cross", overlay, self.failed)
        status = (
            "Scissors: click to fix the line, Enter closes, "
            "Backspace or Ctrl+Z takes back, Esc cancels"
        )
        return Look("cross", overlay, status)

    def press(self, pointer: Pointer, scene: Scene) -> Response:
        """Set an anchor, or close."""
        self.at = pointer
        if pointer.button != "left":
            return self.answer(scene, handled=False)
        aimed = self._aimed(pointer)
        if self.first is None:
            self.first, self.reach = aimed, _reach(pointer)
        elif self._closes(pointer) or (pointer.clicks == 2 and self.pieces):
            return self._close(scene)
        elif _distance(self._anchor(), aimed) * pointer.scale >= CLICK_SLOP / 2:
            self.reach = 0.0 if self.wire is not None else _reach(pointer)
            self.pieces.append(self._piece_to(aimed))
            self._forget_map()
        return self._answer_asking(scene)

    def move(self, pointer: Pointer, scene: Scene) -> Response:
        """Let the live piece follow."""
        self.at = pointer
        return self._answer_asking(scene)

    def release(self, pointer: Pointer, scene: Scene) -> Response:
        """Nothing: anchors are set when the button goes down."""
        self.at = pointer
        return self.answer(scene, handled=pointer.button == "left")

    def key(self, key: Key, scene: Scene) -> Response:
        """Enter or N closes, Backspace takes back, Esc cancels, and leaves when idle."""
        if self.first is None:
            return key_when_idle(self, key, scene)
        if key.name in CLOSE_KEYS and not key.modifiers:
            if not self.pieces:
                return self.answer(scene, status="Scissors: set another anchor first")
            return self._close(scene)
        if key.name == "backspace":
            return self.take_back(scene)
        if key.name == "escape":
            self.cancel()
            return self.answer(scene)
        return self.answer(scene, handled=False)

    def wants(self, key: Key) -> bool:
        """The draft's keys while there is one; Esc always."""
        if self.first is None:
            return key.name == "escape"
        return not key.modifiers and key.name in (*CLOSE_KEYS, "backspace", "escape")

    def deliver(self, ticket: int, result: object, scene: Scene) -> Response:
        """The map of the last anchor has come."""
        if ticket != self.awaited:
            return self.answer(scene, handled=False)
        if isinstance(result, LiveWire):
            self.awaited, self.wire = None, result
            self._move_anchor(result.anchor)
        else:  # `awaited` stays, so that what failed is not asked for again
            self.failed = f"Scissors: {result}; the lines stay straight"
        return self.answer(scene)

    def take_back(self, scene: Scene) -> Response:
        """Drop the last anchor with the piece that leads to it."""
        if self.pieces:
            self.pieces.pop()
        else:
            self.first = None
        self._forget_map()
        return self._answer_asking(scene)

    @property
    def draft(self) -> Runs | None:
        """The first anchor, and a run for each piece from there to the last one."""
        if self.first is None:
            return None
        return [[self.first], *([(x, y) for x, y in piece.tolist()] for piece in self.pieces)]

    def resume(self, draft: Runs) -> None:
        """Go on from the last anchor."""
        (self.first,), *pieces = draft
        self.pieces = [np.array(piece) for piece in pieces]

    def _anchor(self) -> tuple[float, float]:
        if self.pieces:
            x, y = self.pieces[-1][-1].tolist()
            return (x, y)
        assert self.first is not None  # asked for while busy only
        return self.first

    def _aimed(self, pointer: Pointer) -> tuple[float, float]:
        """Return where a click would set an anchor, as far as the map has come."""
        if self.wire is None:
            return pointer.point
        return self.wire.snapped(pointer.point, _reach(pointer))

    def _move_anchor(self, point: tuple[float, float]) -> None:
        """Put the newest anchor on the edge that its map has found."""
        self.reach = 0.0
        if self.pieces:
            self.pieces[-1] = np.vstack([self.pieces[-1][:-1], point])
        else:
            self.first = point

    def _answer_asking(self, scene: Scene) -> Response:
        """Answer, and ask for the map of the last anchor where it was not asked for yet."""
        request = None
        if self.first is not None and self.wire is None and self.awaited is None:
            anchor = self._anchor()
            scale = self.at.scale if self.at else 1.0
            shrink = min(max(1, round(1 / scale)), MOST_SHRUNK)
            box = window_around(anchor, REACH * shrink, scene.size)
            request = Request(box, partial(_map, anchor, (box[0], box[1]), shrink, self.reach))
            self.awaited = request.ticket
        return self.answer(scene, request=request)

    def _forget_map(self) -> None:
        self.wire, self.awaited, self.failed = None, None, ""

    def _piece_to(self, point: tuple[float, float]) -> Points:
        if self.wire is not None:
            return self.wire.path_to(*point)
        return np.array([self._anchor(), point])

    def _way(self, end: tuple[float, float]) -> Points:
        """Return the whole line with a live piece to `end`."""
        return np.vstack([*self.pieces, self._piece_to(end)])

    def _close(self, scene: Scene) -> Response:
        assert self.first is not None  # called while busy only
        points = self._way(self.first)
        self.cancel()
        return finish(self, points, scene)

    def _closes(self, pointer: Pointer | None) -> bool:
        if pointer is None or self.first is None or not self.pieces:
            return False
        return _distance(self.first, pointer.point) * pointer.scale <= CLOSE_REACH


def _map(
    anchor: tuple[float, float], corner: tuple[int, int], shrink: int, snap: float, pixels: Pixels
) -> LiveWire:
    return LiveWire(pixels, anchor, corner, shrink, snap)


def _reach(pointer: Pointer) -> float:
    """Return the image pixels within which an anchor seeks an edge; 0 with Alt or Ctrl."""
    return 0.0 if pointer.modifiers & {"alt", "ctrl"} else SNAP / pointer.scale


def _distance(one: tuple[float, float], other: tuple[float, float]) -> float:
    return float(np.hypot(one[0] - other[0], one[1] - other[1]))
