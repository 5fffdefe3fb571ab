"""Joins window, session, loader and worker: the one place that knows all the parts."""

import logging
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication

from maskgui.imaging.loader import ImageLoader
from maskgui.ui.canvas import Canvas
from maskgui.ui.control.arranging import Arranging
from maskgui.ui.control.categories import Categories
from maskgui.ui.control.combining import Combining
from maskgui.ui.control.copying import Copying
from maskgui.ui.control.datasets import Datasets
from maskgui.ui.control.desk import Desk, ProjectContext
from maskgui.ui.control.drafting import Drafting
from maskgui.ui.control.editing import Editing, LockedIds
from maskgui.ui.control.evidence import Evidence
from maskgui.ui.control.files import Files
from maskgui.ui.control.help import Help
from maskgui.ui.control.mapping import CategoryMapping
from maskgui.ui.control.memory import Memory
from maskgui.ui.control.models import Models
from maskgui.ui.control.navigation import Navigation
from maskgui.ui.control.opening import Opening
from maskgui.ui.control.proposing import Proposing
from maskgui.ui.control.segmenting import Segmenting
from maskgui.ui.control.sifting import Sifting
from maskgui.ui.control.sizes import Sizes
from maskgui.ui.control.taking_back import TakingBack
from maskgui.ui.control.tooling import Tooling
from maskgui.ui.control.view import View
from maskgui.ui.jobs import Jobs
from maskgui.ui.options import Options
from maskgui.ui.project_menu import ProjectMenu
from maskgui.ui.selection import SelectionModel
from maskgui.ui.theme import ThemeSwitch
from maskgui.ui.window import MainWindow

log = logging.getLogger(__name__)

LOADER_SECONDS = 0.2


class Controller(QObject):
    """The running application: its parts are attributes, so that scripts and tests reach them."""

    def __init__(self, app: QApplication, themes: ThemeSwitch, options: Options) -> None:
        super().__init__(app)
        self.options = options
        self.themes = themes
        context = ProjectContext()
        selection = SelectionModel()
        self.canvas = Canvas(context, selection)
        self.window = MainWindow(self.canvas, options, themes)
        self.desk = Desk(self.window, options, selection, context)
        self.loader = ImageLoader(max_megapixels=float(options["megapixels"]))
        self.jobs = Jobs(self.desk.main)
        flags = LockedIds()
        self.categories = Categories(self.desk)
        self.navigation = Navigation(self.desk, self.loader)
        self.editing = Editing(self.desk, flags, self.categories.add_named)
        self.copying = Copying(self.desk)
        self.arranging = Arranging(self.desk, flags)
        self.combining = Combining(self.desk)
        self.sifting = Sifting(self.desk)
        self.tooling = Tooling(self.desk)
        self.view = View(self.desk, flags, themes)
        self.models = Models(self.desk, self.jobs)
        self.proposing = Proposing(self.desk, self.models)
        self.editing.choices.append(self.proposing)
        self.mapping = CategoryMapping(self.desk, self.jobs, self.models)
        taking_back = TakingBack(self.desk)
        self.segmenting = Segmenting(self.desk, self.jobs, self.models, self.mapping, taking_back)
        self.evidence = Evidence(self.desk)
        self.files = Files(self.desk, self.navigation)
        self.files.leaving.connect(self.proposing.land)
        self.drafting = Drafting(self.desk, self.files)
        self.sizes = Sizes(self.desk, self.navigation, self.files)
        self.opening = Opening(self.desk, self.navigation, self.files)
        self.datasets = Datasets(self.desk, self.jobs, self.files)
        self.opening.import_json = self.datasets.import_json
        self.help = Help(self.desk)
        self.memory = Memory(self.desk, self.loader)
        self.opening.prefer_model = self._prefer
        self.menu = ProjectMenu(self.desk, self.opening.open_paths)
        self.window.may_close = self._may_close
        options.changed.connect(self._option_changed)
        self._closed = False
        self.all_ended = False
        """Whether everything that ran beside the main thread has ended."""
        self.window.welcome.show_recent(options.recent())
        self.desk.opened.emit()
        self.desk.shown.emit()

    def start(self, paths: list[Path], model: str | None) -> None:
        """Open what the command line named."""
        if model is not None:
            self.models.wanted = model
            self.models.recall()
        if paths:
            self.opening.open_paths(paths)

    def _option_changed(self, name: str) -> None:
        if name == "megapixels":
            self.loader.set_limit(float(self.options[name]))
            self.files.reload_image()

    def _prefer(self, model: str) -> None:
        self.models.wanted = model

    def fault(self, text: str) -> None:
        """Say that something went wrong inside; the application lives on."""
        if not self._closed:
            self.desk.problem(text)

    def _may_close(self) -> bool:
        """Put the project away and end the threads; nothing waits for a stage under way."""
        if not self.files.close_project():
            return False
        self.close()
        return True

    def close(self) -> None:
        """End what runs beside the main thread, and the session where no window asked before."""
        if self._closed:
            return
        self._closed = True
        ended = self.jobs.close()  # before the session: an import takes back what has come in
        self.files.abandon()
        self.desk.main.close()
        self.all_ended = self.sizes.close() and ended
        self.loader.close(LOADER_SECONDS)
        self.desk.background.close()
        self.canvas.close_threads()
        self.window.toasts.clear()
