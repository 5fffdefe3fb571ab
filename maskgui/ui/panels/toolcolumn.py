"""The column of tools at the left."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QVBoxLayout, QWidget

from maskgui.ui.actions import TOOL_ACTIONS, ActionSet
from maskgui.ui.panels.common import action_button, rule

WIDTH = 48
SHOWN = tuple(f"tool_{name}" for name in ("select", "polygon", "rectangle", "vertex", "brush"))
"""The tools with a button of their own; the others have their keys."""
VIEW_ACTIONS = ("fit", "toggle_labels", "toggle_film", "toggle_side")


class ToolColumn(QWidget):
    """48 px: the tools above, how the image is seen below."""

    def __init__(self, actions: ActionSet) -> None:
        super().__init__()
        self.setObjectName("toolcolumn")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedWidth(WIDTH)
        self._actions = actions
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 8, 6, 8)
        column.setSpacing(4)
        group = QActionGroup(self)
        for name in TOOL_ACTIONS:
            group.addAction(actions[name])
        for name in SHOWN:
            column.addWidget(action_button(actions[name], "tool", 36))
        column.addSpacing(4)
        column.addWidget(rule())
        column.addSpacing(4)
        for name in ("duplicate", "delete"):
            column.addWidget(action_button(actions[name], "tool", 36))
        column.addStretch(1)
        for name in VIEW_ACTIONS:
            column.addWidget(action_button(actions[name], "toggle", 36))

    def show_tool(self, tool: str) -> None:
        """Mark the tool that is in hand."""
        for name, own in TOOL_ACTIONS.items():
            if own == tool:
                self._actions[name].setChecked(True)
