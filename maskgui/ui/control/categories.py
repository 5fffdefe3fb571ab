"""The project's categories: added, renamed, recoloured, merged, moved and deleted as edits."""

import msgspec
from PySide6.QtCore import QObject
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QColorDialog

from maskgui.core.colors import next_color
from maskgui.core.document import Change, Edit
from maskgui.core.edits import add_category, change_category, delete_category, merge_categories
from maskgui.core.entities import Category
from maskgui.ui.control.desk import Desk
from maskgui.ui.dialogs.ask import ask
from maskgui.ui.names import one_line


class Categories(QObject):
    """The category list's wishes as edits."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.desk = desk
        self._panel = desk.window.side.categories
        desk.opened.connect(self._opened)
        desk.settled.connect(self.refresh)
        desk.category_used.connect(lambda _: self._panel.show_active(desk.draw_category))
        panel = self._panel
        panel.added.connect(self.add)
        panel.renamed.connect(self.rename)
        panel.recolor_asked.connect(self.recolor)
        panel.merge_asked.connect(self.merge)
        panel.delete_asked.connect(self.delete)
        panel.move_asked.connect(self.move)
        panel.select_asked.connect(self.select)

    def _opened(self) -> None:
        categories = self.desk.categories()
        self.desk.use_category(categories[0].id if categories else None)
        self.refresh()

    def refresh(self) -> None:
        """Show the categories as they are now."""
        categories = self.desk.categories()
        known = {one.id for one in categories}
        if self.desk.draw_category not in known:
            self.desk.use_category(categories[0].id if categories else None)
        self._panel.show_categories(categories, self.desk.counts)
        self._panel.show_active(self.desk.draw_category)

    def add(self) -> None:
        """Add a category and let its name be typed."""
        if self.desk.session is None:
            return
        taken = {one.name.casefold() for one in self.desk.categories()}
        number = len(taken) + 1
        while f"category {number}" in taken:
            number += 1
        category_id = self.add_named(f"category {number}")
        if category_id is not None:
            self._panel.edit_name(category_id)

    def add_named(self, name: str) -> int | None:
        """Add a category of this name, or find the one there is; the next instance gets it."""
        for category in self.desk.categories():
            if category.name.casefold() == name.casefold():
                self.desk.use_category(category.id)
                return category.id
        made = self.new(name)
        if not self.desk.apply(add_category(made)):
            return None
        self.refresh()
        self.desk.use_category(made.id)
        return made.id

    def new(self, name: str) -> Category:
        """Return a category that is not in the project yet, last in order."""
        categories = self.desk.categories()
        order = 1 + max((one.order for one in categories), default=-1)
        color = next_color(one.color for one in categories)
        return Category(self.desk.new_id(), name, color, order)

    def rename(self, category: Category, name: str) -> None:
        """Give a category another name; the name of another one asks to merge."""
        session = self.desk.session
        for other in self.desk.categories():
            if other.id != category.id and other.name == name:
                agreed = ask(
                    self.desk.window,
                    f"There is a category “{one_line(name)}” already.",
                    "Merging gives its instances to that one. It can be undone.",
                    "Merge them",
                )
                if agreed and session is self.desk.session:  # none has opened behind the question
                    self.merge(category, other)
                return
        self.desk.apply(change_category(category, msgspec.structs.replace(category, name=name)))

    def recolor(self, category: Category) -> None:
        """Let a colour be chosen."""
        session = self.desk.session
        dialog = QColorDialog(QColor(category.color), self.desk.window)
        dialog.setWindowTitle(f"Colour of “{one_line(category.name)}”")
        dialog.setOption(QColorDialog.ColorDialogOption.DontUseNativeDialog, False)
        if dialog.exec() and session is self.desk.session:
            after = msgspec.structs.replace(category, color=dialog.selectedColor().name())
            if after != category:
                self.desk.apply(change_category(category, after))

    def merge(self, category: Category, into: Category) -> None:
        """Give a category's instances to another one."""
        session = self.desk.session
        if session is None:
            return
        with session.turn:  # a job's instances come before the look or after the edit
            instances = session.instances_of_category(category.id)
            merged = self.desk.apply(merge_categories(into, [category], instances))
        if merged:
            self.desk.say_undoable(
                f"Merged “{one_line(category.name)}” into “{one_line(into.name)}”."
            )

    def delete(self, category: Category) -> None:
        """Delete a category with its instances."""
        session = self.desk.session
        if session is None:
            return
        with session.turn:
            instances = session.instances_of_category(category.id)
            images = {one.image_id: self.desk.image(one.image_id) for one in instances}
            edit = delete_category(category, instances, images, self.desk.detections)
            deleted = self.desk.apply(edit)
        if deleted:
            count = len(instances)
            tail = (
                f" and its {count} instances" if count > 1 else " and its instance" if count else ""
            )
            self.desk.say_undoable(f"Deleted “{one_line(category.name)}”{tail}.")

    def move(self, category: Category, by: int) -> None:
        """Move a category up or down; its digit goes with its place."""
        order = self.desk.categories()
        at = next(place for place, one in enumerate(order) if one.id == category.id)
        other = at + by
        if not 0 <= other < len(order):
            return
        order[at], order[other] = order[other], order[at]
        changes = tuple(
            Change(one, msgspec.structs.replace(one, order=place))
            for place, one in enumerate(order)
            if one.order != place
        )
        self.desk.apply(Edit(f"Move category “{category.name}”", None, changes))

    def select(self, category: Category) -> None:
        """Select the category's instances on this image."""
        own = [one.id for one in self.desk.instances() if one.category_id == category.id]
        self.desk.selection.set(own)
        if not own:
            self.desk.say(f"No “{one_line(category.name)}” on this image.")
