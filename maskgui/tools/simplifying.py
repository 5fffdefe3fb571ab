"""Fewer vertices and smoother outlines, with a preview of what it costs."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from maskgui.core.booleans import overlap
from maskgui.core.entities import Instance
from maskgui.core.shape import Shape
from maskgui.core.simplify import thinned
from maskgui.core.smooth import smoothed
from maskgui.tools.base import Key, Look, Option, Overlay, Pointer, Response, Scene
from maskgui.tools.commit import reshaped
from maskgui.tools.picking import bodies, editable
from maskgui.tools.shaping import settle_all
from maskgui.tools.stepping import SteppedTool

BOUNDS = {"tolerance": (0.0, 20.0), "smoothness": (0.0, 20.0)}
"""Image pixels."""
STEP = 0.25
LEAVING = Response(handover="select")
"""Without a look of this tool, which would make a preview that nobody sees."""
_LABEL = re.compile(r"(Simplify|Smooth)(?: ([0-9.]+) px)?(?:, simplify ([0-9.]+) px)?")


def label_of(values: Mapping[str, float]) -> str:
    """Return the label of an edit with these settings, in image pixels.

    By it the outline before and the settings are found in the history, also after a restart.
    """
    tolerance, smoothness = (f"{values[name]:.2f}" for name in ("tolerance", "smoothness"))
    if not values["smoothness"]:
        return f"Simplify {tolerance} px"
    return f"Smooth {smoothness} px, simplify {tolerance} px"


def is_simplifying(label: str) -> bool:
    """Whether an edit with this label was made by this tool; older ones name no settings."""
    return _LABEL.fullmatch(label) is not None


def settings_of(label: str) -> dict[str, float]:
    """Return the settings that an edit's label names, {} when it names none."""
    found = _LABEL.fullmatch(label)
    if found is None or found[2] is None:
        return {}
    if found[1] == "Simplify":
        return {"tolerance": float(found[2]), "smoothness": 0.0}
    return {"tolerance": float(found[3] or 0), "smoothness": float(found[2])}


@dataclass(frozen=True)
class Preview:
    """What the present settings would make of the selected instances."""

    before: int = 0  # vertices
    after: int = 0
    iou: float = 1.0  # the least of all instances, by area
    live: dict[int, Shape] = field(default_factory=dict)


class SimplifyTool(SteppedTool):
    """Set tolerance and smoothness, see the outcome, and keep it with Enter.

    An instance that was simplified before is made anew from its outline of before that, and comes
    with the settings it has, so that they can be changed to both sides at any time.
    """

    name = "simplify"
    follows = False
    confirms = "Simplify"

    def __init__(self) -> None:
        self.values = {"tolerance": 1.0, "smoothness": 0.0}
        self._made: tuple[object, Preview] | None = None
        self._full: dict[int, tuple[Shape, Shape]] = {}  # by id: outline, and unsimplified
        self._changed = False
        self._unchanged = dict(self.values)  # before the first change that is not kept
        self._recalled: tuple[int, Shape] | None = None  # whose settings were asked for last

    @property
    def busy(self) -> bool:
        """Whether a setting was changed and not kept."""
        return self._changed

    def cancel(self) -> None:
        """Forget the preview; the settings stay for the next instance."""
        self._changed = False
        self._made = self._recalled = None
        self._full.clear()

    def take_back(self, scene: Scene) -> Response:
        """Set what was set before."""
        self.values = dict(self._unchanged)
        return super().take_back(scene)

    def preview(self, scene: Scene) -> Preview:
        """Return what the present settings would make of the selected, unlocked instances."""
        chosen = editable(scene)
        if len(chosen) == 1 and not self._changed:
            self._recall(chosen[0], scene)
        asked = ([(one.id, one.shape) for one in chosen], dict(self.values), scene.size)
        if self._made is None or self._made[0] != asked:
            self._made = (asked, self._make(chosen, scene))
        return self._made[1]

    def figures(self, scene: Scene) -> str:
        """Vertices before and after, and how well both outlines agree."""
        if not editable(scene):
            return ""
        made = self.preview(scene)
        return f"{made.before} → {made.after} vertices   IoU {made.iou:.3f}"

    def look(self, scene: Scene) -> Look:
        """The outlines as they would be."""
        if not editable(scene):
            return Look("point", Overlay(), "Simplify: click an instance")
        made = self.preview(scene)
        status = (
            f"Simplify: {made.before} → {made.after} vertices, IoU {made.iou:.3f}; "
            "the wheel or [ and ] change it, Enter keeps it, Esc leaves"
        )
        return Look("arrow", Overlay(live=made.live), status)

    def press(self, pointer: Pointer, scene: Scene) -> Response:
        """Choose the instance."""
        if pointer.button != "left":
            return self.answer(scene, handled=False)
        return self.answer(scene, selection=frozenset(bodies(scene, pointer)[:1]))

    def move(self, pointer: Pointer, scene: Scene) -> Response:
        """Nothing follows the pointer."""
        return self.answer(scene)

    def key(self, key: Key, scene: Scene) -> Response:
        """Enter keeps it, Esc drops it and leaves."""
        if key.name == "enter":
            return self.keep(scene)
        if key.name == "escape":
            self.cancel()
            return LEAVING
        return super().key(key, scene)

    def wants(self, key: Key) -> bool:
        """Enter besides the common ones."""
        return super().wants(key) or (key.name == "enter" and not key.modifiers)

    def stepped(self, steps: float, scene: Scene) -> Response:
        """Change the tolerance."""
        self.set_option("tolerance", self.values["tolerance"] + STEP * steps)
        return self.answer(scene)

    def keep(self, scene: Scene) -> Response:
        """Give the selected instances the previewed outlines in one edit, and leave."""
        chosen, made = editable(scene), self.preview(scene)
        self.cancel()
        if not chosen:
            return self.answer(scene, status="Simplify: select an instance first")
        edit = reshaped(chosen, made.live, label_of(self.values), scene)
        return replace(LEAVING, edit=edit)

    def options(self) -> tuple[Option, ...]:
        """The two settings, in image pixels."""
        return tuple(
            Option(name, name.capitalize(), self.values[name], low, high, "px")
            for name, (low, high) in BOUNDS.items()
        )

    def set_option(self, name: str, value: float) -> None:
        """Set one of them."""
        low, high = BOUNDS[name]
        if not self._changed:
            self._unchanged = dict(self.values)
        self.values[name] = float(np.clip(value, low, high))
        self._changed = True

    def _make(self, chosen: list[Instance], scene: Scene) -> Preview:
        full = {one.id: self._unsimplified(one, scene) for one in chosen}
        simpler = self._simpler(list(full.values()), *scene.size)
        live = dict(zip(full, simpler, strict=True))
        return Preview(
            sum(shape.vertex_count for shape in full.values()),
            sum(shape.vertex_count for shape in live.values()),
            min((overlap(full[number], live[number]) for number in live), default=1.0),
            live,
        )

    def _recall(self, instance: Instance, scene: Scene) -> None:
        """Set what the instance was last simplified with; what never was takes what is set."""
        asked = (instance.id, instance.shape)
        if self._recalled != asked:
            self._recalled = asked
            self.values.update(settings_of(scene.simplified_by(instance)))

    def _unsimplified(self, instance: Instance, scene: Scene) -> Shape:
        """Ask the history once for each outline: it may have to read from the file."""
        known = self._full.get(instance.id)
        if known is None or known[0] != instance.shape:
            known = (instance.shape, scene.unsimplified(instance))
            self._full[instance.id] = known
        return known[1]

    def _simpler(self, shapes: Sequence[Shape], width: int, height: int) -> list[Shape]:
        """Return the simpler shapes; the shape itself where nothing would be left of it."""
        smooth = [smoothed(shape, self.values["smoothness"]) for shape in shapes]
        settled = settle_all(smooth, width, height)
        simpler = [thinned(shape, self.values["tolerance"]) for shape in settled]
        made = settle_all(simpler, width, height)
        return [new if new.parts else old for old, new in zip(shapes, made, strict=True)]
