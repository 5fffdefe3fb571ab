"""The main window: look.md's layout around the canvas, remembered from run to run."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QMoveEvent, QResizeEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QMainWindow,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from maskgui.ui import icons
from maskgui.ui.actions import ActionSet
from maskgui.ui.canvas import Canvas
from maskgui.ui.names import one_line
from maskgui.ui.options import Options
from maskgui.ui.panels.filmstrip import Filmstrip
from maskgui.ui.panels.optionsbar import OptionsBar
from maskgui.ui.panels.sidepanel import SidePanel
from maskgui.ui.panels.statusbar import StatusBar
from maskgui.ui.panels.toolcolumn import ToolColumn
from maskgui.ui.panels.topbar import TopBar
from maskgui.ui.panels.welcome import Page, WelcomePage, page_button
from maskgui.ui.regions import Region, Regions
from maskgui.ui.theme import ThemeSwitch
from maskgui.ui.toasts import Toasts

TITLE = "MaskGUI"

REMEMBER_MS = 1000
"""How long a layout stands before it is remembered; a process may end without closing."""

FIRST_SIZE = QSize(1440, 900)
FRAME = QSize(16, 48)
"""What a system's frame and title may take around the window; it is known only once shown."""


class MainWindow(QMainWindow):
    """Holds the parts and their places; what they do is the controllers' business."""

    dropped = Signal(object)  # list of Path

    def __init__(self, canvas: Canvas, options: Options, themes: ThemeSwitch) -> None:
        super().__init__()
        self.setWindowTitle(TITLE)
        self.setWindowIcon(icons.app_icon())
        self.setAcceptDrops(True)
        self.setMinimumSize(QSize(960, 600))
        self._options = options
        self.may_close: Callable[[], bool] = lambda: True
        self._remember_later = QTimer(self, singleShot=True, interval=REMEMBER_MS)
        self._remember_later.timeout.connect(self._remember)
        theme = themes.theme
        self.commands = actions = ActionSet(self, theme)
        self.canvas = canvas
        self.topbar = TopBar(actions, theme)
        self.tools = ToolColumn(actions, options, theme)
        self.side = SidePanel(actions, theme)
        self.film = Filmstrip(theme)
        self.status = StatusBar(actions, theme)
        self.welcome = WelcomePage(actions)
        self.empty = Page(
            "folder-open",
            (page_button(actions["rescan"], "primary"), page_button(actions["open_folder"])),
        )
        self.stage = QStackedWidget()
        for page in (self.welcome, self.empty, canvas):
            self.stage.addWidget(page)
        self.options_bar = OptionsBar(self.stage, theme)
        self.left = QWidget()  # tools, stage and strip: all but the side panel
        actions.attach(canvas, self.side.instances.tree)
        canvas.setAccessibleName("Canvas")
        self._lay_out()
        self.toasts = Toasts(self.left, self.stage, theme)
        self.regions = Regions(canvas, self._regions(), theme)
        actions.bind("next_region", lambda: self.regions.step(1))
        actions.bind("previous_region", lambda: self.regions.step(-1))
        self._restore()
        for splitter in (self.splitter, self.side.splitter):
            splitter.splitterMoved.connect(lambda *_: self._remember_later.start())
        for section in (self.side.instances, self.side.categories):
            section.folded.connect(lambda _: self._remember_later.start())
        themes.listen(self._set_theme)
        self.show_page(self.welcome)
        self.setFocus()

    def _lay_out(self) -> None:
        upper = QHBoxLayout()
        upper.setSpacing(0)
        upper.addWidget(self.tools)
        upper.addWidget(self.stage, 1)
        column = QVBoxLayout(self.left)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(upper, 1)
        column.addWidget(self.film)
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.addWidget(self.left)
        self.splitter.addWidget(self.side)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.setStretchFactor(0, 1)
        self.splitter.setStretchFactor(1, 0)
        self.splitter.setHandleWidth(1)
        central = QWidget()
        central.setObjectName("central")
        whole = QVBoxLayout(central)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self.topbar)
        whole.addWidget(self.splitter, 1)
        whole.addWidget(self.status)
        self.setCentralWidget(central)

    def _set_theme(self, theme) -> None:
        self.commands.set_theme(theme)
        for part in (
            self.topbar,
            self.tools,
            self.options_bar,
            self.side,
            self.film,
            self.status,
            self.welcome,
            self.empty,
            self.toasts,
            self.regions,
        ):
            part.set_theme(theme)

    def _regions(self) -> tuple[Region, ...]:
        side = self.side
        return (
            Region("Image", self.stage, self.canvas),
            Region("Options", self.options_bar, self.options_bar, leaves_by_itself=True),
            Region("Instances", side.upper, side.instances.tree),
            Region("Categories", side.categories, side.categories.list),
            Region("Filmstrip", self.film, self.film.view),
            Region("Top bar", self.topbar, self.topbar.project),
            Region("Tools", self.tools, self.tools),
        )

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Show where Tab came to."""
        moved = super().focusNextPrevChild(forward)
        self.regions.show_focus()
        return moved

    # ---- what is seen

    def show_page(self, page: QWidget) -> None:
        """Put the canvas, the welcome or the page of an empty folder in the middle."""
        self.stage.setCurrentWidget(page)
        working = page is not self.welcome
        for part, name in ((self.side, "side"), (self.film, "film")):
            part.setVisible(working and self._options.shown(name))
        self.tools.setVisible(working)
        self.tools.setEnabled(page is self.canvas)

    @property
    def is_welcome(self) -> bool:
        """Whether nothing is open."""
        return self.stage.currentWidget() is self.welcome

    def show_panel(self, name: str, shown: bool) -> None:
        """Show or collapse the panel "side" or "film", and remember it."""
        self._options.set_shown(name, shown)
        page = self.stage.currentWidget()
        if page is not None:
            self.show_page(page)

    def show_title(self, project: str) -> None:
        """Name the project in the title and at the top left."""
        project = one_line(project)
        self.setWindowTitle(f"{project} – {TITLE}" if project else TITLE)
        self.topbar.set_project(project)

    # ---- layout remembered

    def _restore(self) -> None:
        geometry = self._options.layout("window")
        if geometry is None or not self.restoreGeometry(geometry):
            self.resize(first_size(self.screen().availableGeometry().size()))
        for name, splitter in self._splitters():
            state = self._options.layout(name)
            if state is not None:
                splitter.restoreState(state)
        if self._options.layout("columns") is None:
            self.splitter.setSizes(
                [self.width() - self.side.sizeHint().width(), self.side.sizeHint().width()]
            )
        self.side.instances.fold(not self._options.shown("instances"))
        self.side.categories.fold(not self._options.shown("categories"))

    def _splitters(self):
        return (("columns", self.splitter), ("side", self.side.splitter))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Remember the size once it stands."""
        super().resizeEvent(event)
        self._remember_later.start()

    def moveEvent(self, event: QMoveEvent) -> None:
        """Remember the place once it stands."""
        super().moveEvent(event)
        self._remember_later.start()

    def _remember(self) -> None:
        self._options.set_layout("window", self.saveGeometry())
        if not self.is_welcome:
            for name, splitter in self._splitters():
                self._options.set_layout(name, splitter.saveState())
        self._options.set_shown("instances", not self.side.instances.is_folded)
        self._options.set_shown("categories", not self.side.categories.is_folded)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Close when the controllers agree; the layout is kept."""
        if not self.may_close():
            event.ignore()
            return
        self._remember_later.stop()
        self._remember()
        self._options.sync()
        event.accept()

    # ---- files dropped

    def dragEnterEvent(self, event) -> None:
        """Accept files."""
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            self._hot(True)
            event.acceptProposedAction()

    def dragLeaveEvent(self, event) -> None:
        """The files went elsewhere."""
        self._hot(False)

    def dropEvent(self, event) -> None:
        """Pass on what was dropped."""
        self._hot(False)
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        event.acceptProposedAction()
        self.dropped.emit(paths)

    def _hot(self, hot: bool) -> None:
        for page in (self.welcome, self.empty):
            page.set_hot(hot)


def first_size(screen: QSize) -> QSize:
    """Return the size of the first window on a screen with this room; its frame fits as well."""
    return FIRST_SIZE.boundedTo(screen - FRAME)
