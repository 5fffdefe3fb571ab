"""What tools with one figure have in common: bracket keys and wheel change it, Esc goes back."""

from abc import abstractmethod

from maskgui.tools.base import Key, Pointer, Response, Scene, Tool

STEP_KEYS = {"[": -1, "]": 1}


def step_of(key: Key) -> int:
    """Return 1 for the key that means more, -1 for less, 0 for another."""
    return 0 if key.modifiers else STEP_KEYS.get(key.name, 0)


def escaped(tool: Tool, scene: Scene) -> Response:
    """Answer Esc: what is open is dropped; the tool is left where nothing is."""
    leaves = not tool.busy
    tool.cancel()
    return tool.answer(scene, handover="select" if leaves else None)


class SteppedTool(Tool):
    """Tolerance, band or size by key and wheel; a subclass says what a step does."""

    @abstractmethod
    def stepped(self, steps: float, scene: Scene) -> Response:
        """Answer for a figure changed by so many steps, more for positive ones."""

    def key(self, key: Key, scene: Scene) -> Response:
        """The bracket keys change the figure; Esc drops what is open, and leaves when idle."""
        step = step_of(key)
        if step:
            return self.stepped(step, scene)
        if key.name == "escape":
            return escaped(self, scene)
        return self.answer(scene, handled=False)

    def wants(self, key: Key) -> bool:
        """Its own keys, always."""
        return not key.modifiers and key.name in ("escape", *STEP_KEYS)

    def wheel(self, notches: float, pointer: Pointer, scene: Scene) -> Response:
        """Change the figure."""
        return self.stepped(notches, scene)
