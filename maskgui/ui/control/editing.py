"""Changing instances: selection, categories by key, deletion, undo and redo."""

from collections.abc import Callable
from typing import Protocol

from PySide6.QtCore import QObject, QPoint, Qt
from PySide6.QtWidgets import QMenu

from maskgui.core.detections import Detections
from maskgui.core.document import Edit
from maskgui.core.edits import (
    accept,
    delete_instances,
    set_category,
    set_crowd,
)
from maskgui.core.entities import ImageRecord, Instance
from maskgui.core.errors import UserError
from maskgui.tools.toolbox import REDO_WAITS
from maskgui.ui.actions import CATEGORY_KEYS
from maskgui.ui.control.desk import Desk
from maskgui.ui.names import menu_text, one_line
from maskgui.ui.panels.picker import CategoryPicker

SELECT_FIRST = "Select an instance first."
NOTHING_YET = "Nothing here yet. Draw with P or R, or press I to auto-segment."
RECENT = "recent_categories"
"""The project's setting: ids of the categories given last, the last first."""
KEPT_RECENT = 50
NEEDS_IMAGE = ("select_all",)
NEEDS_SELECTION = ("delete", "toggle_crowd", "accept")


REDO_WAITS_FOR_WORK = "Redo waits until the command under way has ended, or is stopped with Undo"


class Choice(Protocol):
    """What a person chooses that becomes an edit only when the hand has rested."""

    def take_back(self) -> bool:
        """Undo what was chosen and is no edit yet; False where there is nothing."""

    def settle(self) -> None:
        """Let it be chosen now."""


class Editing(QObject):
    """Edits of the selected instances; locked ones stay as they are."""

    def __init__(
        self, desk: Desk, locked: "LockedIds", add_category: Callable[[str], int | None]
    ) -> None:
        super().__init__(desk)
        self.desk = desk
        self.add_category = add_category
        self._locked = locked
        self._hovered: int | None = None
        self._outline_waits = False  # drawn, but there was no category to give it
        self._recent: list[int] = []  # categories given, the last first
        self.choices: list[Choice] = []
        self._work = ""  # the edit under way that undo would stop
        self._list = desk.window.side.instances
        self._connect()

    def _connect(self) -> None:
        desk, commands = self.desk, self.desk.commands
        desk.canvas.edit_requested.connect(desk.apply)
        desk.canvas.category_needed.connect(self._drawn)
        desk.canvas.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        desk.canvas.customContextMenuRequested.connect(self._canvas_menu)
        desk.canvas.hovered.connect(self._hover)
        desk.undo_asked.connect(lambda: self._walk(back=True))
        desk.canvas.begun_changed.connect(self._history)
        desk.work.changed.connect(self._follow_work)
        commands.hold_back = desk.canvas.hands.after_drag
        desk.edited.connect(self._edited)
        desk.settled.connect(self._settle)
        desk.shown.connect(self._settle)
        desk.opened.connect(self._settle)
        desk.opened.connect(self._recall_recent)
        desk.opened.connect(self._put_picker_away)  # it has another project's categories
        desk.selection.changed.connect(lambda _: self._selected())
        self._list.selected.connect(desk.selection.set)
        self._list.menu_asked.connect(self.open_menu)
        for name, handler in (
            ("undo", self.undo),
            ("redo", self.redo),
            ("delete", self.delete),
            ("select_all", self.select_all),
            ("accept", self.accept),
            ("toggle_crowd", self.set_crowd),
            ("pick_category", self.pick_category),
        ):
            commands.bind(name, handler)
        for place in range(1, CATEGORY_KEYS + 1):
            commands.bind(f"category_{place}", lambda place=place: self._category_key(place))

    # ---- the selected instances

    def _mine(self) -> list[Instance]:
        """The selected instances that are not locked; says so when some are."""
        selected = self.desk.selected()
        free = [one for one in selected if one.id not in self._locked.ids]
        if len(free) < len(selected):
            count = len(selected) - len(free)
            words = (
                "One instance is locked and stays" if count == 1 else f"{count} are locked and stay"
            )
            self.desk.say(f"{words} unchanged; unlock with L.")
        return free

    def _with_evidence(self) -> tuple[ImageRecord, Detections | None] | None:
        record = self.desk.record
        return None if record is None else (record, self.desk.detections(record.id))

    def delete(self) -> None:
        """Delete the selected instances."""
        chosen, scene = self._mine(), self._with_evidence()
        if (
            chosen
            and scene
            and self.desk.apply(delete_instances(chosen, *scene))
            and len(chosen) > 1
        ):
            self.desk.say_undoable(f"Deleted {len(chosen)} instances.")

    def accept(self) -> None:
        """Take the selected proposals over as they are."""
        chosen = [one for one in self.desk.selected() if one.is_proposal]
        scene = self._with_evidence()
        if chosen and scene:
            self.desk.apply(accept(chosen, *scene))

    def set_crowd(self, crowd: bool) -> None:
        """Say whether the selected instances are crowd regions."""
        chosen = [one for one in self._mine() if one.iscrowd != crowd]
        scene = self._with_evidence()
        if chosen and scene:
            self.desk.apply(set_crowd(chosen, crowd, *scene))
        self._settle()

    def _drawn(self, _shape: object) -> None:
        self._put_picker_away()
        self._outline_waits = True
        self.pick_category()

    def _put_picker_away(self) -> None:
        """Close the picker without an answer; an outline goes on waiting for one."""
        self._outline_waits = False
        for picker in self.desk.window.findChildren(CategoryPicker):
            picker.close()

    def _drop_outline(self) -> None:
        if self._outline_waits:
            self._outline_waits = False
            self.desk.canvas.waiting.drop()

    def _give_named(self, name: str) -> None:
        category_id = self.add_category(name)
        if category_id is not None:
            self.give_category(category_id)

    def give_category(self, category_id: int) -> None:
        """Give the selection a category, and the next drawn instance, and what waits for one."""
        self.desk.use_category(category_id)
        self._used(category_id)
        if self._outline_waits:
            self._outline_waits = False
            self.desk.canvas.waiting.give(category_id)
            return
        chosen = [one for one in self._mine() if one.category_id != category_id]
        scene = self._with_evidence()
        if chosen and scene:
            self.desk.apply(set_category(chosen, category_id, *scene))

    def _used(self, category_id: int) -> None:
        """Put a category first among the recent ones, which the project keeps."""
        recent = [category_id, *(one for one in self._recent if one != category_id)]
        if recent != self._recent and self.desk.session is not None:
            self._recent = recent
            self.desk.session.set_setting(RECENT, recent[:KEPT_RECENT])

    def _recall_recent(self) -> None:
        session = self.desk.session
        self._recent = list(session.setting(RECENT) or ()) if session is not None else []

    def _category_key(self, place: int) -> None:
        categories = self.desk.categories()
        if place <= len(categories):
            self.give_category(categories[place - 1].id)
        elif categories:
            self.desk.say(f"There is no category {place}; Q opens the list.")
        else:
            self.pick_category()

    def pick_category(self) -> None:
        """Open the picker over the canvas; a new name makes a category."""
        if self.desk.session is None:
            return
        picker = CategoryPicker(self.desk.window, self.desk.categories(), self._recent)
        picker.chosen.connect(self.give_category)
        picker.named.connect(self._give_named)
        picker.left.connect(self._drop_outline)
        picker.open_over(self.desk.canvas)

    def select_all(self) -> None:
        """Select what is shown and not locked."""
        shown = self.desk.canvas.scene.instances()
        self.desk.selection.set(one.id for one in shown if one.id not in self._locked.ids)

    # ---- history

    def undo(self) -> None:
        """Take back what is begun; else the person's last edit, and go to its image."""
        desk = self.desk
        if not (
            desk.canvas.hands.take_back()
            or desk.work.take_back()
            or any(one.take_back() for one in self.choices)
        ):
            self._walk(back=True)

    def redo(self) -> None:
        """Carry out again what was taken back and go to its image; not while something is begun."""
        if self.desk.canvas.toolbox.active.busy or self.desk.work.edit:
            return
        for one in self.choices:
            one.settle()
        self._walk(back=False)

    def _walk(self, *, back: bool) -> None:
        session = self.desk.session
        if session is None:
            return
        try:
            edit = session.undo() if back else session.redo()
        except UserError as error:
            self._history()  # what is older is next
            self.desk.problem(str(error))
            return
        if edit is not None and edit.image_id is not None and edit.image_id != self.desk.image_id:
            self.desk.go_asked.emit(edit.image_id)

    # ---- following

    def _edited(self, edit: Edit) -> None:
        if self.desk.image_id is not None:
            self.desk.canvas.apply_edit(edit)
        if not self.desk.remote:
            self._history()  # at once: Ctrl+Z may come before the lists are refreshed

    def _follow_work(self) -> None:
        if self._work != self.desk.work.edit:  # it tells of every step, too
            self._work = self.desk.work.edit
            self._history()

    def _selected(self) -> None:
        self._list.show_selection(self.desk.selection.ids)
        self._allow()

    def _settle(self) -> None:
        desk = self.desk
        instances = desk.instances()
        desk.selection.keep_only(one.id for one in instances)
        can_draw = desk.record is not None and not desk.canvas.message
        self._list.empty_note = NOTHING_YET if can_draw else ""
        self._list.show_instances(instances, desk.categories())
        self._list.show_selection(desk.selection.ids)
        self._history()
        self._allow()

    def _history(self) -> None:
        session, begun = self.desk.session, self.desk.canvas.begun or self.desk.work.edit
        for name, label, words in (
            ("undo", session.undo_label if session else None, "Undo"),
            ("redo", session.redo_label if session else None, "Redo"),
        ):
            text = one_line(f"{words} {label[0].lower()}{label[1:]}") if label else words
            reason = "" if label else f"Nothing to {words.lower()}."
            if begun:
                undoes = name == "undo"
                waits = REDO_WAITS if self.desk.canvas.begun else REDO_WAITS_FOR_WORK
                text, reason = (f"Undo {begun}", "") if undoes else (text, f"{waits}.")
            self.desk.commands.relabel(name, text)
            self.desk.commands.allow(name, reason)

    def _allow(self) -> None:
        desk = self.desk
        chosen = desk.selected()
        image = "" if desk.record else "Open images first."
        desk.allow(NEEDS_IMAGE, image)
        desk.allow(NEEDS_SELECTION, image or ("" if chosen else SELECT_FIRST))
        proposals = any(one.is_proposal for one in chosen)
        if chosen and not proposals:
            desk.allow(("accept",), "Only proposals of the model need accepting.")
        desk.allow(("pick_category",), image)
        desk.commands["toggle_crowd"].setChecked(
            bool(chosen) and all(one.iscrowd for one in chosen)
        )

    # ---- the context menu

    def _hover(self, instance_id: int | None) -> None:
        self._hovered = instance_id

    def _canvas_menu(self, place: QPoint) -> None:
        if self.desk.record is None:
            return
        if self._hovered is not None and self._hovered not in self.desk.selection.ids:
            self.desk.selection.set([self._hovered])
        self.open_menu(self.desk.canvas.mapToGlobal(place))

    def open_menu(self, place: QPoint) -> None:
        """Show what can be done with the selected instances."""
        commands = self.desk.commands
        menu = QMenu(self.desk.window)
        choose = menu.addMenu("Category")
        for category in self.desk.categories():
            action = choose.addAction(menu_text(category.name))
            action.triggered.connect(
                lambda _=False, category=category: self.give_category(category.id)
            )
        choose.setEnabled(bool(self.desk.selected()) and not choose.isEmpty())
        for names in (
            ("accept", "toggle_crowd"),
            ("duplicate", "copy", "paste", "same_as_previous"),
            ("to_front", "forward", "backward", "to_back"),
            ("hide", "lock", "solo"),
            ("delete",),
        ):
            menu.addSeparator()
            for name in names:
                menu.addAction(commands[name])
        self.desk.opened.connect(menu.close)  # it has another project's categories
        menu.exec(place)
        menu.deleteLater()


class LockedIds:
    """Which instances are hidden or locked; `View` keeps it with the project."""

    def __init__(self) -> None:
        self.hidden: frozenset[int] = frozenset()
        self.ids: frozenset[int] = frozenset()
