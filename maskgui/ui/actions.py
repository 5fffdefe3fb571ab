"""The one table of what the window can do: each label, key and icon stands here once."""

import enum
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from maskgui.ui import icons
from maskgui.ui.theme import Theme


class Scope(enum.Enum):
    """Where an action's keys work: letters never leave the canvas."""

    WINDOW = "everywhere"
    CANVAS = "on the canvas"
    INSTANCES = "on the canvas and in the instance list"


@dataclass(frozen=True)
class Spec:
    """One action. The first key is the one shown beside its name."""

    name: str
    label: str
    keys: tuple[str, ...] = ()
    icon: str | None = None
    scope: Scope = Scope.WINDOW
    group: str = ""
    checkable: bool = False


def _specs(group: str, scope: Scope, rows: Iterable[tuple]) -> tuple[Spec, ...]:
    made = []
    for name, label, keys, icon, *rest in rows:
        made.append(Spec(name, label, tuple(keys), icon, scope, group, "checkable" in rest))
    return tuple(made)


CATEGORY_KEYS = 18

FILE = _specs(
    "Files",
    Scope.WINDOW,
    (
        ("open_folder", "Open folder…", ["Ctrl+U"], "folder-open"),
        ("open_files", "Open files…", ["Ctrl+O"], "file-plus"),
        ("open_project", "Open project…", ["Ctrl+Shift+O"], "stack"),
        ("open_demo", "Try the demo", [], "sparkle"),
        ("import_coco", "Import COCO…", ["Ctrl+I"], "download-simple"),
        ("save", "Save", ["Ctrl+S"], "floppy-disk"),
        ("export", "Export COCO…", ["Ctrl+E"], "export"),
        ("rescan", "Look for new images", ["F5"], "arrows-clockwise"),
        ("locate_folder", "Locate folder…", [], "magnifying-glass"),
        ("close_project", "Close project", ["Ctrl+W"], "x"),
        ("quit", "Quit", ["Ctrl+Q"], "sign-out"),
    ),
)

NAVIGATION = (
    *_specs(
        "Images",
        Scope.CANVAS,
        (
            ("previous_image", "Previous image", ["A"], "caret-left"),
            ("next_image", "Next image", ["D"], "caret-right"),
        ),
    ),
    *_specs(
        "Images",
        Scope.WINDOW,
        (
            ("next_unreviewed", "Next unreviewed image", ["Ctrl+Shift+D"], "caret-double-right"),
            (
                "previous_unreviewed",
                "Previous unreviewed image",
                ["Ctrl+Shift+A"],
                "caret-double-left",
            ),
            ("reviewed_next", "Reviewed, and next", ["Ctrl+Return", "Ctrl+Enter"], "check-circle"),
            ("remove_image", "Remove image from the project", [], "trash"),
        ),
    ),
)

TOOLS = (
    *_specs(
        "Tools",
        Scope.CANVAS,
        (
            ("tool_select", "Select and move", ["V"], "cursor", "checkable"),
            ("tool_polygon", "Polygon", ["P", "Ctrl+N"], "polygon", "checkable"),
            ("tool_rectangle", "Rectangle", ["R", "Ctrl+R"], "bounding-box", "checkable"),
            ("tool_vertex", "Edit vertices", ["Ctrl+J"], "line-segments", "checkable"),
            ("tool_ellipse", "Ellipse", ["O"], "circle", "checkable"),
            ("tool_freehand", "Freehand", ["F"], "scribble-loop", "checkable"),
            ("tool_brush", "Brush", ["B"], "paint-brush", "checkable"),
            ("tool_eraser", "Eraser", ["E"], "eraser", "checkable"),
            ("tool_lasso_add", "Lasso, add", ["G"], "selection-plus", "checkable"),
            ("tool_lasso_subtract", "Lasso, take", ["Shift+G"], "selection-slash", "checkable"),
            ("tool_reroute", "Re-route", ["U"], "path", "checkable"),
            ("tool_slice", "Slice", ["Alt+J"], "knife", "checkable"),
            ("tool_punch", "Punch a hole", ["Shift+P"], "selection-inverse", "checkable"),
            ("tool_transform", "Scale and turn", ["Shift+T"], "frame-corners", "checkable"),
            ("tool_simplify", "Simplify and smooth", ["Shift+M"], "waves", "checkable"),
            ("tool_scissors", "Scissors", ["C"], "scissors", "checkable"),
            ("tool_wand", "Wand", ["W"], "paint-bucket", "checkable"),
            ("tool_refine", "Refine (GrabCut)", ["K"], "target", "checkable"),
        ),
    ),
)

EDITING = (
    *_specs(
        "Editing",
        Scope.WINDOW,
        (
            ("undo", "Undo", ["Ctrl+Z"], "arrow-counter-clockwise"),
            ("redo", "Redo", ["Ctrl+Shift+Z", "Ctrl+Y"], "arrow-clockwise"),
            ("undo_batch", "Undo batch", [], "arrow-u-up-left"),
        ),
    ),
    *_specs(
        "Editing",
        Scope.INSTANCES,
        (
            ("duplicate", "Duplicate", ["Ctrl+D"], "copy-simple"),
            ("copy", "Copy", ["Ctrl+C"], "copy"),
            ("paste", "Paste", ["Ctrl+V"], "clipboard"),
            (
                "same_as_previous",
                "Same as on the previous image",
                ["Ctrl+Shift+V"],
                "clipboard-text",
            ),
            ("to_front", "Bring to the front", ["Ctrl+Alt+]"], "arrow-line-up"),
            ("forward", "Bring forward", ["Ctrl+]"], "arrow-up"),
            ("backward", "Send backward", ["Ctrl+["], "arrow-down"),
            ("to_back", "Send to the back", ["Ctrl+Alt+["], "arrow-line-down"),
            ("delete", "Delete", ["Delete"], "trash"),
            ("select_all", "Select all", ["Ctrl+A"], "selection-all"),
        ),
    ),
    *_specs(
        "Editing",
        Scope.CANVAS,
        (
            ("pick_category", "Choose a category…", ["Q"], "tag"),
            ("accept", "Accept as it is", ["Y"], "check"),
        ),
    ),
    *_specs(
        "Editing",
        Scope.WINDOW,
        (("toggle_crowd", "Crowd (iscrowd)", [], "users-three", "checkable"),),
    ),
)

COMBINING = _specs(
    "Combining instances",
    Scope.CANVAS,
    (
        ("join", "Join", ["J"], "link"),
        ("split", "Split parts", ["Shift+J"], "link-break"),
        ("subtract", "Subtract from neighbours", ["S"], "minus-circle"),
        ("intersect", "Intersect", ["Shift+S"], "intersect"),
        ("remove_overlap", "Remove overlap", ["Shift+O"], "selection-background"),
        ("fill_holes", "Fill holes", ["Shift+F"], "record"),
    ),
)

VIEW = (
    *_specs(
        "View",
        Scope.WINDOW,
        (
            ("fit", "Fit the image", ["Ctrl+F"], "corners-out"),
            ("zoom_100", "Zoom to 100 %", ["Ctrl+0"], "magnifying-glass"),
            ("zoom_in", "Zoom in", ["Ctrl++", "Ctrl+="], "magnifying-glass-plus"),
            ("zoom_out", "Zoom out", ["Ctrl+-"], "magnifying-glass-minus"),
            ("toggle_side", "Right panel", ["Ctrl+Alt+R"], "layout", "checkable"),
            ("toggle_film", "Filmstrip", ["Ctrl+Alt+F"], "film-strip", "checkable"),
            ("next_region", "Next part of the window", ["F6"], None),
            ("previous_region", "Previous part of the window", ["Shift+F6"], None),
            ("filter_instances", "Filter instances…", ["Ctrl+Shift+F"], "funnel"),
            ("toggle_labels", "Labels on all instances", ["Ctrl+L"], "tag", "checkable"),
        ),
    ),
    *_specs(
        "View",
        Scope.CANVAS,
        (
            ("zoom_next", "Zoom to the next instance", ["Z"], "crosshair"),
            ("zoom_previous", "Zoom to the previous instance", ["Shift+Z"], "crosshair-simple"),
            ("hide", "Hide or show the selection", ["H"], "eye-slash"),
            ("lock", "Lock or unlock the selection", ["L"], "lock"),
            ("solo", "Show only the selection", ["Shift+H"], "eye"),
            ("toggle_all", "Hide or show all instances", ["T"], "eye-closed"),
            ("show_evidence", "What the model said (hold)", ["M"], "brain"),
        ),
    ),
)

MODEL = (
    *_specs(
        "Model",
        Scope.CANVAS,
        (("segment", "Auto-segment this image", ["I"], "magic-wand"),),
    ),
    *_specs(
        "Model",
        Scope.WINDOW,
        (
            ("segment_all", "Auto-segment all images", ["Ctrl+B"], "stack"),
            ("cancel_work", "Cancel what is running", ["Ctrl+."], "x-circle"),
        ),
    ),
)

HELP = _specs(
    "Help",
    Scope.WINDOW,
    (
        ("keys", "Keys", ["F1"], "keyboard"),
        ("settings", "Settings", ["Ctrl+,"], "gear-six"),
        ("about", "About MaskGUI", [], "info"),
    ),
)

CATEGORY = tuple(
    Spec(
        f"category_{place}",
        f"Category {place}",
        (str(place) if place < 10 else f"Ctrl+{place - 9}",),
        scope=Scope.CANVAS,
        group="Categories",
    )
    for place in range(1, CATEGORY_KEYS + 1)
)

TABLE: tuple[Spec, ...] = (
    *FILE,
    *NAVIGATION,
    *TOOLS,
    *EDITING,
    *COMBINING,
    *VIEW,
    *MODEL,
    *CATEGORY,
    *HELP,
)

HELD = frozenset({"show_evidence"})
"""Actions that last while their key is down: the canvas filters their key events."""

AT_ONCE = frozenset(
    {
        *("undo", "redo", "fit", "zoom_100", "zoom_in", "zoom_out"),
        *("toggle_side", "toggle_film", "toggle_labels", "cancel_work"),
    }
)
"""Actions that leave what is being dragged as it is, or are for it: all others wait for its end."""

TOOL_ACTIONS = {
    "tool_select": "select",
    "tool_polygon": "polygon",
    "tool_rectangle": "rectangle",
    "tool_vertex": "vertex",
    "tool_ellipse": "ellipse",
    "tool_freehand": "freehand",
    "tool_brush": "brush",
    "tool_eraser": "eraser",
    "tool_lasso_add": "lasso_add",
    "tool_lasso_subtract": "lasso_subtract",
    "tool_reroute": "reroute",
    "tool_slice": "slice",
    "tool_punch": "punch",
    "tool_transform": "transform",
    "tool_simplify": "simplify",
    "tool_scissors": "scissors",
    "tool_wand": "wand",
    "tool_refine": "refine",
}


def key_text(keys: tuple[str, ...]) -> str:
    """Return the first key as the platform writes it, "" for none."""
    return QKeySequence(keys[0]).toString(QKeySequence.SequenceFormat.NativeText) if keys else ""


HoldBack = Callable[[str, Callable[[], None]], bool]
"""Given an action's name and what it does; returns whether it is kept for later."""


class ActionSet(QObject):
    """The table as live QActions: handlers bound by name, reasons while they cannot work."""

    def __init__(self, window: QWidget, theme: Theme) -> None:
        super().__init__(window)
        self._window = window
        self._specs = {spec.name: spec for spec in TABLE}
        self._labels = {spec.name: spec.label for spec in TABLE}
        self._reasons: dict[str, str] = {}
        self._actions: dict[str, QAction] = {}
        self.hold_back: HoldBack = lambda _name, _act: False
        """Asked before each action that is not AT_ONCE; whoever takes it calls it later."""
        for spec in TABLE:
            self._actions[spec.name] = self._make(spec)
        self.set_theme(theme)

    def __getitem__(self, name: str) -> QAction:
        return self._actions[name]

    def _make(self, spec: Spec) -> QAction:
        action = QAction(spec.label, self)
        action.setCheckable(spec.checkable)
        if spec.name not in HELD:
            action.setShortcuts([QKeySequence(key) for key in spec.keys])
        if spec.scope is Scope.WINDOW:
            action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
            self._window.addAction(action)
        else:
            action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        return action

    def attach(self, canvas: QWidget, instances: QWidget) -> None:
        """Let the canvas' actions work there, and some in the instance list as well."""
        for spec in TABLE:
            if spec.scope is not Scope.WINDOW:
                canvas.addAction(self._actions[spec.name])
            if spec.scope is Scope.INSTANCES:
                instances.addAction(self._actions[spec.name])

    def bind(self, name: str, handler: Callable[..., object]) -> None:
        """Call `handler()`, or `handler(checked)` for a checkable one, when it is triggered."""
        action, checkable = self._actions[name], self._specs[name].checkable

        def triggered(checked: bool = False) -> None:
            def act() -> None:
                if action.isEnabled():
                    handler(*((checked,) if checkable else ()))

            if name in AT_ONCE or not self.hold_back(name, act):
                act()

        action.triggered.connect(triggered)

    def set_theme(self, theme: Theme) -> None:
        """Tint the icons."""
        for name, action in self._actions.items():
            symbol = self._specs[name].icon
            if symbol:
                action.setIcon(icons.icon(symbol, theme))
            self._refresh_tip(name)

    def allow(self, name: str, reason: str = "") -> None:
        """Enable an action, or with a reason disable it and say why in its tooltip."""
        if self._reasons.get(name, "") == reason:
            return
        self._reasons[name] = reason
        self._actions[name].setEnabled(not reason)
        self._refresh_tip(name)

    def relabel(self, name: str, label: str) -> None:
        """Say what an action would do right now: "Undo move vertex"."""
        if self._labels[name] != label:
            self._labels[name] = label
            self._actions[name].setText(label)
            self._refresh_tip(name)

    def reason(self, name: str) -> str:
        """Return why an action cannot work now, "" when it can."""
        return self._reasons.get(name, "")

    def _refresh_tip(self, name: str) -> None:
        keys = key_text(self._specs[name].keys)
        label = self._labels[name].removesuffix("…")
        tip = f"{label}  ({keys})" if keys else label
        reason = self._reasons.get(name, "")
        self._actions[name].setToolTip(f"{tip}\n{reason}" if reason else tip)
