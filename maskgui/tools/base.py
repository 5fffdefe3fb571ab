"""What a tool receives, answers and may ask: the contract between the canvas and its tools."""

import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, NamedTuple, Protocol

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

    @property
    def undoes(self) -> bool:
        """Whether it is the key of undo."""
        return self.name == "z" and self.modifiers == {"ctrl"}

    @property
    def redoes(self) -> bool:
        """Whether it is a key of redo."""
        again = self.name == "z" and self.modifiers == {"ctrl", "shift"}
        return again or (self.name == "y" and self.modifiers == {"ctrl"})


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
    marked: NDArray[np.float64] | None = None  # M x 2, shown as vertices; None for all points


@dataclass(frozen=True)
class Path:
    """A line being drawn by hand: shown without its vertices."""

    points: NDArray[np.float64]  # N x 2, N >= 1, image coordinates
    closed: bool = False  # the area inside it counts
    sign: str = ""  # "add", "remove", "cut"; "" for a new outline
    anchors: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 2)))  # shown
    closes: bool = False  # a click now would close it


@dataclass(frozen=True)
class Area:
    """An area about to be added to instances, or taken from them."""

    shape: Shape
    adds: bool = True


@dataclass(frozen=True)
class Disk:
    """The brush at its true size."""

    x: float
    y: float
    radius: float  # image pixels
    adds: bool = True


@dataclass(frozen=True)
class Frame:
    """The handles of a transform."""

    corners: NDArray[np.float64]  # 4 x 2, scaling
    pivot: tuple[float, float]
    turner: tuple[float, float]  # the handle that rotates
    grabbed: int | None = None  # 0-3 a corner, 4 the turner


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
    path: Path | None = None
    area: Area | None = None
    disk: Disk | None = None
    frame: Frame | None = None
    snapped: tuple[float, float] | None = None  # the vertex or edge of a neighbour that pulls

    def unpointed(self) -> "Overlay":
        """Return it without what lies under the pointer, which is elsewhere."""
        return replace(self, hovered=None, vertex=None, edge=None, disk=None, snapped=None)


Runs = list[list[tuple[float, float]]]
"""A draft that waits: the points it has, in image coordinates, as each tool groups them."""
Pixels = NDArray[np.uint8]
"""H x W x 3 upright RGB."""
_TICKETS = itertools.count(1)


@dataclass(frozen=True)
class Request:
    """Image work that a tool asks for: a pure function of pixels, to run off the main thread.

    Whoever carries it out cuts `box` (whole pixels, inside the image) from the upright image,
    calls `work` with it, and hands ticket and result to `Toolbox.deliver`. A later request of the
    same tool makes an earlier one stale, which need not be carried out any more. `work` may raise
    UserError: it goes to `Toolbox.deliver` in place of a result.
    """

    box: tuple[int, int, int, int]  # x0, y0, x1, y1, exclusive on the right and at the bottom
    work: Callable[[Pixels], Any]
    ticket: int = field(default_factory=lambda: next(_TICKETS))


@dataclass(frozen=True)
class Option:
    """One thing about a tool that a person can set, beside the canvas or by key and wheel."""

    name: str
    label: str
    value: float  # 0 or 1 for a switch
    low: float = 0.0
    high: float = 1.0
    unit: str = ""
    switch: bool = False


@dataclass(frozen=True)
class Response:
    """What came of one event, and how the tool looks after it."""

    edit: Edit | None = None
    selection: frozenset[int] | None = None
    handover: str | None = None  # the tool to go to
    drawn: Shape | None = None  # finished, valid, but there is no category to give it yet
    request: Request | None = None  # image work to carry out now
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

    @property
    def top(self) -> int:
        """The highest order number of the image's instances, hidden ones too; -1 without any."""

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

    def unsimplified(self, instance: Instance) -> Shape:
        """The outline that an instance had before it was simplified, else its own."""

    def simplified_by(self, instance: Instance) -> str:
        """The label of the edit that last simplified it, "" when it was not."""


@dataclass(frozen=True)
class Look:
    """How a tool looks in its present state."""

    cursor: str
    overlay: Overlay
    status: str


class Tool(ABC):
    """A state machine; after `cancel` it is idle and the document is as it was."""

    name: ClassVar[str]
    follows: ClassVar[bool] = True  # the view goes on with a hand that is busy at its edge
    confirms: ClassVar[str] = ""  # what Enter does at once, as a button says it
    step: ClassVar[str] = ""  # what undo takes back of an open draft; "": all of what is open

    def figures(self, scene: Scene) -> str:
        """Return what the present options would come to, in a few words; "" for nothing."""
        return ""

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

    def wheel(self, notches: float, pointer: Pointer, scene: Scene) -> Response:
        """The plain wheel turned, away from the person for positive; not handled, it scrolls."""
        return self.answer(scene, handled=False)

    def deliver(self, ticket: int, result: object, scene: Scene) -> Response:
        """A request was carried out; `result` is a UserError where it failed. Stale: nothing."""
        return self.answer(scene, handled=False)

    def options(self) -> tuple[Option, ...]:
        """What a person can set of the tool, with present values."""
        return ()

    def set_option(self, name: str, value: float) -> None:
        """Set one of `options`, kept within its bounds. Raises KeyError for another name."""
        raise KeyError(name)

    def wants(self, key: Key) -> bool:
        """Whether the key is the tool's now, before any shortcut that has the same key."""
        return key.name == "escape" and self.busy

    def take_back(self, scene: Scene) -> Response:
        """Undo, while busy: drop the last `step` of the draft, or what is open as a whole."""
        self.cancel()
        return self.answer(scene)

    @property
    def draft(self) -> Runs | None:
        """What is open and can wait for the person to come back; None where nothing is."""
        return None

    def park(self) -> Runs | None:
        """Return the draft, to `resume` when the person comes back, and become idle."""
        draft = self.draft
        self.cancel()
        return draft

    def resume(self, draft: Runs) -> None:  # noqa: B027 - most tools keep no draft
        """Take up a draft that `park` returned."""

    def answer(
        self,
        scene: Scene,
        *,
        edit: Edit | None = None,
        selection: frozenset[int] | None = None,
        handover: str | None = None,
        drawn: Shape | None = None,
        request: Request | None = None,
        status: str | None = None,
        handled: bool = True,
    ) -> Response:
        """Return a response that carries the present look."""
        look = self.look(scene)
        text = look.status if status is None else status
        return Response(
            edit, selection, handover, drawn, request, look.cursor, look.overlay, text, handled
        )
