"""What a tool receives, answers and may ask: the contract between the canvas and its tools."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from maskgui.core.detections import Detections
from maskgui.core.document import Edit
from maskgui.core.entities import ImageRecord, Instance
from maskgui.core.hit import HitIndex
from maskgui.core.shape import Box, Shape

Modifiers = frozenset[str]
"""Any of 'shift', 'ctrl', 'alt'."""

NO_MODIFIERS: Modifiers = frozenset()
CLICK_SLOP = 4.0
"""Screen pixels that the pointer may move between press and release of a click."""


@dataclass(frozen=True)
class Pointer:
    """The pointer in image coordinates; `scale` is screen pixels per image pixel."""

    x: float
    y: float
    button: str = "left"  # "left", "right", "middle"; "none" while hovering
    modifiers: Modifiers = NO_MODIFIERS
    scale: float = 1.0
    clicks: int = 1  # 2 for the press that makes a double-click

    @property
    def point(self) -> tuple[float, float]:
        """x, y in image coordinates."""
        return (self.x, self.y)

    def far_from(self, other: "Pointer") -> bool:
        """Whether the way from `other` is a drag rather than a click."""
        distance = float(np.hypot(self.x - other.x, self.y - other.y))
        return distance * self.scale > CLICK_SLOP


@dataclass(frozen=True)
class Key:
    """A key by name: 'enter', 'escape', 'backspace', 'delete', 'tab', 'left', ..., 'n', 'z'."""

    name: str
    modifiers: Modifiers = NO_MODIFIERS


class VertexRef(NamedTuple):
    """One vertex of one instance; ring 0 is the exterior of the part."""

    instance: int
    part: int
    ring: int
    at: int


class EdgeRef(NamedTuple):
    """The edge from vertex `at` to the next of its ring, and the point on it."""

    instance: int
    part: int
    ring: int
    at: int
    x: float
    y: float


@dataclass(frozen=True)
class Draft:
    """An outline being drawn: the points set so far and where the next one would go."""

    points: NDArray[np.float64]  # N x 2, image coordinates
    cursor: tuple[float, float] | None = None
    closes: bool = False  # a click now would close it
    closed: bool = False  # it is an outline already (rectangle)


@dataclass(frozen=True)
class Overlay:
    """What a tool wants drawn above the instances: only what its state needs."""

    hovered: int | None = None
    vertex: VertexRef | None = None
    edge: EdgeRef | None = None
    marked: frozenset[VertexRef] = frozenset()
    doomed: bool = False  # a click now deletes the hovered vertex
    band: Box | None = None
    draft: Draft | None = None
    live: dict[int, Shape] = field(default_factory=dict)  # drawn instead of the instance's own


@dataclass(frozen=True)
class Response:
    """What came of one event, and how the tool looks after it."""

    edit: Edit | None = None
    selection: frozenset[int] | None = None
    handover: str | None = None  # the tool to go to
    drawn: Shape | None = None  # finished, valid, but there is no category to give it yet
    cursor: str = "arrow"  # "arrow", "cross", "point", "move", "vertex", "add", "remove"
    overlay: Overlay = field(default_factory=Overlay)
    status: str = ""
    handled: bool = True


class Scene(Protocol):
    """What a tool may ask about the image on the canvas."""

    @property
    def image(self) -> ImageRecord:
        """The record of the image shown."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the image in pixels."""

    @property
    def selection(self) -> frozenset[int]:
        """Ids of the selected instances."""

    @property
    def draw_category(self) -> int | None:
        """The category of the next drawn instance."""

    @property
    def move_freely(self) -> bool:
        """Whether a plain drag moves an instance."""

    def instances(self) -> Sequence[Instance]:
        """The instances that are shown, the lowest first."""

    def instance(self, instance_id: int) -> Instance | None:
        """One shown instance, None when there is none of that id."""

    @property
    def hits(self) -> HitIndex:
        """The shown instances, ready to be asked what lies where."""

    def locked(self, instance_id: int) -> bool:
        """Whether the person locked the instance against changes."""

    def new_id(self) -> int:
        """An id that was never used."""

    def detections(self) -> Detections | None:
        """What the model said about the image, None when it was not asked."""


@dataclass(frozen=True)
class Look:
    """How a tool looks in its present state."""

    cursor: str
    overlay: Overlay
    status: str


class Tool(ABC):
    """A state machine; after `cancel` it is idle and the document is as it was."""

    name: ClassVar[str]

    @abstractmethod
    def look(self, scene: Scene) -> Look:
        """Return cursor, overlay and status text of the present state."""

    @property
    @abstractmethod
    def busy(self) -> bool:
        """Whether a gesture or draft is open, so that Esc has something to cancel."""

    @abstractmethod
    def cancel(self) -> None:
        """Drop gesture and draft."""

    def press(self, pointer: Pointer, scene: Scene) -> Response:
        """A button went down; `clicks` is 2 for the second press of a double-click."""
        return self.answer(scene, handled=False)

    def move(self, pointer: Pointer, scene: Scene) -> Response:
        """The pointer moved, with or without a button down."""
        return self.answer(scene, handled=False)

    def release(self, pointer: Pointer, scene: Scene) -> Response:
        """The button went up."""
        return self.answer(scene, handled=False)

    def key(self, key: Key, scene: Scene) -> Response:
        """A key went down, or repeats."""
        return self.answer(scene, handled=False)

    def key_up(self, key: Key, scene: Scene) -> Response:
        """A key went up."""
        return self.answer(scene, handled=False)

    def wants(self, key: Key) -> bool:
        """Whether the key is the tool's now, before any shortcut that has the same key."""
        return key.name == "escape" and self.busy

    def park(self) -> object | None:
        """Return the open draft, to `resume` when the person comes back, and become idle."""
        self.cancel()
        return None

    def resume(self, draft: object) -> None:  # noqa: B027 - most tools keep no draft
        """Take up a draft that `park` returned."""

    def answer(
        self,
        scene: Scene,
        *,
        edit: Edit | None = None,
        selection: frozenset[int] | None = None,
        handover: str | None = None,
        drawn: Shape | None = None,
        status: str | None = None,
        handled: bool = True,
    ) -> Response:
        """Return a response that carries the present look."""
        look = self.look(scene)
        text = look.status if status is None else status
        return Response(edit, selection, handover, drawn, look.cursor, look.overlay, text, handled)
