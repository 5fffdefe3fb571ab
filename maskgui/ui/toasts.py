"""Sentences that slide in at the bottom and go away by themselves; nothing is modal."""

import re
from collections.abc import Callable

from PySide6.QtCore import QEasingCurve, QEvent, QObject, QPoint, QPropertyAnimation, Qt, QTimer
from PySide6.QtGui import QEnterEvent, QMouseEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QWidget

from maskgui.ui import icons
from maskgui.ui.names import one_line
from maskgui.ui.theme import Theme

SHORT_MS = 5000
LONG_MS = 15000
SLIDE_MS = 160
MARGIN = 16
"""Logical pixels between a toast and the sides."""
BELOW = 8
"""Logical pixels below a toast."""
MAX_WIDTH = 560
MAX_TOASTS = 3

_FIGURES = re.compile(r"\d[\d.,]*")


class Toast(QFrame):
    """One sentence, perhaps with a button. A click closes it; under the pointer it stays."""

    def __init__(
        self,
        parent: QWidget,
        room: int,
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
        if problem:  # to be copied, and looked up
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
            width = min(MAX_WIDTH, max(240, room - 2 * MARGIN))
            self.setFixedSize(width, row.totalHeightForWidth(width))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setAccessibleName(text)
        self._time = QTimer(
            self, singleShot=True, interval=LONG_MS if problem or action else SHORT_MS
        )
        self._time.timeout.connect(self.close)
        self._time.start()

    def enterEvent(self, event: QEnterEvent) -> None:
        """Stay while it is read, or its button aimed at."""
        self._time.stop()
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        """Go soon."""
        self._time.start(SHORT_MS)
        super().leaveEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Keep the release from what lies below."""
        event.accept()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Go at once."""
        self.close()


class Toasts(QObject):
    """The pile of toasts at the bottom of a widget, the newest lowest.

    `stage` is the part of it that they are in the middle of; what lies below the stage is covered
    rather than the stage itself.
    """

    def __init__(self, host: QWidget, stage: QWidget, theme: Theme) -> None:
        super().__init__(host)
        self._host = host
        self._stage = stage
        self._theme = theme
        self._pile: list[Toast] = []
        self.still = False
        host.installEventFilter(self)
        stage.installEventFilter(self)

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
        text = one_line(text)  # it may name a file
        times = 1 + max((old.times for old in self._pile if old.text == text), default=0)
        for old in [one for one in self._pile if _replaces(text, problem, one)]:
            old.close()
        while len(self._pile) >= MAX_TOASTS:
            next((one for one in self._pile if not one.problem), self._pile[0]).close()
        toast = Toast(
            self._host,
            self._stage.width(),
            text,
            self._theme,
            action,
            problem,
            times if problem else 1,
        )
        toast.installEventFilter(self)
        self._pile.append(toast)
        toast.adjustSize()
        toast.show()
        toast.raise_()
        self._place(arriving=toast)

    def drop(self, text: str) -> None:
        """Take back a sentence that does not hold any more."""
        for old in [toast for toast in self._pile if toast.text == one_line(text)]:
            old.close()

    def clear(self) -> None:
        """Close them all."""
        for toast in list(self._pile):
            toast.close()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay at the bottom when something is resized; leave the pile when a toast closes."""
        if watched in (self._host, self._stage) and event.type() == QEvent.Type.Resize:
            self._place()
        elif event.type() == QEvent.Type.Close and watched in self._pile:
            self._pile.remove(watched)
            self._place()
        return False

    def _place(self, arriving: Toast | None = None) -> None:
        bottom = self._host.height() - BELOW
        middle = self._stage.mapTo(self._host, self._stage.rect().center()).x()
        for toast in reversed(self._pile):
            bottom -= toast.height()
            target = QPoint(middle - toast.width() // 2, bottom)
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
