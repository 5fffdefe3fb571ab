"""How things are seen: tools, zoom, hiding and locking, panels, theme and other options."""

from collections.abc import Iterable

from PySide6.QtCore import QObject

from maskgui.assist.session import Session
from maskgui.ui.actions import TOOL_ACTIONS
from maskgui.ui.control.desk import Desk
from maskgui.ui.control.editing import LockedIds
from maskgui.ui.theme import ThemeSwitch

NEEDS_IMAGE = (
    "fit",
    "zoom_100",
    "zoom_in",
    "zoom_out",
    "zoom_next",
    "zoom_previous",
    "toggle_all",
    *TOOL_ACTIONS,
)
NEEDS_SELECTION = ("hide", "lock", "solo")

HIDDEN, LOCKED = "hidden", "locked"
"""Settings of the project: ids of instances. Those of instances that are gone name nothing."""


class View(QObject):
    """Nothing here changes the document."""

    def __init__(self, desk: Desk, flags: LockedIds, themes: ThemeSwitch) -> None:
        super().__init__(desk)
        self.desk = desk
        self._flags = flags
        self._themes = themes
        self._tree = desk.window.side.instances
        self._connect_canvas()
        self._connect_actions()
        self._watch_options()
        themes.listen(desk.canvas.set_theme)
        desk.opened.connect(self._opened)
        desk.shown.connect(self._allow)
        desk.selection.changed.connect(lambda _: self._allow())
        self._tree.zoom_asked.connect(self._zoom_to)
        self._tree.tree.hide_asked.connect(self.hide)
        self._tree.tree.lock_asked.connect(self.lock)
        self._allow()

    def _connect_canvas(self) -> None:
        canvas, status = self.desk.canvas, self.desk.window.status
        canvas.pointer_moved.connect(status.set_pointer)
        canvas.scale_changed.connect(self._scaled)
        canvas.complained.connect(self.desk.problem)
        canvas.status_changed.connect(lambda _: self.desk.show_tool_text())
        canvas.tool_changed.connect(self.desk.window.tools.show_tool)
        self.desk.window.tools.show_tool(canvas.tool)

    def _connect_actions(self) -> None:
        canvas, commands, window = self.desk.canvas, self.desk.commands, self.desk.window
        for name, tool in TOOL_ACTIONS.items():
            commands.bind(name, lambda _=True, tool=tool: self._take_tool(tool))
        for name, handler in (
            ("fit", canvas.fit),
            ("zoom_100", canvas.zoom_to_100),
            ("zoom_in", lambda: canvas.zoom_by(1.25)),
            ("zoom_out", lambda: canvas.zoom_by(0.8)),
            ("zoom_next", lambda: self.zoom_step(1)),
            ("zoom_previous", lambda: self.zoom_step(-1)),
            ("hide", self.hide),
            ("lock", self.lock),
            ("solo", self.solo),
            ("toggle_all", self.toggle_all),
            ("toggle_labels", lambda on: self.desk.options.__setitem__("labels", on)),
            ("toggle_side", lambda on: window.show_panel("side", on)),
            ("toggle_film", lambda on: window.show_panel("film", on)),
        ):
            commands.bind(name, handler)
        for name in ("side", "film"):
            commands[f"toggle_{name}"].setChecked(self.desk.options.shown(name))

    def _watch_options(self) -> None:
        options, canvas = self.desk.options, self.desk.canvas
        options.watch("theme", self._themes.choose)
        options.watch("opacity", lambda percent: canvas.set_opacity(percent / 100))
        options.watch("labels", self._show_labels)
        options.watch("move_freely", canvas.set_move_freely)
        options.watch("wheel", lambda choice: canvas.set_wheel_zooms(choice == "zoom"))
        options.watch("reduced_motion", self._still)

    def _show_labels(self, on: bool) -> None:
        self.desk.canvas.set_labels(on)
        self.desk.commands["toggle_labels"].setChecked(on)

    def _still(self, still: bool) -> None:
        self.desk.window.toasts.still = still
        self.desk.canvas.set_reduced_motion(still)

    def _take_tool(self, tool: str) -> None:
        self.desk.canvas.set_tool(tool)
        self.desk.canvas.setFocus()

    def _scaled(self, scale: float) -> None:
        self.desk.scale = scale
        self.desk.window.status.set_scale(scale if self.desk.record else None)

    # ---- zoom to instances

    def zoom_step(self, by: int) -> None:
        """Select the next instance in the list's order and zoom to it."""
        order = [one for one in self._tree.tree.rows.all_ids() if one not in self._flags.hidden]
        if not order:
            self.desk.say("There are no instances on this image yet.")
            return
        chosen = [place for place, one in enumerate(order) if one in self.desk.selection.ids]
        at = (chosen[0] if chosen else (-1 if by > 0 else 0)) + by
        self._zoom_to(order[at % len(order)])

    def _zoom_to(self, instance_id: int) -> None:
        for one in self.desk.instances():
            if one.id == instance_id:
                self.desk.selection.set([instance_id])
                self.desk.canvas.zoom_to(one.shape.bounds)

    # ---- hide and lock

    def hide(self, ids: Iterable[int] | None = None) -> None:
        """Hide what is shown of the selection (or of `ids`), else show it."""
        self._flags.hidden = _toggled(self._flags.hidden, self._chosen(ids))
        self._flag()

    def lock(self, ids: Iterable[int] | None = None) -> None:
        """Lock what is free of the selection (or of `ids`), else unlock it."""
        self._flags.ids = _toggled(self._flags.ids, self._chosen(ids))
        self._flag()

    def solo(self) -> None:
        """Show only the selection; once more shows everything."""
        others = {one.id for one in self.desk.instances()} - self.desk.selection.ids
        hidden = frozenset() if others <= self._flags.hidden else self._flags.hidden | others
        self._flags.hidden = frozenset(hidden - self.desk.selection.ids)
        self._flag()

    def toggle_all(self) -> None:
        """Show everything when something is hidden, else hide everything."""
        own = {one.id for one in self.desk.instances()}
        some = bool(own & self._flags.hidden)
        self._flags.hidden = self._flags.hidden - own if some else self._flags.hidden | own
        self._flag()

    def _chosen(self, ids: Iterable[int] | None) -> frozenset[int]:
        return self.desk.selection.ids if ids is None else frozenset(ids)

    def _flag(self) -> None:
        """Show what is hidden or locked now, and keep it with the project."""
        session = self.desk.session
        for key, ids in ((HIDDEN, self._flags.hidden), (LOCKED, self._flags.ids)):
            if session is not None and _kept(session, key) != ids:
                session.set_setting(key, sorted(ids))
        self._show_flags()

    def _show_flags(self) -> None:
        self.desk.canvas.set_hidden(self._flags.hidden)
        self.desk.canvas.set_locked(self._flags.ids)
        self._tree.show_flags(self._flags.hidden, self._flags.ids)

    # ---- following

    def _opened(self) -> None:
        session = self.desk.session
        self._flags.hidden = _kept(session, HIDDEN) if session else frozenset()
        self._flags.ids = _kept(session, LOCKED) if session else frozenset()
        self._show_flags()
        self._allow()

    def _allow(self) -> None:
        desk = self.desk
        image = "" if desk.record else "Open images first."
        desk.allow(NEEDS_IMAGE, image)
        chosen = "" if desk.selection.ids else "Select an instance first."
        desk.allow(NEEDS_SELECTION, image or chosen)
        if image:
            desk.window.status.set_scale(None)
            desk.window.status.set_pointer(None, None)
        desk.show_tool_text()


def _kept(session: Session, key: str) -> frozenset[int]:
    """Return the instances that a project's setting names."""
    found = session.setting(key)
    ids = found if isinstance(found, list) else []
    return frozenset(one for one in ids if isinstance(one, int))


def _toggled(now: frozenset[int], ids: frozenset[int]) -> frozenset[int]:
    """Add `ids` when some of them are missing, else take them away."""
    return now - ids if ids <= now else now | ids
