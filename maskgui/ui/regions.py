"""The way round the window by keyboard: F6 from part to part, Esc back to the canvas."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, QRectF, Qt
from PySide6.QtGui import QColor, QKeySequence, QPainter, QPaintEvent, QPen, QShortcut
from PySide6.QtWidgets import QAbstractScrollArea, QApplication, QWidget

from maskgui.ui.theme import Theme

RING = 2.0
"""Logical pixels of the line around what has the keyboard."""


@dataclass(frozen=True)
class Region:
    """A part of the window, and the widget in it that the keyboard comes to first."""

    name: str
    root: QWidget
    first: QWidget
    leaves_by_itself: bool = False  # Esc has a meaning of its own there

    def entry(self) -> QWidget | None:
        """Return what can take the keyboard now, None for nothing."""
        if not self.root.isVisible():
            return None
        first = self.first.focusProxy() or self.first
        if _takes_tab(first):
            return first
        others = filter(_takes_tab, self.root.findChildren(QWidget))
        return min(others, key=self._place, default=None)

    def _place(self, widget: QWidget) -> tuple[int, int]:
        middle = widget.mapTo(self.root, widget.rect().center())
        return middle.y(), middle.x()

    def holds(self, widget: QWidget | None) -> bool:
        """Whether a widget is in this part."""
        return widget is not None and (widget is self.root or self.root.isAncestorOf(widget))


def _takes_tab(widget: QWidget) -> bool:
    reachable = widget.focusPolicy() & Qt.FocusPolicy.TabFocus
    return bool(reachable) and widget.isVisible() and widget.isEnabled()


class FocusRing(QWidget):
    """A line around a list or the canvas that the keyboard came to; a press of the mouse ends it.

    Buttons and fields show by their style that they have the keyboard.
    """

    def __init__(self, canvas: QWidget, theme: Theme) -> None:
        super().__init__(canvas)
        self._canvas = canvas
        self._watched: tuple[QWidget, ...] = (canvas,)
        self._color = QColor(theme.accent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def set_theme(self, theme: Theme) -> None:
        """Draw in the theme's colours."""
        self._color = QColor(theme.accent)
        self.update()

    def follow(self, widget: QWidget | None) -> None:
        """Lie around a widget that shows no focus itself, or nowhere."""
        self.leave()
        if isinstance(widget, QAbstractScrollArea):
            self._watched = (widget, widget.viewport())  # the pointer's events come to the latter
        elif widget is not None and widget is self._canvas:
            self._watched = (widget,)
        else:
            return
        self.setParent(widget)
        self.setGeometry(widget.rect())
        for one in self._watched:
            one.installEventFilter(self)
        self.raise_()
        self.show()

    def leave(self) -> None:
        """Lie nowhere."""
        if self.isHidden():
            return
        self.hide()
        for one in self._watched:
            one.removeEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Go with the widget's size; end with its focus, a press, or a key on the canvas."""
        kind = event.type()
        if kind == QEvent.Type.Resize:
            self.setGeometry(self._watched[0].rect())
        elif kind in (QEvent.Type.FocusOut, QEvent.Type.MouseButtonPress) or (
            kind == QEvent.Type.ShortcutOverride and watched is self._canvas
        ):
            self.leave()
        return False

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the line just inside."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self._color, RING))
        inside = RING / 2
        painter.drawRoundedRect(
            QRectF(self.rect()).adjusted(inside, inside, -inside, -inside), 3, 3
        )
        painter.end()


class Regions(QObject):
    """Leads the keyboard from part to part of a window, and back to the canvas."""

    def __init__(self, canvas: QWidget, regions: Sequence[Region], theme: Theme) -> None:
        """The first region holds the canvas, or what stands in its place."""
        super().__init__(canvas)
        self._canvas = canvas
        self._regions = regions
        self.ring = FocusRing(canvas, theme)
        for region in regions:
            region.root.setAccessibleName(region.name)
            if not (region.leaves_by_itself or region.root.isAncestorOf(canvas)):
                back = QShortcut(QKeySequence(Qt.Key.Key_Escape), region.root)
                back.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
                back.activated.connect(self.back)

    def set_theme(self, theme: Theme) -> None:
        """Draw in the theme's colours."""
        self.ring.set_theme(theme)

    def step(self, by: int) -> None:
        """Go to the next part (1) or the one before (-1); hidden and disabled ones are left out."""
        entries = [(region, entry) for region in self._regions if (entry := region.entry())]
        if not entries:
            return
        now = QApplication.focusWidget()
        # The options lie in the image's part and come after it.
        holding = [n for n, (region, _) in enumerate(entries) if region.holds(now)]
        at = holding[-1] if holding else -1 if by > 0 else 0
        self._go(entries[(at + by) % len(entries)][1])

    def back(self) -> None:
        """Return to the canvas, where there is one."""
        entry = self._regions[0].entry()
        if entry is not None:
            self._go(entry)

    def _go(self, widget: QWidget) -> None:
        widget.setFocus(Qt.FocusReason.TabFocusReason)
        self.show_focus()

    def show_focus(self) -> None:
        """Show what the keyboard came to."""
        self.ring.follow(QApplication.focusWidget())
