"""The options of the tool in hand: shown beside the canvas, and remembered from run to run."""

import contextlib

from PySide6.QtCore import QObject

from maskgui.tools.base import Key
from maskgui.ui.control.desk import Desk


class Tooling(QObject):
    """Keeps the options bar and the tool of one mind."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.desk = desk
        self._bar = desk.window.options_bar
        self._recall()
        canvas = desk.canvas
        canvas.options_changed.connect(self._remember)
        canvas.options_changed.connect(self._show)
        canvas.status_changed.connect(lambda _: self._show())
        desk.shown.connect(self._show)
        self._bar.changed.connect(self._set)
        self._bar.confirmed.connect(lambda: canvas.press_key(Key("enter")))
        self._bar.left.connect(canvas.setFocus)
        self._bar.placed.connect(canvas.set_covered)
        self._show()

    def _recall(self) -> None:
        """Give each tool what was set the last time."""
        for tool in self.desk.canvas.toolbox.tools:
            for option in tool.options():
                kept = self.desk.options.text(f"{tool.name} {option.name}")
                with contextlib.suppress(ValueError):  # none, or not a number
                    tool.set_option(option.name, float(kept))
            tool.cancel()

    def _remember(self) -> None:
        tool = self.desk.canvas.toolbox.active
        for option in tool.options():
            self.desk.options.set_text(f"{tool.name} {option.name}", f"{option.value:g}")

    def _set(self, name: str, value: float) -> None:
        self.desk.canvas.set_option(name, value)

    def _show(self) -> None:
        canvas = self.desk.canvas
        tool, scene = canvas.toolbox.active, canvas.scene
        works = scene.image_id is not None
        options = tool.options() if works else ()
        figures = tool.figures(scene) if options else ""
        self._bar.show_options(options, figures, tool.confirms)
