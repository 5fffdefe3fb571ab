"""The right panel: instances, sliders, categories; told apart by a line each."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QSplitter, QVBoxLayout, QWidget

from maskgui.ui.actions import ActionSet
from maskgui.ui.panels.categories import CategoryPanel
from maskgui.ui.panels.common import rule
from maskgui.ui.panels.instances import InstancePanel
from maskgui.ui.panels.section import HEAD
from maskgui.ui.panels.sliders import Sliders
from maskgui.ui.theme import Theme

WIDTH = 272
LEAST = 216


class SidePanel(QWidget):
    """Instances above, categories below; the line between them can be dragged."""

    def __init__(self, actions: ActionSet, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("sidepanel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setMinimumWidth(LEAST)
        self.instances = InstancePanel(actions, theme)
        self.sliders = Sliders()
        self.categories = CategoryPanel(theme)
        self.upper = QWidget()
        column = QVBoxLayout(self.upper)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.instances, 1)
        column.addWidget(rule())
        column.addWidget(self.sliders)
        self.splitter = QSplitter(Qt.Orientation.Vertical)
        self.splitter.addWidget(self.upper)
        self.splitter.addWidget(self.categories)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.setSizes([560, 240])
        self.splitter.setStretchFactor(0, 3)
        self.splitter.setStretchFactor(1, 1)
        self.splitter.setHandleWidth(1)
        self.upper.setMinimumHeight(2 * HEAD + 60)
        self.categories.setMinimumHeight(HEAD)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(1, 0, 0, 0)
        whole.addWidget(self.splitter)

    def sizeHint(self) -> QSize:
        """Ask for the usual width."""
        return QSize(WIDTH, 600)

    def set_theme(self, theme: Theme) -> None:
        """Draw in the theme's colours."""
        self.instances.set_theme(theme)
        self.categories.set_theme(theme)
