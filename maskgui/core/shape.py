"""The outline of an instance: parts with holes, in continuous coordinates of the upright image.

Pixel (column i, row j) covers [i, i+1) x [j, j+1). A shape covers the union over its parts of
(exterior minus that part's own holes); each ring is filled even-odd, as COCO's rasteriser does.
"""

import struct
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

Ring = NDArray[np.float64]
"""N x 2 float64 vertices (x, y), unclosed, read-only."""

Box = tuple[float, float, float, float]
"""x0, y0, x1, y1 in image coordinates, exclusive on the right and at the bottom."""

_ALL = np.logical_and.reduce
"""What `ndarray.all` calls in the end: its way there takes longer than 100 vertices."""


def as_ring(points: ArrayLike) -> Ring:
    """Return points (N x 2, or flat x0 y0 x1 y1 ...) as a read-only ring of float64.

    Raises ValueError when there are fewer than three vertices or a coordinate is not finite.
    """
    ring = np.array(points, dtype=np.float64).reshape(-1, 2)
    if len(ring) < 3:
        raise ValueError("a ring needs at least three vertices")
    if not _ALL(np.isfinite(ring), None):
        raise ValueError("a ring has a coordinate that is not a finite number")
    ring.setflags(write=False)
    return ring


class Polygon:
    """One part: an exterior ring and the holes cut from it. Immutable."""

    __slots__ = ("_valid", "exterior", "holes")
    exterior: Ring
    holes: tuple[Ring, ...]

    def __init__(
        self, exterior: ArrayLike, holes: Iterable[ArrayLike] = (), *, valid: bool | None = None
    ) -> None:
        """`valid`: what `is_valid` would find, where it is known."""
        self.exterior = as_ring(exterior)
        self.holes = tuple(as_ring(hole) for hole in holes)
        self._valid = valid

    @property
    def is_valid(self) -> bool:
        """Whether no edge crosses or runs along another, and holes lie inside; found once.

        With hundreds of holes that touch one another GEOS takes 80 ms to say so.
        """
        if self._valid is None:
            self._valid = bool(self.plain().is_valid)
        return self._valid

    def note_valid(self, valid: bool) -> None:
        """Take what `is_valid` would find from who asked GEOS for many at once."""
        self._valid = valid

    def plain(self) -> shapely.Polygon:
        """Return the part as shapely has it, valid or not."""
        if not self.holes:  # a straighter way to the same, in half the time
            return shapely.polygons(self.exterior)
        return shapely.Polygon(self.exterior, self.holes)

    @property
    def rings(self) -> tuple[Ring, ...]:
        """The exterior first, then the holes."""
        return (self.exterior, *self.holes)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Polygon):
            return NotImplemented
        return len(self.holes) == len(other.holes) and all(
            len(mine) == len(theirs) and bool(_ALL(mine == theirs, None))
            for mine, theirs in zip(self.rings, other.rings, strict=True)
        )

    def __hash__(self) -> int:
        return hash(tuple(ring.tobytes() for ring in self.rings))

    def __repr__(self) -> str:
        return f"Polygon({len(self.exterior)} vertices, {len(self.holes)} holes)"


class Shape:
    """The whole outline of an instance: any number of parts, none for an empty one. Immutable."""

    def __init__(self, parts: Iterable[Polygon] = ()) -> None:
        self.parts: tuple[Polygon, ...] = tuple(parts)

    def rings(self) -> Iterator[tuple[int, int, Ring]]:
        """Yield (part index, ring index with 0 for the exterior, ring)."""
        for part_index, part in enumerate(self.parts):
            for ring_index, ring in enumerate(part.rings):
                yield part_index, ring_index, ring

    def with_ring(self, part: int, ring: int, points: ArrayLike) -> "Shape":
        """Return the shape with one ring replaced."""
        old = self.parts[part]
        rings: list[ArrayLike] = list(old.rings)
        rings[ring] = points
        return Shape((*self.parts[:part], Polygon(rings[0], rings[1:]), *self.parts[part + 1 :]))

    def moved(self, dx: float, dy: float) -> "Shape":
        """Return the shape shifted by (dx, dy) image pixels."""
        by = np.array([dx, dy])
        made = Shape(
            Polygon(part.exterior + by, [hole + by for hole in part.holes]) for part in self.parts
        )
        if self.parts:  # rounding keeps what is least least: the box moves exactly as vertices do
            x0, y0, x1, y1 = self.bounds
            made.bounds = (x0 + dx, y0 + dy, x1 + dx, y1 + dy)
        return made

    @cached_property
    def bounds(self) -> Box:
        """The box around all vertices; (0, 0, 0, 0) for an empty shape."""
        if not self.parts:
            return (0.0, 0.0, 0.0, 0.0)
        if len(self.parts) == 1:  # of 10,000 on an image nearly all
            points = self.parts[0].exterior
            x0, y0 = np.minimum.reduce(points).tolist()
            x1, y1 = np.maximum.reduce(points).tolist()
            return (x0, y0, x1, y1)
        lows = [np.minimum.reduce(part.exterior).tolist() for part in self.parts]
        highs = [np.maximum.reduce(part.exterior).tolist() for part in self.parts]
        return (
            min(x for x, _ in lows),
            min(y for _, y in lows),
            max(x for x, _ in highs),
            max(y for _, y in highs),
        )

    @property
    def vertex_count(self) -> int:
        """How many vertices all rings have together."""
        return sum(len(ring) for part in self.parts for ring in part.rings)

    def to_bytes(self) -> bytes:
        """Return counts (little-endian uint32) and coordinates (float64) as bytes."""
        counts = [len(self.parts)]
        for part in self.parts:
            counts.append(len(part.rings))
            counts.extend(len(ring) for ring in part.rings)
        head = struct.pack(f"<{len(counts)}I", *counts)
        rings = (ring for part in self.parts for ring in part.rings)
        return head + b"".join([ring.astype("<f8", copy=False).tobytes() for ring in rings])

    @classmethod
    def from_bytes(cls, data: bytes) -> "Shape":
        """Return the shape that `to_bytes` wrote. Raises ValueError for anything else."""
        try:
            return cls._parse(data)
        except (struct.error, IndexError) as error:
            raise ValueError("the stored outline is cut short") from error

    @classmethod
    def _parse(cls, data: bytes) -> "Shape":
        (part_count,) = struct.unpack_from("<I", data, 0)
        at = 4
        lengths: list[tuple[int, ...]] = []
        for _ in range(part_count):
            (ring_count,) = struct.unpack_from("<I", data, at)
            lengths.append(struct.unpack_from(f"<{ring_count}I", data, at + 4))
            at += 4 + 4 * ring_count
        parts = []
        for ring_lengths in lengths:
            rings = []
            for length in ring_lengths:
                values: NDArray[Any] = np.frombuffer(data, "<f8", 2 * length, at)
                rings.append(values.reshape(-1, 2))
                at += 16 * length
            parts.append(Polygon(rings[0], rings[1:]))
        return cls(parts)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Shape):
            return NotImplemented
        return self is other or self.parts == other.parts

    def __hash__(self) -> int:
        return hash(self.parts)

    def __repr__(self) -> str:
        return f"Shape({len(self.parts)} parts, {self.vertex_count} vertices)"
