"""Sentences that slide in over the canvas and go away by themselves; nothing is modal."""

import re
from collections.abc import Callable

from PySide6.QtCore import QEasingCurve, QEvent, QObject, QPoint, QPropertyAnimation, Qt, QTimer
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QWidget

from maskgui.ui import icons
from maskgui.ui.theme import Theme

SHORT_MS = 5000
LONG_MS = 15000
SLIDE_MS = 160
MARGIN = 16
MAX_WIDTH = 560
MAX_TOASTS = 3

_FIGURES = re.compile(r"\d[\d.,]*")


class Toast(QFrame):
    """One sentence, perhaps with a button."""

    def __init__(
        self,
        parent: QWidget,
        text: str,
        theme: Theme,
        action: tuple[str, Callable[[], object]] | None,
        problem: bool,
        times: int,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("toast")
        self.text = text
        self.problem = problem
        self.times = times
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 8, 8, 8)
        row.setSpacing(8)
        if problem:
            symbol = QLabel()
            symbol.setPixmap(icons.pixmap("warning", "#ff8080", ratio=self.devicePixelRatioF()))
            row.addWidget(symbol, 0, Qt.AlignmentFlag.AlignTop)
        label = QLabel(text if times == 1 else f"{text} ({times} times)")
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        row.addWidget(label, 1)
        if action is not None:
            button = QPushButton(action[0])
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.clicked.connect(lambda: (self.close(), action[1]()))
            row.addWidget(button)
        shut = QPushButton()
        shut.setFixedSize(26, 26)
        shut.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        shut.setToolTip("Close")
        shut.setAccessibleName("Close")
        shut.setIcon(icons.icon("x", theme, color=theme.on_toast))
        shut.clicked.connect(self.close)
        row.addWidget(shut, 0, Qt.AlignmentFlag.AlignTop)
        self.setMaximumWidth(MAX_WIDTH)
        label.setWordWrap(row.sizeHint().width() > MAX_WIDTH)
        if label.wordWrap():
            width = min(MAX_WIDTH, max(240, parent.width() - 2 * MARGIN))
            self.setFixedSize(width, row.totalHeightForWidth(width))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setAccessibleName(text)


class Toasts(QObject):
    """The pile of toasts at the bottom of a widget, the newest lowest."""

    def __init__(self, host: QWidget, theme: Theme) -> None:
        super().__init__(host)
        self._host = host
        self._theme = theme
        self._pile: list[Toast] = []
        self.still = False
        host.installEventFilter(self)

    def set_theme(self, theme: Theme) -> None:
        """Use a theme for the toasts to come."""
        self._theme = theme

    @property
    def texts(self) -> list[str]:
        """What is being said now, the newest last."""
        return [toast.text for toast in self._pile]

    def say(
        self,
        text: str,
        *,
        action: tuple[str, Callable[[], object]] | None = None,
        problem: bool = False,
    ) -> None:
        """Say a sentence; a problem stays longer.

        It takes the place of the same sentence, and counts how often a problem came; news takes
        the place of news that differs in its figures only.
        """
        times = 1 + max((old.times for old in self._pile if old.text == text), default=0)
        for old in [one for one in self._pile if _replaces(text, problem, one)]:
            old.close()
        while len(self._pile) >= MAX_TOASTS:
            next((one for one in self._pile if not one.problem), self._pile[0]).close()
        toast = Toast(self._host, text, self._theme, action, problem, times if problem else 1)
        toast.installEventFilter(self)
        self._pile.append(toast)
        toast.adjustSize()
        toast.show()
        toast.raise_()
        self._place(arriving=toast)
        QTimer.singleShot(LONG_MS if problem or action else SHORT_MS, toast, toast.close)

    def drop(self, text: str) -> None:
        """Take back a sentence that does not hold any more."""
        for old in [toast for toast in self._pile if toast.text == text]:
            old.close()

    def clear(self) -> None:
        """Close them all."""
        for toast in list(self._pile):
            toast.close()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay at the bottom when the host is resized; leave the pile when a toast closes."""
        if watched is self._host and event.type() == QEvent.Type.Resize:
            self._place()
        elif event.type() == QEvent.Type.Close and watched in self._pile:
            self._pile.remove(watched)
            self._place()
        return False

    def _place(self, arriving: Toast | None = None) -> None:
        bottom = self._host.height() - MARGIN
        for toast in reversed(self._pile):
            bottom -= toast.height()
            target = QPoint((self._host.width() - toast.width()) // 2, bottom)
            if toast is arriving and not self.still:
                self._slide(toast, target)
            else:
                toast.move(target)
            bottom -= 8

    @staticmethod
    def _slide(toast: Toast, target: QPoint) -> None:
        motion = QPropertyAnimation(toast, b"pos", toast)
        motion.setDuration(SLIDE_MS)
        motion.setEasingCurve(QEasingCurve.Type.OutCubic)
        motion.setStartValue(target + QPoint(0, 24))
        motion.setEndValue(target)
        motion.start(QPropertyAnimation.DeletionPolicy.DeleteWhenStopped)


def _replaces(text: str, problem: bool, old: Toast) -> bool:
    if problem or old.problem:
        return text == old.text
    return _FIGURES.sub("0", text) == _FIGURES.sub("0", old.text)
