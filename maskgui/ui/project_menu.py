"""The project menu: files, recent projects, the project, help. On macOS also the menu bar."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtWidgets import QMenu

from maskgui.ui.control.desk import Desk
from maskgui.ui.names import menu_text

OPENING = ("open_folder", "open_files", "open_project")
PROJECT = ("import_coco", "export", "save")
UPKEEP = ("rescan", "locate_folder", "remove_image", "close_project")
HELPING = ("settings", "keys", "about")


class ProjectMenu:
    """Fills the menu at the top left; recent projects are looked up when it opens."""

    def __init__(self, desk: Desk, open_paths: Callable[[Sequence[Path]], None]) -> None:
        self._desk = desk
        self._open_paths = open_paths
        menu = desk.window.topbar.project_menu
        self._recent = QMenu("Recent projects", menu)
        self._recent.aboutToShow.connect(self._fill_recent)
        menu.aboutToShow.connect(self._has_recent)
        self._add(menu, OPENING)
        menu.addMenu(self._recent)
        for names in (PROJECT, UPKEEP, HELPING, ("quit",)):
            menu.addSeparator()
            self._add(menu, names)
        if sys.platform == "darwin":
            bar = desk.window.menuBar().addMenu("Project")
            for action in menu.actions():
                bar.addAction(action)

    def _add(self, menu: QMenu, names: Sequence[str]) -> None:
        for name in names:
            menu.addAction(self._desk.commands[name])

    def _has_recent(self) -> None:
        self._recent.setEnabled(bool(self._desk.options.recent()))

    def _fill_recent(self) -> None:
        self._recent.clear()
        for path in self._desk.options.recent():
            action = self._recent.addAction(menu_text(path.stem))
            action.setToolTip(str(path))
            action.triggered.connect(lambda _=False, path=path: self._open_paths([path]))
        self._recent.setToolTipsVisible(True)
