"""A scene as it was at one moment: what work off the main thread may look at."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from maskgui.core.detections import Detections
from maskgui.core.entities import ImageRecord, Instance
from maskgui.core.hit import HitIndex
from maskgui.core.shape import Shape
from maskgui.tools.base import Scene


@dataclass(frozen=True)
class Snapshot:
    """Implements `Scene`; nothing in it changes any more."""

    image: ImageRecord
    size: tuple[int, int]
    selection: frozenset[int]
    draw_category: int | None
    move_freely: bool
    shown: tuple[Instance, ...]
    top: int
    locked_ids: frozenset[int]
    found: Detections | None
    make_id: Callable[[], int]
    originals: Callable[[Instance], Shape]
    simplifiers: Callable[[Instance], str]

    @cached_property
    def _by_id(self) -> dict[int, Instance]:
        return {one.id: one for one in self.shown}

    @cached_property
    def hits(self) -> HitIndex:
        """The shown instances, ready to be asked what lies where."""
        return HitIndex(self.shown)

    def instances(self) -> Sequence[Instance]:
        """The instances that were shown, the lowest first."""
        return self.shown

    def instance(self, instance_id: int) -> Instance | None:
        """One shown instance, None when there was none of that id."""
        return self._by_id.get(instance_id)

    def locked(self, instance_id: int) -> bool:
        """Whether the person had locked the instance."""
        return instance_id in self.locked_ids

    def new_id(self) -> int:
        """An id that was never used."""
        return self.make_id()

    def detections(self) -> Detections | None:
        """What the model had said about the image."""
        return self.found

    def unsimplified(self, instance: Instance) -> Shape:
        """The outline that an instance had before it was simplified, else its own."""
        return self.originals(instance)

    def simplified_by(self, instance: Instance) -> str:
        """The label of the edit that had last simplified it, "" when it was not."""
        return self.simplifiers(instance)


def snapshot(scene: Scene) -> Snapshot:
    """Return the scene as it is now."""
    shown = tuple(scene.instances())
    return Snapshot(
        scene.image,
        scene.size,
        scene.selection,
        scene.draw_category,
        scene.move_freely,
        shown,
        scene.top,
        frozenset(one.id for one in shown if scene.locked(one.id)),
        scene.detections(),
        scene.new_id,
        scene.unsimplified,
        scene.simplified_by,
    )
