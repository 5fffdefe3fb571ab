"""Scale, turn and move the selected instances by handles."""

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from maskgui.core.affine import Matrix, apply, rotation, scaling, transformed
from maskgui.core.entities import Instance
from maskgui.core.shape import Box, Shape
from maskgui.tools.base import Frame, Key, Look, Overlay, Pointer, Response, Scene
from maskgui.tools.commit import reshaped
from maskgui.tools.gestures import Band, Gesture, MoveInstances, Outcome, Reshape
from maskgui.tools.picking import band_between, bodies, editable, instances_in
from maskgui.tools.pointing import PointingTool

HANDLE_REACH = 10.0
"""Screen pixels around a handle that belong to it."""
TURNER_AWAY = 26.0
"""Screen pixels from the frame's upper side to the handle that turns."""
TURNER = 4
TURN_STEP = np.pi / 12
"""Radians of the steps of a turn with Shift."""
LEAST_SCALE = 0.02


class TransformTool(PointingTool):
    """Drag a corner to scale, the handle above to turn, inside the frame to move."""

    name = "transform"

    def hover(self, pointer: Pointer, scene: Scene) -> None:
        """The look follows `at` alone."""

    def idle_look(self, scene: Scene) -> Look:
        """The frame with its handles."""
        chosen = editable(scene)
        if not chosen:
            return Look("point", Overlay(), "Transform: click an instance to scale or turn it")
        scale = self.at.scale if self.at else 1.0
        handle = _handle_at(self.at, chosen) if self.at else None
        overlay = Overlay(frame=_frame(chosen, scale, handle))
        if handle == TURNER:
            return Look("point", overlay, "Transform: drag turns, Shift in steps of 15°")
        if handle is not None:
            status = "Transform: drag scales, Shift keeps the proportions, Alt about the middle"
            return Look("vertex", overlay, status)
        if self.at and _inside(self.at, chosen):
            return Look("move", overlay, "Transform: drag moves, Enter or Esc leaves")
        return Look("arrow", overlay, "Transform: drag a corner or the handle above the frame")

    def begin(self, start: Pointer, scene: Scene) -> Gesture:
        """By what lies under the pointer."""
        chosen = editable(scene)
        handle = _handle_at(start, chosen)
        if handle == TURNER:
            return Turn(chosen, start, handle)
        if handle is not None:
            return Scale(chosen, start, handle)
        if chosen and _inside(start, chosen):
            return MoveInstances(chosen, start)
        return Band(start, _choose, "Transform: release to select the instances inside")

    def click(self, pointer: Pointer, scene: Scene) -> Response:
        """Select another instance; Ctrl or Shift adds it."""
        chosen = editable(scene)
        hits = bodies(scene, pointer)
        if _handle_at(pointer, chosen) is not None:
            return self.answer(scene)
        if pointer.modifiers & {"ctrl", "shift"}:
            return self.answer(scene, selection=scene.selection ^ frozenset(hits[:1]))
        return self.answer(scene, selection=frozenset(hits[:1]))

    def double_click(self, pointer: Pointer, scene: Scene) -> Response:
        """No more than a click."""
        return self.click(pointer, scene)

    def nudging(self, scene: Scene) -> Reshape | None:
        """The selected instances."""
        chosen = editable(scene)
        return MoveInstances(chosen, Pointer(0, 0)) if chosen else None

    def finished(self, outcome: Outcome, scene: Scene) -> Response:
        """Pass on edit and selection."""
        return self.answer(scene, edit=outcome.edit, selection=outcome.selection)

    def key(self, key: Key, scene: Scene) -> Response:
        """Enter and Esc leave when nothing is dragged."""
        if key.name in ("escape", "enter") and not self.busy:
            return self.answer(scene, handover="select")
        return super().key(key, scene)

    def wants(self, key: Key) -> bool:
        """Esc and Enter always."""
        return super().wants(key) or (key.name in ("escape", "enter") and not key.modifiers)


class Transform(Gesture):
    """Instances under a matrix that follows the pointer."""

    label = ""

    def __init__(self, before: Sequence[Instance], start: Pointer, handle: int) -> None:
        self.before = list(before)
        self.start = start
        self.handle = handle
        self.box = _box_of(self.before)
        self.live: dict[int, Shape] = {}
        self.matrix: Matrix = scaling((0.0, 0.0), 1.0, 1.0)
        self.said = ""

    @abstractmethod
    def follow(self, pointer: Pointer) -> Matrix:
        """Return the matrix for the pointer, and set `said`."""

    def move(self, pointer: Pointer, scene: Scene) -> None:
        """Follow the pointer."""
        self.matrix = self.follow(pointer)
        self.live = {one.id: transformed(one.shape, self.matrix) for one in self.before}

    def finish(self, scene: Scene) -> Outcome:
        """Make one edit of it, clipped to the image."""
        if not self.live:
            return Outcome()
        return Outcome(reshaped(self.before, self.live, self.label, scene))

    def look(self) -> Look:
        """The instances and the frame as they would be."""
        frame = _frame(self.before, self.start.scale, self.handle)
        points = apply(self.matrix, np.vstack([frame.corners, frame.pivot, frame.turner]))
        pivot, turner = points[4].tolist(), points[5].tolist()
        turned = Frame(points[:4], (pivot[0], pivot[1]), (turner[0], turner[1]), self.handle)
        status = f"{self.label}: {self.said}, release to keep it, Esc puts it back"
        return Look("vertex", Overlay(live=self.live, frame=turned), status)


class Scale(Transform):
    """A corner on the move, the opposite one fixed."""

    label = "Scale"

    def follow(self, pointer: Pointer) -> Matrix:
        """Shift keeps the proportions, Alt the middle."""
        corners = _corners(self.box)
        own, pivot = corners[self.handle], corners[(self.handle + 2) % 4]
        if "alt" in pointer.modifiers:
            pivot = corners.mean(axis=0)
        reach = own - pivot
        now = np.array([pointer.x, pointer.y]) - (self.start.x, self.start.y) + reach
        factors = np.divide(now, reach, out=np.ones(2), where=reach != 0)
        if "shift" in pointer.modifiers:
            factors[:] = float(now @ reach) / max(float(reach @ reach), 1e-12)
        sx, sy = np.maximum(factors, LEAST_SCALE).tolist()
        self.said = f"{100 * sx:.0f} × {100 * sy:.0f} %"
        return scaling((float(pivot[0]), float(pivot[1])), sx, sy)


class Turn(Transform):
    """A turn about the middle of the frame."""

    label = "Turn"

    def follow(self, pointer: Pointer) -> Matrix:
        """Shift turns in steps."""
        x, y = _corners(self.box).mean(axis=0).tolist()
        first = np.arctan2(self.start.y - y, self.start.x - x)
        angle = float(np.arctan2(pointer.y - y, pointer.x - x) - first)
        angle = (angle + np.pi) % (2 * np.pi) - np.pi
        if "shift" in pointer.modifiers:
            angle = round(angle / TURN_STEP) * TURN_STEP
        self.said = f"{np.degrees(angle):.0f}°"
        return rotation((x, y), angle)


def _box_of(instances: Sequence[Instance]) -> Box:
    boxes = np.array([one.shape.bounds for one in instances])
    x0, y0 = boxes[:, :2].min(axis=0).tolist()
    x1, y1 = boxes[:, 2:].max(axis=0).tolist()
    return (x0, y0, x1, y1)


def _corners(box: Box) -> NDArray[np.float64]:
    x0, y0, x1, y1 = box
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])


def _frame(instances: Sequence[Instance], scale: float, grabbed: int | None) -> Frame:
    corners = _corners(_box_of(instances))
    x, y = corners.mean(axis=0).tolist()
    turner = (x, float(corners[0, 1]) - TURNER_AWAY / scale)
    return Frame(corners, (x, y), turner, grabbed)


def _handle_at(pointer: Pointer, instances: Sequence[Instance]) -> int | None:
    """Return the nearest handle within reach: 0-3 a corner, 4 the one that turns."""
    if not instances:
        return None
    frame = _frame(instances, pointer.scale, None)
    handles = np.vstack([frame.corners, frame.turner])
    away = np.hypot(*(handles - (pointer.x, pointer.y)).T) * pointer.scale
    nearest = int(np.argmin(away))
    return nearest if away[nearest] <= HANDLE_REACH else None


def _inside(pointer: Pointer, instances: Sequence[Instance]) -> bool:
    x0, y0, x1, y1 = _box_of(instances)
    return x0 <= pointer.x <= x1 and y0 <= pointer.y <= y1


def _choose(start: Pointer, end: Pointer, scene: Scene) -> Outcome:
    return Outcome(selection=instances_in(scene, band_between(start, end)))
