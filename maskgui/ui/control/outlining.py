"""Outlines of detections for the window: at once where that is quick, else on the helper thread."""

import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

from maskgui.core.detections import Detections
from maskgui.core.shape import Shape
from maskgui.maskrcnn import vectorize
from maskgui.ui.threads import Background

AT_ONCE_S = 0.008
"""What a frame can spare: most images need less, hundreds of shattered masks need seconds."""


class Cut(NamedTuple):
    """Where the soft masks of an image's detections are cut; `size` is (height, width)."""

    detections: Detections
    threshold: float
    size: tuple[int, int]

    def outline(self, index: int) -> Shape:
        """Return a detection's outline; empty where nothing reaches the threshold."""
        return vectorize.shapes(self.detections, [index], self.threshold, image_size=self.size)[0]


class Outliner:
    """Keeps the outlines of the newest cut. Used by the main thread."""

    def __init__(self, background: Background, failed: Callable[[str], object]) -> None:
        self._background = background
        self._failed = failed
        self._turn = 0
        self._key: tuple[int, float, tuple[int, int]] | None = None
        self._known: dict[int, Shape] = {}

    def shape_of(self, cut: Cut) -> Callable[[int], Shape]:
        """Return the function from a detection's index to its outline; what is missing is made."""
        known = self._known_of(cut)

        def outline(index: int) -> Shape:
            if index not in known:
                known[index] = cut.outline(index)
            return known[index]

        return outline

    def prepare(
        self, cut: Cut, indices: Iterable[int], then: Callable[[], object], *, certain: bool = False
    ) -> None:
        """Make outlines and call `then` when `shape_of` has them, in this call where it can be.

        A later call makes an earlier one void, unless that was `certain`.
        """
        self.drop()
        turn, known = self._turn, self._known_of(cut)
        waiting = [index for index in indices if index not in known]
        until = time.perf_counter() + AT_ONCE_S
        while waiting and time.perf_counter() < until:
            known[waiting[0]] = cut.outline(waiting[0])
            waiting.pop(0)
        if not waiting:
            then()
            return

        def void() -> bool:
            return self._background.closing or not (certain or turn == self._turn)

        def work() -> dict[int, Shape]:
            made: dict[int, Shape] = {}
            for index in waiting:
                if void():
                    break
                made[index] = cut.outline(index)
            return made

        def done(made: dict[int, Shape]) -> None:
            self._known_of(cut).update(made)
            if not void():
                then()

        self._background.run(work, done, self._failed)

    def drop(self) -> None:
        """What was asked for last, and is not certain, is not wanted any more."""
        self._turn += 1

    def _known_of(self, cut: Cut) -> dict[int, Shape]:
        key = (cut.detections.run, cut.threshold, cut.size)
        if key != self._key:
            self._key, self._known = key, {}
        return self._known
