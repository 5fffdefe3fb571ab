"""The one row at the top: project, position, review state, model, the main button, history."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QFontMetrics, QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QToolButton, QWidget

from maskgui.core.entities import Review
from maskgui.ui import icons
from maskgui.ui.actions import ActionSet
from maskgui.ui.panels.common import action_button, menu_button, rule
from maskgui.ui.theme import Theme, text_font

HEIGHT = 44
NAME_WIDTH = 200
AFTER_ICON = " "
"""Qt leaves hardly any room between a tool button's icon and its words."""
REVIEW_TEXT = {
    Review.NEW: "new",
    Review.IN_PROGRESS: "in progress",
    Review.REVIEWED: "reviewed",
}
REVIEW_ICON = {
    Review.NEW: "circle",
    Review.IN_PROGRESS: "circle-half",
    Review.REVIEWED: "check-circle",
}


def review_color(state: Review, theme: Theme) -> str:
    """Return the colour of a review state's mark."""
    return {
        Review.NEW: theme.dim,
        Review.IN_PROGRESS: theme.warning,
        Review.REVIEWED: theme.good,
    }[state]


class TopBar(QWidget):
    """One row of 44 px; it asks through signals and shows what it is told."""

    review_chosen = Signal(object)  # Review

    def __init__(self, actions: ActionSet, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("topbar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(HEIGHT)
        self._theme = theme
        self._review: Review | None = None
        self.project_menu = QMenu(self)
        self.model_menu = QMenu(self)
        self.project = menu_button("project")
        self.project.setMenu(self.project_menu)
        self.position = QLabel()
        self.position.setFont(text_font())
        self.position.setMinimumWidth(64)
        self.position.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.state = self._state_button()
        self.model = menu_button("menubutton")
        self.model.setMenu(self.model_menu)
        self.run = self._main_button(actions["segment"])
        self._lay_out(actions)
        self.set_project("")
        self.set_position(0, 0)
        self.set_review(None)
        self.set_model("No model", "")
        self.set_theme(theme)

    def _main_button(self, action: QAction) -> QToolButton:
        """Return the one main button: its icon stands on the accent, so it is its own."""
        button = QToolButton()
        button.setObjectName("primary")
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setText(f"{AFTER_ICON}Auto-segment   {action.shortcut().toString()}")
        button.clicked.connect(action.trigger)

        def follow() -> None:
            button.setEnabled(action.isEnabled())
            button.setToolTip(action.toolTip())

        action.changed.connect(follow)
        return button

    def _state_button(self) -> QToolButton:
        button = menu_button("state")
        menu = QMenu(button)
        for state in Review:
            choice = menu.addAction(REVIEW_TEXT[state].capitalize())
            choice.triggered.connect(lambda _=False, state=state: self.review_chosen.emit(state))
        button.setMenu(menu)
        return button

    def _lay_out(self, actions: ActionSet) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 0, 8, 0)
        row.setSpacing(4)
        row.addWidget(self.project)
        row.addSpacing(4)
        row.addWidget(rule(vertical=True))
        row.addSpacing(4)
        row.addWidget(action_button(actions["previous_image"]))
        row.addWidget(self.position)
        row.addWidget(action_button(actions["next_image"]))
        row.addSpacing(4)
        row.addWidget(self.state)
        row.addStretch(1)
        row.addWidget(self.model)
        row.addSpacing(4)
        row.addWidget(self.run)
        row.addStretch(1)
        row.addWidget(action_button(actions["undo"]))
        row.addWidget(action_button(actions["redo"]))
        row.addSpacing(4)
        row.addWidget(action_button(actions["settings"]))

    def set_theme(self, theme: Theme) -> None:
        """Tint the icons that carry a colour of their own."""
        self._theme = theme
        self.run.setIcon(icons.icon("magic-wand", theme, color=theme.on_accent))
        caret = icons.icon("caret-down", theme, color=theme.dim)
        for button in (self.project, self.model):
            button.setIcon(caret)
            button.setLayoutDirection(Qt.LayoutDirection.RightToLeft)  # the caret after the words
            button.menu().setLayoutDirection(QGuiApplication.layoutDirection())
        self.set_review(self._review)

    def set_project(self, name: str) -> None:
        """Show the project's name, shortened where it is long."""
        shown = QFontMetrics(text_font(bold=True)).elidedText(
            name or "MaskGUI", Qt.TextElideMode.ElideMiddle, NAME_WIDTH
        )
        self.project.setText(shown)
        self.project.setToolTip(f"{name}\nFiles and project" if name else "Files and project")

    def set_position(self, place: int, total: int) -> None:
        """Show "12 / 240"; nothing when there are no images."""
        self.position.setText(f"{place} / {total}" if total else "–")

    def set_review(self, state: Review | None) -> None:
        """Show the review state of the image; None when there is no image."""
        self._review = state
        self.state.setVisible(state is not None)
        if state is not None:
            self.state.setText(AFTER_ICON + REVIEW_TEXT[state])
            color = review_color(state, self._theme)
            self.state.setIcon(icons.icon(REVIEW_ICON[state], self._theme, color=color))
            self.state.setToolTip("Review state of this image")

    def set_model(self, model: str, device: str) -> None:
        """Show which model runs where."""
        self.model.setText(f"{model} · {device}" if device else model)
        self.model.setToolTip("Model and device")
