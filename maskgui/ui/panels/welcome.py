"""What stands in the canvas' place when there is nothing to show on it."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QFontMetrics
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from maskgui.ui import icons
from maskgui.ui.actions import ActionSet
from maskgui.ui.names import one_line
from maskgui.ui.panels.common import ElidedLabel
from maskgui.ui.theme import Theme, text_font

AREA_WIDTH = 560
AREA_LEAST = 480
SYMBOL = 44
SHOWN_RECENT = 5
LINK_PADDING = 4  # the style sheet's


def page_button(action: QAction, name: str = "") -> QPushButton:
    """Return a push button that does what an action does."""
    button = QPushButton(action.text().removesuffix("…"))
    button.setObjectName(name)
    button.setToolTip(action.toolTip())
    button.clicked.connect(action.trigger)
    return button


class Page(QWidget):
    """A drop area in the middle of the surround: symbol, title, words, buttons."""

    def __init__(self, symbol: str, buttons: Sequence[QPushButton]) -> None:
        super().__init__()
        self.setObjectName("surround")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._symbol_name = symbol
        self.area = QFrame()
        self.area.setObjectName("droparea")
        self.area.setMaximumWidth(AREA_WIDTH)
        self._symbol = QLabel(alignment=Qt.AlignmentFlag.AlignCenter)
        self._title = QLabel(alignment=Qt.AlignmentFlag.AlignCenter)
        self._title.setObjectName("surroundtitle")
        self._title.setWordWrap(True)
        self._words = QLabel(alignment=Qt.AlignmentFlag.AlignCenter)
        self._words.setObjectName("surroundtext")
        self._words.setWordWrap(True)
        column = QVBoxLayout(self.area)
        column.setContentsMargins(40, 40, 40, 40)
        column.setSpacing(8)
        column.addWidget(self._symbol)
        column.addSpacing(8)
        column.addWidget(self._title)
        column.addWidget(self._words)
        column.addSpacing(16)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addStretch(1)
        self._buttons = buttons
        for button in buttons:
            row.addWidget(button)
        row.addStretch(1)
        column.addLayout(row)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(32, 32, 32, 32)
        self.column.addStretch(2)
        self.column.addWidget(self.area, 0, Qt.AlignmentFlag.AlignHCenter)
        self.column.addStretch(3)
        self.area.setMinimumWidth(AREA_LEAST)

    def say(self, title: str, words: str, *, offers: bool = True) -> None:
        """Set the title and the words below it, and whether the buttons offer what to do."""
        self._title.setText(title)
        self._words.setText(words)
        for button in self._buttons:
            button.setVisible(offers)

    def set_theme(self, theme: Theme) -> None:
        """Tint the symbol."""
        ratio = self.devicePixelRatioF()
        self._symbol.setPixmap(icons.pixmap(self._symbol_name, theme.surround_dim, SYMBOL, ratio))

    def set_hot(self, hot: bool) -> None:
        """Show that what is dragged over the window may be dropped."""
        self.area.setProperty("hot", hot)
        self.area.style().unpolish(self.area)
        self.area.style().polish(self.area)


class WelcomePage(Page):
    """Nothing open: three buttons and the recent projects."""

    recent_chosen = Signal(object)  # Path

    def __init__(self, actions: ActionSet) -> None:
        buttons = (
            page_button(actions["open_folder"], "primary"),
            page_button(actions["open_project"]),
            page_button(actions["open_demo"]),
        )
        super().__init__("image-square", buttons)
        self.say(
            "Drop images here",
            "Or a folder, a COCO JSON or a project.\nFiles stay where they are.",
        )
        self._recent = QWidget()
        self._recent.setFixedWidth(AREA_LEAST)
        self._recent_column = QVBoxLayout(self._recent)
        self._recent_column.setContentsMargins(4, 24, 8, 0)
        self._recent_column.setSpacing(0)
        self.column.insertWidget(2, self._recent, 0, Qt.AlignmentFlag.AlignHCenter)

    def show_recent(self, paths: Sequence[Path]) -> None:
        """List the projects opened last."""
        while (item := self._recent_column.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        if paths:
            head = QLabel("Recent")
            head.setObjectName("surroundtext")
            head.setContentsMargins(LINK_PADDING, 0, 0, 4)
            self._recent_column.addWidget(head)
        for path in paths[:SHOWN_RECENT]:
            self._recent_column.addWidget(self._recent_row(path))

    def _recent_row(self, path: Path) -> QWidget:
        row = QWidget()
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 2, 0, 2)
        link = QPushButton()
        link.setObjectName("link")
        room = AREA_LEAST // 2 - 2 * LINK_PADDING
        metrics = QFontMetrics(text_font())
        link.setText(metrics.elidedText(one_line(path.stem), Qt.TextElideMode.ElideMiddle, room))
        link.setToolTip(str(path))
        link.clicked.connect(lambda: self.recent_chosen.emit(path))
        place = ElidedLabel(one_line(str(path.parent)))
        place.setObjectName("surroundtext")
        line.addWidget(link)
        line.addWidget(place, 1)
        return row
