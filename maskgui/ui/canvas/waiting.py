"""Outlines that are drawn and wait, each on its image, for their category."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from maskgui.core.shape import Shape
from maskgui.tools.commit import added

if TYPE_CHECKING:
    from maskgui.ui.canvas.canvas import Canvas


class Waiting:
    """One outline an image, the last drawn; `Canvas.category_needed` asks for its category."""

    def __init__(self, canvas: "Canvas") -> None:
        self._canvas = canvas
        self._outlines: dict[int, Shape] = {}

    @property
    def outlines(self) -> dict[int, Shape]:
        """All that wait, by image id."""
        return dict(self._outlines)

    def recall(self, outlines: Mapping[int, Shape]) -> None:
        """Forget what waits and take these outlines instead: ids are another project's now."""
        self._outlines = dict(outlines)

    def here(self) -> Shape | None:
        """Return the outline that waits on the image shown."""
        return self._outlines.get(self._canvas.scene.image_id or -1)

    def add(self, shape: Shape) -> None:
        """Let an outline wait on the image shown."""
        if self._canvas.scene.image_id is not None:
            self._outlines[self._canvas.scene.image_id] = shape
            self.ask()

    def ask(self) -> None:
        """Ask for the category of what waits on the image shown."""
        shape = self.here()
        if shape is not None:
            self._canvas.category_needed.emit(shape)

    def give(self, category_id: int) -> None:
        """Add the outline that waits on the image shown to that category."""
        shape = self._outlines.pop(self._canvas.scene.image_id or -1, None)
        if shape is not None:
            edit, instance = added(shape, category_id, self._canvas.scene)
            self._canvas.edit_requested.emit(edit)
            self._canvas.selection.set({instance.id})
        self._canvas.update()

    def drop(self) -> None:
        """Forget the outline that waits on the image shown."""
        self._outlines.pop(self._canvas.scene.image_id or -1, None)
        self._canvas.update()
