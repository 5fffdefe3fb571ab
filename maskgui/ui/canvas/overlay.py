"""The instances on the canvas: which are in tiles, which are drawn live, and when to repaint."""

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QObject, QPointF, QRectF, QTimer, Signal
from PySide6.QtGui import QPainter

from maskgui.core.entities import Instance
from maskgui.core.shape import Box, Shape
from maskgui.ui.canvas.chips import chip_bleed
from maskgui.ui.canvas.colors import CanvasColors
from maskgui.ui.canvas.outlines import Outline, Outlines
from maskgui.ui.canvas.paintlist import LINE_BLEED, PaintList, PaintPlan, paint_tile
from maskgui.ui.canvas.scene import CanvasScene
from maskgui.ui.canvas.still import Still
from maskgui.ui.canvas.tiles import (
    EVERYWHERE,
    TILE,
    TileKey,
    TilePainter,
    TileStore,
    tile_rect,
    visible_keys,
)
from maskgui.ui.canvas.viewport import Viewport

HALO_BELOW = 200
"""Instances in view from which the halo is left to hovered and selected ones."""
LIFT_INSTANCES = 40
LIFT_VERTICES = 6000
"""A selection beyond these is painted in the tiles; it cannot be drawn anew in every frame."""
MANY = 100
"""Changed instances from which all tiles are painted anew, rather than each looked at."""
REST_MS = 50
"""After a zoom the tiles of the new scale are painted when it has rested for so long."""


class InstanceLayer(QObject):
    """Keeps the tiles of the overlay fresh, and says what must be drawn live above them."""

    changed = Signal()
    touched = Signal(QRectF)  # only this part of the canvas changed, in logical coordinates
    painted = Signal()
    settled = Signal()

    def __init__(self, scene: CanvasScene, view: Viewport, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._scene = scene
        self._view = view
        self._store = TileStore()
        self._outlines = Outlines()
        self._live_outlines = Outlines()  # the window's own: it never waits for the thread
        self.still = Still(self)  # of what is drawn live
        self.still.ready.connect(self._still_ready)
        self._painter = TilePainter(self)
        self._painter.painted.connect(self._collect)
        self._rest = QTimer(self, singleShot=True, interval=REST_MS)
        self._rest.timeout.connect(self.schedule)
        self._rest.timeout.connect(self.changed)
        self._content: PaintList | None = None
        self._halo = True
        self._scale = 0.0
        self._colors: CanvasColors | None = None
        self.labelled = False
        self.selected: frozenset[int] = frozenset()
        self.lifted: frozenset[int] = frozenset()

    def close(self) -> None:
        """Stop the painting thread and wait for it."""
        self._rest.stop()
        self._painter.close()
        self.still.close()

    def reset(self) -> None:
        """Another image, or all of its instances, are shown."""
        self._store.clear()
        self._outlines.clear()
        self._live_outlines.clear()
        self.still.forget()
        self._content = None
        self._cancel()
        self._rest.stop()
        self.schedule()

    def restyle(self, colors: CanvasColors) -> None:
        """All instances look different."""
        self._colors = colors
        self.spoil()

    def spoil_instances(self, changed: Sequence[Instance]) -> None:
        """These instances, as they were or as they are now, look different."""
        if not changed:
            return
        if self._content is not None and len(changed) <= MANY:
            after = {
                one.id: self._scene.paint_item(one.id, labelled=self.labelled) for one in changed
            }
            self._content = self._content.changed(after)
        else:
            self._content = None
        self._repaint(changed)

    def spoil(self) -> None:
        """All instances look different, or others are shown."""
        self._content = None
        self._spoil(EVERYWHERE)
        self.schedule()

    def _repaint(self, instances: Sequence[Instance]) -> None:
        """Paint anew what these instances cover, or all where they are many."""
        many = len(instances) > MANY
        for box in [EVERYWHERE] if many else [one.shape.bounds for one in instances]:
            self._spoil(box)
        self.schedule()

    def _spoil(self, box: Box) -> None:
        """Tiles and those being painted are out of date, but serve until others are there."""
        reach = chip_bleed(labelled=self.labelled) if self.content.tagged else LINE_BLEED
        bleed = reach * self._view.ratio
        self._store.spoil(box, self._view.scale, bleed)
        self._painter.spoil(box, bleed)

    def set_selected(self, selected: frozenset[int]) -> None:
        """Other instances are selected."""
        before, self.selected = self.selected, selected
        lifted = selected if self._can_lift(selected) else frozenset()
        changed = self.lifted ^ lifted
        if not (self.lifted == before and lifted == selected):
            changed |= before ^ selected  # some are painted as selected in the tiles
        self.lifted = lifted
        shapes = (self._scene.instance(one) for one in changed)
        if changed:  # the instances are what they were: the list of them stays
            self._repaint([one for one in shapes if one is not None])

    def view_changed(self) -> None:
        """The view was scrolled, zoomed or resized."""
        if self._view.scale == self._scale:
            self.schedule()
            return
        self._scale = self._view.scale
        self._cancel()
        self._rest.start()

    @property
    def content(self) -> PaintList:
        """The instances to paint."""
        if self._content is None:
            self._content = PaintList(self._scene.paint_items(labelled=self.labelled))
        return self._content

    @property
    def halo(self) -> bool:
        """Whether few enough instances are in view for all to have a halo."""
        return self._halo

    def is_settled(self) -> bool:
        """Whether all that is in view is painted as it should be."""
        if self._rest.isActive() or self.still.busy:
            return False
        return self._store.whole(visible_keys(self._view))

    def draw(self, painter: QPainter) -> None:
        """Draw the tiles in view."""
        self._store.draw(painter, self._view, visible_keys(self._view))

    def outline(self, instance_id: int, shape: Shape) -> Outline:
        """Return an outline with what vertices the view's scale can show."""
        return self._live_outlines.at_scale([(instance_id, shape)], self._view.scale)[0]

    def chips(self) -> dict[int, QRectF]:
        """Return where the tiles in view show chips, by instance, in logical coordinates."""
        (left, top), ratio = self._view.origin, self._view.ratio
        found = {}
        for key in visible_keys(self._view):
            tile = self._store.tiles.get(key)
            for one, box in tile.chips.items() if tile is not None else ():
                corner = QPointF(box.x() + left, box.y() + top) / ratio
                found[one] = QRectF(corner, box.size() / ratio)
        return found

    def left_out(self) -> list[tuple[TileKey, frozenset[int]]]:
        """Tiles in view that leave out instances which are not drawn live any more."""
        found = []
        for key in visible_keys(self._view):
            tile = self._store.tiles.get(key)
            if tile is not None and (missing := tile.without - self.lifted):
                found.append((key, missing))
        return found

    def rect_of(self, key: TileKey) -> QRectF:
        """Return where a tile is drawn."""
        return tile_rect(self._view, key)

    def schedule(self) -> None:
        """Have the thread paint what is missing or out of date, what is in view first."""
        if self._colors is None or self._scene.image_id is None or self._rest.isActive():
            return
        self._scale = self._view.scale
        visible = visible_keys(self._view)
        self._choose_halo()
        around = visible_keys(self._view, TILE // 2)
        self._store.trim(self._scale, around)
        under_way = {job.key for job in self._painter.open_jobs if not job.spoiled}
        shown = set(visible)
        missing = [*visible, *(key for key in around if key not in shown)]
        missing = [key for key in missing if key not in under_way and not self._store.whole([key])]
        plan = self._plan()
        paint = partial(paint_tile, plan=plan, outlines=self._outlines)
        self._painter.replace(self._store.job(key, paint) for key in missing)

    def _plan(self) -> PaintPlan:
        assert self._colors is not None
        marked = self.selected - self.lifted
        return PaintPlan(
            self.content,
            self.lifted,
            marked,
            self._halo,
            self._colors.accent,
            self._view.ratio,
            self.labelled,
        )

    def _choose_halo(self) -> None:
        halo = len(self.content.within(self._view.visible_box())) < HALO_BELOW
        if halo != self._halo:
            self._halo = halo
            self._spoil(EVERYWHERE)

    def _can_lift(self, ids: frozenset[int]) -> bool:
        if len(ids) > LIFT_INSTANCES:
            return False
        found = (self._scene.instance(one) for one in ids)
        return sum(one.shape.vertex_count for one in found if one is not None) <= LIFT_VERTICES

    def _cancel(self) -> None:
        """Nothing that waits or is being painted is wanted any more."""
        self._painter.replace(())
        self._painter.cancel_running()

    def _still_ready(self) -> None:
        if self.is_settled():
            self.settled.emit()
        self.changed.emit()

    def _collect(self) -> None:
        """Take over what the thread painted; only tiles in view are to be shown."""
        visible = visible_keys(self._view)
        came = []
        for job in self._painter.take():
            if job.key.scale == self._view.scale:
                self._store.put(job)
                came.append(job.key)
        if self._store.whole(visible):
            self._store.settle(self._view.scale)
            self.settled.emit()
        self.painted.emit()
        for key in set(came).intersection(visible):
            self.touched.emit(self.rect_of(key))
