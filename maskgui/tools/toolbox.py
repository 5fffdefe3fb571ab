"""The tools of a canvas: which one is active, and the drafts left open on other images."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from maskgui.tools.base import Key, Pointer, Response, Runs, Scene, Tool
from maskgui.tools.brush import BrushTool, EraserTool
from maskgui.tools.gestures import VertexRules
from maskgui.tools.lasso import FreehandTool, LassoAddTool, LassoSubtractTool
from maskgui.tools.polygon import PolygonTool
from maskgui.tools.punch import PunchTool
from maskgui.tools.rectangle import EllipseTool, RectangleTool
from maskgui.tools.refine import RefineTool
from maskgui.tools.reroute import RerouteTool
from maskgui.tools.scissors import ScissorsTool
from maskgui.tools.select import SelectTool
from maskgui.tools.simplifying import SimplifyTool
from maskgui.tools.slice import SliceTool
from maskgui.tools.transform import TransformTool
from maskgui.tools.vertex import VertexTool
from maskgui.tools.wand import WandTool

TOOLS: dict[str, Callable[[], Tool]] = {
    tool.name: tool
    for tool in (
        SelectTool,
        VertexTool,
        PolygonTool,
        RectangleTool,
        EllipseTool,
        FreehandTool,
        BrushTool,
        EraserTool,
        LassoAddTool,
        LassoSubtractTool,
        RerouteTool,
        SliceTool,
        PunchTool,
        TransformTool,
        SimplifyTool,
        ScissorsTool,
        WandTool,
        RefineTool,
    )
}
"""Every tool by name. A new tool is one module, one entry here and one test."""

TAKEN_BACK = "Taken back: nothing was changed"
REDO_WAITS = "Redo waits until this is finished, or dropped with Esc"

Drafts = dict[tuple[int, str], Runs]
"""By image and tool, the last that was put down last."""


class Toolbox:
    """Hands events to the active tool and follows its handovers."""

    def __init__(self) -> None:
        self._tools = {name: make() for name, make in TOOLS.items()}
        rules = VertexRules()  # one choice for both tools that drag vertices
        self._tools["vertex"] = VertexTool(rules)
        self._tools["select"] = SelectTool(rules)
        self._drafts: Drafts = {}
        self._image_id: int | None = None
        self._active = self._tools["select"]

    @property
    def active(self) -> Tool:
        """The tool in the person's hand."""
        return self._active

    @property
    def tools(self) -> Iterable[Tool]:
        """All tools."""
        return self._tools.values()

    @property
    def begun(self) -> str:
        """What undo is for now, in words: "last vertex"; "" where the history is next."""
        if not self._active.busy:
            return ""
        return f"last {self._active.step}" if self._active.step else "what is begun"

    def use(self, name: str) -> None:
        """Take another tool. An open draft waits until its tool is taken again. KeyError."""
        tool = self._tools[name]
        if tool is self._active:
            return
        self._put_down()
        self._active = tool
        self._take_up()

    def enter(self, image_id: int | None) -> None:
        """Go to an image: the draft of the one left is kept, one of this one taken up.

        That is the draft of the tool in hand, else the last; others wait for their tools. The same
        image again has other pixels: what was begun on those before ends, but for its draft.
        """
        self._put_down()
        if image_id != self._image_id:
            self._image_id = image_id
            waiting = [name for at, name in self._drafts if at == image_id]
            if waiting and self._active.name not in waiting:
                self._active = self._tools[waiting[-1]]
        self._take_up()

    @property
    def drafts(self) -> Drafts:
        """All that is begun and can wait, what the person is at included."""
        here = self._active.draft
        if here is None or self._image_id is None:
            return dict(self._drafts)
        return self._drafts | {(self._image_id, self._active.name): here}

    def recall(self, drafts: Mapping[tuple[int, str], Runs]) -> None:
        """Forget what is open and take these drafts instead; each waits for its image.

        What its tool cannot go on from is dropped.
        """
        self._active.park()
        self._image_id = None
        self._drafts = {key: runs for key, runs in drafts.items() if self._fits(key[1], runs)}

    def _fits(self, name: str, runs: Runs) -> bool:
        """Whether a tool can go on from a draft, which may come from a damaged project."""
        tool = self._tools.get(name)
        if tool is None or not all(runs):  # no tool keeps a run without points
            return False
        try:
            tool.resume(runs)
        except ValueError:
            tool.cancel()
            return False
        return tool.park() is not None

    def _take_up(self) -> None:
        if self._image_id is None:
            return
        draft = self._drafts.pop((self._image_id, self._active.name), None)
        if draft is not None:
            self._active.resume(draft)

    def _put_down(self) -> None:
        draft = self._active.park()
        if draft is not None and self._image_id is not None:
            self._drafts[self._image_id, self._active.name] = draft

    def press(self, pointer: Pointer, scene: Scene) -> Response:
        """A button went down."""
        return self._follow(self._active.press(pointer, scene))

    def move(self, pointer: Pointer, scene: Scene) -> Response:
        """The pointer moved."""
        return self._active.move(pointer, scene)

    def release(self, pointer: Pointer, scene: Scene) -> Response:
        """The button went up."""
        return self._follow(self._active.release(pointer, scene))

    def wants(self, key: Key) -> bool:
        """Whether the key is the tool's now; undo and redo are while something is open."""
        return (self._active.busy and (key.undoes or key.redoes)) or self._active.wants(key)

    def key(self, key: Key, scene: Scene) -> Response:
        """A key went down."""
        if self._active.busy and key.undoes:
            return self.take_back(scene)
        if self._active.busy and key.redoes:
            return self._active.answer(scene, status=REDO_WAITS)
        return self._follow(self._active.key(key, scene))

    def take_back(self, scene: Scene) -> Response:
        """Undo what is open, one rule for all tools: its last step, else all of it.

        The history is not for this hand before the tool is idle.
        """
        response = self._active.take_back(scene)
        return response if self._active.busy else replace(response, status=TAKEN_BACK)

    def key_up(self, key: Key, scene: Scene) -> Response:
        """A key went up."""
        return self._active.key_up(key, scene)

    def wheel(self, notches: float, pointer: Pointer, scene: Scene) -> Response:
        """The plain wheel turned."""
        return self._active.wheel(notches, pointer, scene)

    def deliver(self, ticket: int, result: object, scene: Scene) -> Response:
        """Image work came back; what nobody waits for any more changes nothing."""
        return self._active.deliver(ticket, result, scene)

    def _follow(self, response: Response) -> Response:
        if response.handover is not None:
            self.use(response.handover)
        return response
