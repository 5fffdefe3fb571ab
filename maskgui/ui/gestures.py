"""What keys and pointer do beyond the commands: the tools' own gestures, as F1 lists them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Gesture:
    """A key or pointer gesture that the tools understand by themselves; listed under F1."""

    label: str
    keys: str


GESTURES = (
    Gesture("Finish a draft", "Enter, N, double-click, first vertex"),
    Gesture("Cancel a draft", "Esc"),
    Gesture("From a panel back to the canvas", "Esc"),
    Gesture("Take back a vertex or point", "Backspace, Ctrl+Z"),
    Gesture("Add to the selection", "Shift+click, Ctrl+click"),
    Gesture("Select by a frame", "Drag from an empty place"),
    Gesture("Select by a lasso", "Alt+drag"),
    Gesture("Move a whole instance", "Ctrl+drag"),
    Gesture("Nudge", "Arrow keys"),
    Gesture("Next or previous instance under the cursor", "Tab, Shift+Tab"),
    Gesture("Edit the vertices of an instance", "Double-click"),
    Gesture("Move a vertex", "Drag"),
    Gesture("Add a vertex", "Alt+click an edge, drag in vertex mode"),
    Gesture("Delete a vertex", "Alt+Shift+click"),
    Gesture("Mark vertices in vertex mode", "Drag, Alt+drag, Ctrl+click"),
    Gesture("Size of the brush", "[ and ], wheel"),
    Gesture("Turn brush into eraser and back", "Alt+drag"),
    Gesture("Tolerance of the wand", "Drag, wheel, [ and ]"),
    Gesture("Wand: add, take away", "Shift+drag, Alt+drag"),
    Gesture("Let go of what a vertex snaps to", "Alt"),
    Gesture("Simplify more or less, keep it", "Wheel, [ and ], Enter"),
    Gesture("Refine the selected instance", "Enter"),
    Gesture("More tools of a group", "Hold or right-click its button"),
    Gesture("Zoom at the cursor", "Ctrl+wheel"),
    Gesture("Pan", "Middle drag, Space+drag"),
)
