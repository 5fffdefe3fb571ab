"""The canvas widget: the image, its instances, and the tools that change them."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QFocusEvent,
    QGuiApplication,
    QPainter,
    QPaintEvent,
)
from PySide6.QtWidgets import QWidget

from maskgui.core.document import Edit
from maskgui.core.entities import Category, Instance
from maskgui.core.shape import Box
from maskgui.core.sieve import Sieve
from maskgui.tools.base import Key, Option, Overlay, Response
from maskgui.tools.toolbox import Drafts, Toolbox
from maskgui.ui.canvas.camera import CameraWidget
from maskgui.ui.canvas.colors import canvas_colors
from maskgui.ui.canvas.cursors import cursor_named
from maskgui.ui.canvas.decorations import Brush
from maskgui.ui.canvas.face import Face, paint
from maskgui.ui.canvas.hands import Hands
from maskgui.ui.canvas.imagework import ImageWork, PixelSource, cut_from
from maskgui.ui.canvas.overlay import InstanceLayer
from maskgui.ui.canvas.pyramid import ImageLayer
from maskgui.ui.canvas.scene import CanvasScene, EditContext
from maskgui.ui.canvas.waiting import Waiting
from maskgui.ui.selection import SelectionModel
from maskgui.ui.theme import DARK, Theme


class Canvas(CameraWidget):
    """Shows one image. Every change a person makes goes out as an edit; `apply_edit` shows it."""

    edit_requested = Signal(object)  # Edit
    category_needed = Signal(object)  # Shape, which is kept in `waiting`
    pointer_moved = Signal(object, object)  # x, y in image coordinates; None when it is elsewhere
    status_changed = Signal(str)
    tool_changed = Signal(str)
    options_changed = Signal()  # of the tool in hand: other ones, or other values
    begun_changed = Signal()  # what undo is for now
    hovered = Signal(object)  # instance id or None
    tile_painted = Signal()  # a piece of the overlay was painted anew
    settled = Signal()  # the overlay in view is whole
    complained = Signal(str)  # what a person should know about how the image is shown

    def __init__(
        self,
        context: EditContext,
        selection: SelectionModel | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.selection = selection if selection is not None else SelectionModel(self)
        self.scene = CanvasScene(context, self.selection)
        self.toolbox = Toolbox()
        self._image = ImageLayer(self)
        self._layer = InstanceLayer(self.scene, self.view, self)
        self.hands = Hands(self)
        self._colors = canvas_colors(DARK)
        self._face = Face()
        self._tool_name = self.toolbox.active.name
        self._tool_cursor = "arrow"
        self._status = ""
        self.begun = ""
        """What undo is for now, in words: "last vertex"; "" where the history is next."""
        self._hovered: int | None = None
        self._work = ImageWork(self)
        self._pixels: PixelSource | None = None
        self._options: tuple[Option, ...] = ()
        self.waiting = Waiting(self)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(160, 120)
        self._image.ready.connect(self.update)
        self._image.complained.connect(self.complained)
        self._layer.changed.connect(self.update)
        self._layer.touched.connect(lambda rect: self.update(rect.toAlignedRect()))
        self._layer.painted.connect(self.tile_painted)
        self._layer.settled.connect(self.settled)
        self.selection.changed.connect(self._selection_changed)
        self._work.done.connect(self._deliver)
        self._layer.restyle(self._colors)

    # What is shown

    @property
    def status(self) -> str:
        """What the tool in hand can do now, in a few words."""
        return self._status

    @property
    def note(self) -> str:
        """The short word on the image, "" for none."""
        return self._face.note

    @property
    def message(self) -> str:
        """Why the image cannot be shown, "" when it can."""
        return self._face.message

    def set_image(
        self, image_id: int | None, rgb: NDArray[np.uint8] | None, message: str = ""
    ) -> None:
        """Show an image (H x W x 3 uint8, not copied), or a message where there is none.

        An open draft stays with the image that is left, and comes back with it. What is asked of
        the pixels that were there is not answered any more.
        """
        self._glide.stop()
        self.hands.end_drag()
        same = image_id is not None and image_id == self.scene.image_id
        self.toolbox.enter(image_id)
        self.scene.image_id = image_id if rgb is not None else None
        self._face.message = message
        height, width = rgb.shape[:2] if rgb is not None else (0, 0)
        unchanged = same and self.scene.size == (width, height)
        self.scene.size = (width, height)
        self.view.set_image(width, height)
        self._image.set_image(rgb)
        self._work.drop()
        self._pixels = None if rgb is None else cut_from(rgb)
        if not same:
            self.pointer_moved.emit(None, None)  # what it was over is gone
            self.scene.set_instances((), ())
            self._layer.reset()
        if rgb is not None and not unchanged:
            self._show_fitted()
        self._refresh_tool()
        self.waiting.ask()

    def set_instances(self, instances: Iterable[Instance], categories: Iterable[Category]) -> None:
        """Show these instances on the image, in these categories' colours."""
        self._follow_changes(*self.scene.set_instances(instances, categories))

    def apply_edit(self, edit: Edit) -> None:
        """Follow an edit that the document carried out; only what it touched is repainted."""
        self._follow_changes(*self.scene.apply(edit))

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of a theme."""
        self._colors = canvas_colors(theme)
        self._layer.restyle(self._colors)
        self.update()

    def set_opacity(self, opacity: float) -> None:
        """Show the instances at an opacity from 0 to 1."""
        self._face.opacity = min(max(opacity, 0.0), 1.0)
        self.update()

    def set_labels(self, shown: bool) -> None:
        """Label all instances, or only the hovered and the selected."""
        self._layer.labelled = shown
        self._layer.spoil()
        self.update()

    def set_hidden(self, ids: Iterable[int]) -> None:
        """Show all instances but these."""
        self.scene.set_hidden(frozenset(ids))
        self._shown_changed()

    def set_sieve(self, sieve: Sieve) -> None:
        """Show only instances that pass."""
        self.scene.set_sieve(sieve)
        self._shown_changed()

    def _shown_changed(self) -> None:
        self._layer.set_selected(self.scene.selection)
        self._layer.spoil()
        self._refresh_tool()

    def set_locked(self, ids: Iterable[int]) -> None:
        """Let none of these be changed."""
        self.scene.locked_ids = frozenset(ids)
        self._layer.spoil()
        self._refresh_tool()

    def set_busy(self, fraction: float | None) -> None:
        """Show how far work on this image is, from 0 to 1; None when there is none."""
        self._face.busy = fraction
        self.update()

    def set_note(self, text: str) -> None:
        """Show a short word on the image, as when nothing was found; "" for none."""
        self._face.note = text
        self.update()

    def set_covered(self, rect: QRect) -> None:
        """Keep labels from under what lies over this part of the canvas; empty for nothing."""
        self._face.covered = QRectF(rect)
        self.update()

    # Drawing

    @property
    def tool(self) -> str:
        """The name of the active tool."""
        return self.toolbox.active.name

    def set_tool(self, name: str) -> None:
        """Take another of `maskgui.tools.toolbox.TOOLS`. Raises KeyError."""
        self.hands.end_drag()
        self.toolbox.use(name)
        self._refresh_tool()

    def set_option(self, name: str, value: float) -> None:
        """Set an option of the tool in hand. Raises KeyError."""
        self.toolbox.active.set_option(name, value)
        self._refresh_tool()

    def recall_drafts(self, drafts: Drafts) -> None:
        """Forget what is open and take these drafts instead; each waits for its image."""
        self.toolbox.recall(drafts)
        self._refresh_tool()

    def press_key(self, key: Key) -> None:
        """Let the tool in hand have a key that was not typed, as from a button."""
        if self.scene.image_id is not None:
            self.follow(self.toolbox.key(key, self.scene))

    def set_draw_category(self, category_id: int | None) -> None:
        """Give what is drawn next this category; None asks through `category_needed`."""
        self.scene.draw_category = category_id

    def set_move_freely(self, freely: bool) -> None:
        """Let a plain drag move an instance."""
        self.scene.move_freely = freely
        self._refresh_tool()

    # The hand

    def set_wheel_zooms(self, zooms: bool) -> None:
        """Let the plain wheel zoom and Ctrl+wheel scroll."""
        self.hands.wheel_zooms = zooms

    @property
    def part_in_view(self) -> Box | None:
        """The part in view of an image too large for memory; None of any other."""
        return self.view.visible_box() if self._image.is_tiled else None

    def is_settled(self) -> bool:
        """Whether the overlay in view is whole and as it should be."""
        return self._layer.is_settled()

    def close_threads(self) -> None:
        """Stop the painting threads and wait for them; the canvas is of no use after."""
        self._glide.stop()
        self._layer.close()
        self._image.close()
        self._work.close()

    # What tools answer

    def follow(self, response: Response) -> None:
        """Carry out what a tool answered."""
        if response.edit is not None:
            self.edit_requested.emit(response.edit)
        if response.selection is not None:
            self.selection.set(response.selection)
        if response.request is not None and self._pixels is not None:
            self._work.ask(response.request, self._pixels)
        if response.drawn is not None:
            self.waiting.add(response.drawn)
        if response.edit is not None or response.handover or response.selection is not None:
            self._refresh_tool(None if response.handover else response.status)
        else:
            self._show(response.overlay, response.cursor, response.status)

    def show_cursor(self, name: str | None) -> None:
        """Show a cursor instead of the tool's, or the tool's again."""
        self.setCursor(cursor_named(name or self._tool_cursor))

    def point_at(self, position: QPointF | None) -> None:
        """The pointer is at a position, or left the canvas."""
        if position is None:
            self._face.overlay = self._face.overlay.unpointed()
            self._notice_hover(None)
            self.pointer_moved.emit(None, None)
            self.update()
            return
        x, y = self.view.to_image(position.x(), position.y())
        self.pointer_moved.emit(x, y)

    def _deliver(self, ticket: int, result: object) -> None:
        if self.scene.image_id is not None:
            response = self.toolbox.deliver(ticket, result, self.scene)
            if response.handled:
                self.follow(response)

    def _refresh_tool(self, status: str | None = None) -> None:
        look = self.toolbox.active.look(self.scene)
        self._show(look.overlay, look.cursor, status or look.status)
        if self.toolbox.active.name != self._tool_name:
            self._tool_name = self.toolbox.active.name
            self.tool_changed.emit(self._tool_name)
            self.options_changed.emit()

    def _show(self, overlay: Overlay, cursor: str, status: str) -> None:
        self._face.overlay = overlay if self.hands.over else overlay.unpointed()
        self._notice_hover(self._face.overlay.hovered)
        options = self.toolbox.active.options()
        if options != self._options:
            self._options = options
            self.options_changed.emit()
        if cursor != self._tool_cursor:
            self._tool_cursor = cursor
            if not self.hands.panning:
                self.setCursor(cursor_named(cursor))
        waits = self.toolbox.active.draft is not None or not self.hands.dragging
        begun = self.toolbox.begun if waits else ""
        if begun != self.begun:  # not at each press: what is only dragged needs no button
            self.begun = begun
            self.begun_changed.emit()
        if status != self._status:
            self._status = status
            self.status_changed.emit(status)
        self.update()

    def _notice_hover(self, instance_id: int | None) -> None:
        if instance_id != self._hovered:
            self._hovered = instance_id
            self.hovered.emit(instance_id)

    def _selection_changed(self, _: object) -> None:
        self._layer.set_selected(self.scene.selection)
        if not self.toolbox.active.busy:
            self._refresh_tool()
        self.update()

    def _follow_changes(self, changed: list[Instance], recoloured: bool) -> None:
        if recoloured:
            self._layer.spoil()
        else:
            self._layer.spoil_instances(changed)
        self._layer.set_selected(self.scene.selection)
        self._refresh_tool()

    def _view_moved(self) -> None:
        self._layer.view_changed()
        super()._view_moved()
        self.hands.view_moved()

    # Qt's events

    def paintEvent(self, _: QPaintEvent) -> None:
        """Compose one frame."""
        if self.view.ratio != self.devicePixelRatioF():
            self.view.resize(self.width(), self.height(), self.devicePixelRatioF())
            self._layer.restyle(self._colors)
        self._face.pending = self.waiting.here()
        self._face.vertices = self.tool == "vertex"
        painter = QPainter(self)
        brush = Brush(painter, self.view, self._colors)
        paint(brush, self.scene, self._image, self._layer, self._face)
        painter.end()

    def event(self, event: QEvent) -> bool:
        """Keys that belong to the tool come before shortcuts and focus changes."""
        made = "hands" in self.__dict__  # events come while the widget is being made
        return (made and self.hands.event(event)) or super().event(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Keys that were held are let go."""
        self.hands.let_go()
        super().focusOutEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing is hovered any more."""
        self.hands.leave()
        self.point_at(None)
        super().leaveEvent(event)

    def sizeHint(self) -> QSize:
        """Room for an image."""
        return QGuiApplication.primaryScreen().availableSize() / 2

    def closeEvent(self, event: QCloseEvent) -> None:
        """End with the window."""
        self.close_threads()
        super().closeEvent(event)
