"""Outlines with no more vertices than the screen can show, and as what Qt draws."""

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from PySide6.QtGui import QPainterPath, QPolygonF
from shiboken6 import VoidPtr

from maskgui.core.shape import Ring, Shape

TOLERANCE = 0.35
"""Screen pixels by which a thinned outline may leave the true one (the budget is 0.5)."""
FEW = 12
"""Rings of no more vertices are not thinned."""
MOST = 0.75
"""Share of its vertices from which an outline is not thinned again when it changes a little."""
KEPT_OCTAVES = 3


@dataclass(frozen=True, eq=False)
class Outline:
    """The rings of one instance, one after the other; even-odd filling shows its holes."""

    points: NDArray[np.float64]  # V x 2, image coordinates
    lengths: NDArray[np.intp]  # vertices of each ring

    @classmethod
    def of(cls, rings: Sequence[NDArray[np.float64]]) -> "Outline":
        """Put rings together (each N x 2)."""
        return cls(
            np.concatenate([np.empty((0, 2)), *rings]), np.array([*map(len, rings)], np.intp)
        )


def path_of(shape: Shape) -> QPainterPath:
    """Return the outline of a shape in image coordinates; even-odd filling shows its holes."""
    path = QPainterPath()
    for _, _, ring in shape.rings():
        path.addPolygon(polygon_of(ring))
        path.closeSubpath()
    return path


def line_of(points: NDArray[np.float64], *, closed: bool) -> QPainterPath:
    """Return N x 2 points as one line, or as one ring."""
    path = QPainterPath()
    path.addPolygon(polygon_of(np.asarray(points, dtype=np.float64)))
    if closed:
        path.closeSubpath()
    return path


def polygon_of(points: NDArray[np.float64]) -> QPolygonF:
    """Return N x 2 points as Qt's polygon, through its memory rather than point by point."""
    polygon = QPolygonF()
    polygon.resize(len(points))
    if len(points):
        memory = VoidPtr(polygon.data(), points.size * 8, True)  # type: ignore[call-arg,arg-type]
        np.frombuffer(memory, np.float64).reshape(-1, 2)[:] = points  # type: ignore[call-overload]
    return polygon


def octave_of(scale: float) -> int:
    """Return the power of two at or above a scale: outlines are thinned once for each."""
    return math.ceil(math.log2(scale))


class Outlines:
    """Thinned outlines by instance and octave of the scale; any thread may clear them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._octaves: dict[int, dict[int, tuple[Shape, Outline]]] = {}

    def clear(self) -> None:
        """Forget all; another image is shown."""
        with self._lock:
            self._octaves.clear()

    def at_scale(self, shapes: Sequence[tuple[int, Shape]], scale: float) -> list[Outline]:
        """Return an outline for each (instance id, shape), near enough to it at this scale."""
        octave = octave_of(scale)
        with self._lock:
            kept = self._octaves.pop(octave, {})
            self._octaves[octave] = kept  # the latest used is last
            while len(self._octaves) > KEPT_OCTAVES:
                del self._octaves[next(iter(self._octaves))]
        missing = []
        for instance_id, shape in shapes:
            found = kept.get(instance_id)
            if found is not None and found[0] is shape:
                continue
            if found is not None and _hardly_thinned(*found, shape):
                kept[instance_id] = (shape, Outline.of([ring for _, _, ring in shape.rings()]))
            else:
                missing.append((instance_id, shape))
        if missing:
            made = _thinned([shape for _, shape in missing], TOLERANCE / 2.0**octave)
            for (instance_id, shape), outline in zip(missing, made, strict=True):
                kept[instance_id] = (shape, outline)
        return [kept[instance_id][1] for instance_id, _ in shapes]


def _hardly_thinned(before: Shape, outline: Outline, after: Shape) -> bool:
    """Whether a shape, dragged at a vertex in every frame, would lose too few to be worth it."""
    count = before.vertex_count
    return len(outline.points) >= MOST * count and after.vertex_count <= count / MOST


def _thinned(shapes: Sequence[Shape], tolerance: float) -> list[Outline]:
    """Thin all rings of many shapes in one call, which lets the interpreter lock go."""
    rings: list[Ring] = [ring for shape in shapes for _, _, ring in shape.rings()]
    long = [index for index, ring in enumerate(rings) if len(ring) > FEW]
    if long:
        # As closed lines: of a ring the first vertex is dropped last, and what lies between its
        # neighbours would end up twice the tolerance away.
        closed = [part for index in long for part in (rings[index], rings[index][:1])]
        lines = shapely.linestrings(
            np.concatenate(closed),
            indices=np.repeat(np.arange(len(long)), [len(rings[index]) + 1 for index in long]),
        )
        thin = shapely.simplify(lines, tolerance, preserve_topology=False)
        points, owners = shapely.get_coordinates(thin, return_index=True)
        starts = np.searchsorted(owners, np.arange(len(long) + 1))
        for at, index in enumerate(long):
            ring = points[starts[at] : starts[at + 1] - 1]
            if len(ring) >= 3:
                rings[index] = ring
    outlines = []
    at = 0
    for shape in shapes:
        count = sum(len(part.rings) for part in shape.parts)
        outlines.append(Outline.of(rings[at : at + count]))
        at += count
    return outlines
