"""What the drawing tools have in common: a finished outline becomes an instance, or is kept."""

from numpy.typing import ArrayLike

from maskgui.core.shape import Shape
from maskgui.tools.base import Response, Scene, Tool
from maskgui.tools.commit import added
from maskgui.tools.shaping import outline

NOTHING_DRAWN = "That outline covers nothing inside the image: nothing was added"


def finish(tool: Tool, points: ArrayLike, scene: Scene) -> Response:
    """Answer for an outline (N x 2) that is complete; the tool is idle again already."""
    return new_instance(tool, outline(points, *scene.size), scene)


def new_instance(tool: Tool, shape: Shape, scene: Scene) -> Response:
    """Answer for a finished, settled shape.

    Without a category for it the shape goes out as `drawn`, so that it is not lost.
    """
    if not shape.parts:
        return tool.answer(scene, status=NOTHING_DRAWN)
    if scene.draw_category is None:
        return tool.answer(scene, drawn=shape)
    edit, instance = added(shape, scene.draw_category, scene)
    return tool.answer(scene, edit=edit, selection=frozenset({instance.id}))
