"""The column of tools at the left: one button a group, the others of it in a flyout."""

from collections.abc import Sequence

from PySide6.QtCore import QPoint, QPointF, QSize, Qt, QTimer
from PySide6.QtGui import (
    QActionGroup,
    QColor,
    QContextMenuEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPolygonF,
    QResizeEvent,
)
from PySide6.QtWidgets import QMenu, QToolButton, QVBoxLayout, QWidget

from maskgui.ui.actions import COMBINING, TOOL_ACTIONS, ActionSet
from maskgui.ui.options import Options
from maskgui.ui.panels.common import action_button, rule
from maskgui.ui.theme import ICON_PX, Theme

WIDTH = 48
LARGE, SMALL = 36, 26
"""Logical pixels of a button's side: as large as all of them fit the height."""
GAP = 4
GROUPS: dict[str, tuple[str, ...]] = {
    "pointing": ("select",),
    "outlines": ("vertex", "reroute", "transform", "simplify"),
    "drawing": ("polygon", "scissors", "freehand"),
    "figures": ("rectangle", "ellipse"),
    "painting": ("brush", "eraser"),
    "cutting": ("lasso_add", "lasso_subtract", "slice", "punch"),
    "image": ("wand", "refine"),
}
"""The tools by group. The first of each has the button until another was used."""
COMBINE_ICON = "intersect"
EDITS = ("duplicate", "delete")
VIEW_ACTIONS = ("fit", "toggle_labels", "toggle_film", "toggle_side")
HOLD_MS = 350
MARK = 4.0
"""Logical pixels: sides of the corner that says there is more."""


class FlyoutButton(QToolButton):
    """A button with a menu beside it: held, clicked with the right, or clicked once more."""

    def __init__(self, menu: QMenu, *, own_click: bool) -> None:
        """`own_click`: a plain click has a meaning of its own, and does not open the menu."""
        super().__init__()
        self._menu = menu
        self._own_click = own_click
        self._mark = QColor()
        self._hold = QTimer(self, singleShot=True, interval=HOLD_MS)
        self._hold.timeout.connect(self.open_menu)
        self._again = False  # it was checked when it was pressed
        self.setIconSize(QSize(ICON_PX, ICON_PX))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setObjectName("tool")

    @property
    def has_more(self) -> bool:
        """Whether the menu has something that the button has not."""
        return len(self._menu.actions()) > 1

    def set_theme(self, theme: Theme) -> None:
        """Tint the corner."""
        self._mark = QColor(theme.dim)
        self.update()

    def open_menu(self) -> None:
        """Show the menu at the button's right."""
        self._hold.stop()
        self.setDown(False)
        if self.has_more:
            self._menu.popup(self.mapToGlobal(QPoint(self.width() + GAP, 0)))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Wait whether it is held."""
        self._again = self.isChecked()
        if event.button() == Qt.MouseButton.LeftButton and self.has_more:
            self._hold.start()
        super().mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Click, or open the menu where a click would change nothing."""
        self._hold.stop()
        opens = self._again if self._own_click else True
        inside = self.rect().contains(event.position().toPoint())
        if opens and self.has_more and self.isDown() and inside and self.isEnabled():
            self.open_menu()
        else:
            super().mouseReleaseEvent(event)

    def keyPressEvent(self, event) -> None:
        """Open the menu by the arrow at the keyboard."""
        if event.key() == Qt.Key.Key_Right or (
            not self._own_click and event.key() in (Qt.Key.Key_Space, Qt.Key.Key_Return)
        ):
            self.open_menu()
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Open the menu by the right button."""
        self.open_menu()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Mark the corner of a button that has more."""
        super().paintEvent(event)
        if not self.has_more:
            return
        x, y = self.width() - 4.0, self.height() - 4.0
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._mark)
        painter.drawPolygon(QPolygonF([QPointF(x, y - MARK), QPointF(x, y), QPointF(x - MARK, y)]))


class ToolColumn(QWidget):
    """48 px: the tools above, how the image is seen below."""

    def __init__(self, actions: ActionSet, options: Options, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("toolcolumn")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedWidth(WIDTH)
        self._actions = actions
        self._options = options
        self._names = {tool: name for name, tool in TOOL_ACTIONS.items()}
        exclusive = QActionGroup(self)
        for name in TOOL_ACTIONS:
            exclusive.addAction(actions[name])
        self.groups = {name: self._group(name, tools) for name, tools in GROUPS.items()}
        self.combine = self._combine()
        self._lay_out()
        self.set_theme(theme)

    def _group(self, name: str, tools: Sequence[str]) -> FlyoutButton:
        button = FlyoutButton(self._menu(self._names[tool] for tool in tools), own_click=True)
        last = self._options.text(f"group {name}")
        self._put(button, last if last in tools else tools[0])
        return button

    def _combine(self) -> FlyoutButton:
        """The commands on whole instances: nothing of them is ever in hand."""
        button = FlyoutButton(self._menu(spec.name for spec in COMBINING), own_click=False)
        button.setToolTip("Combine instances: join, split, subtract …")
        button.setAccessibleName("Combine instances")
        self._actions["tool_select"].changed.connect(
            lambda: button.setEnabled(self._actions["tool_select"].isEnabled())
        )
        return button

    def _menu(self, names) -> QMenu:
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        for name in names:
            action = self._actions[name]
            action.setShortcutVisibleInContextMenu(True)
            menu.addAction(action)
        return menu

    def _put(self, button: FlyoutButton, tool: str) -> None:
        action = self._actions[self._names[tool]]
        button.setDefaultAction(action)
        button.setAccessibleName(action.text())

    def _lay_out(self) -> None:
        self._column = column = QVBoxLayout(self)
        column.setContentsMargins(6, 8, 6, 8)
        column.setSpacing(GAP)
        column.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._buttons: list[QToolButton] = [*self.groups.values(), self.combine]
        tools = len(self._buttons)
        self._buttons += [action_button(self._actions[name], "tool", LARGE) for name in EDITS]
        edits = len(self._buttons)
        self._buttons += [
            action_button(self._actions[name], "toggle", LARGE) for name in VIEW_ACTIONS
        ]
        for place, button in enumerate(self._buttons):
            if place == tools:
                column.addWidget(rule())
            if place == edits:
                column.addStretch(1)
            column.addWidget(button, 0, Qt.AlignmentFlag.AlignHCenter)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Make the buttons as large as all of them fit."""
        super().resizeEvent(event)
        count = len(self._buttons)
        room = event.size().height() - 16 - 1 - GAP * (count + 1)
        side = min(max(room // count, SMALL), LARGE)
        for button in self._buttons:
            button.setFixedSize(side, side)

    def set_theme(self, theme: Theme) -> None:
        """Tint what carries a colour of its own."""
        for button in (*self.groups.values(), self.combine):
            button.set_theme(theme)
        self.combine.setIcon(self._actions[COMBINE_ICON].icon())

    def show_tool(self, tool: str) -> None:
        """Mark the tool that is in hand; its group's button is its from now on."""
        self._actions[self._names[tool]].setChecked(True)
        for name, tools in GROUPS.items():
            if tool in tools:
                self._put(self.groups[name], tool)
                self.setFocusProxy(self.groups[name])
                self._options.set_text(f"group {name}", tool)
