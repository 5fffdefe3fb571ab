"""What each tool does in its picture: prepared on a real image, stopped in mid-gesture."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from bench import Bench, loop

from maskgui.core.affine import rotation, transformed
from maskgui.core.booleans import difference, union
from maskgui.core.shape import Shape
from maskgui.tools.transform import TURNER_AWAY

CELLS = "0e4c2e2780de.png"
BUSES, SIGN, CAR, MOUSE, CATS, BOARDER = 423617, 525891, 234748, 516008, 358083, 343937
BANANAS, GULL, PLANE, BOWL, LAPTOP, CLOCK = 458756, 126107, 208901, 99053, 553664, 551780
PHOTOS = (BUSES, SIGN, CAR, MOUSE, CATS, BOARDER, BANANAS, GULL, PLANE, BOWL, LAPTOP, CLOCK)
"""Photographs under CC BY by their numbers in COCO."""


@dataclass(frozen=True)
class Scene:
    """One picture: the tool in hand, the image, the part of it in view, and the gesture."""

    tool: str
    image: int | str  # the number of a photograph, or the file name of a microscopy image
    middle: tuple[float, float]  # of the canvas, in image coordinates
    zoom: float  # below 3 a photograph is smooth, from there on its pixels are seen
    act: Callable[[Bench], None]

    @property
    def file_name(self) -> str:
        """The image's file."""
        return self.image if isinstance(self.image, str) else f"{self.image:012d}.jpg"


def select(bench: Bench) -> None:
    """A frame around two cars."""
    bench.hand.press(106, 284)
    bench.hand.glide(568, 470)


def vertex(bench: Bench) -> None:
    """The tip of a wing is pulled back to where it is."""
    plane = bench.at(330, 215)
    ring = plane.shape.parts[0].exterior
    tip = np.hypot(*(ring - (414, 159)).T) < 22
    cut = np.insert(ring[~tip], int(np.argmax(tip)), (388, 184), axis=0)
    bench.select(bench.reshape(plane, loop(*cut.tolist())))
    bench.take("vertex")
    bench.hand.press(388, 184)
    bench.hand.glide(412, 160)


def polygon(bench: Bench) -> None:
    """Six corners of a stop sign, and the way to the seventh."""
    bench.remove(bench.at(100, 200))
    bench.draw_as("stop sign")
    bench.take("polygon")
    for spot in ((84, 158), (127, 168), (148, 209), (149, 245), (124, 292), (83, 292)):
        bench.hand.click(*spot)
    bench.hand.glide(52, 246)


def rectangle(bench: Bench) -> None:
    """A number plate."""
    bench.draw_as("number plate")
    bench.take("rectangle")
    bench.hand.press(181, 288)
    bench.hand.glide(239, 307)


def ellipse(bench: Bench) -> None:
    """The rear wheel of a car."""
    bench.draw_as("wheel")
    bench.take("ellipse")
    bench.hand.press(38, 287)
    bench.hand.glide(80, 364)


def freehand(bench: Bench) -> None:
    """Most of the way around a computer mouse."""
    mouse = bench.at(300, 385)
    ring = outline(mouse.shape, 90)
    bench.remove(mouse)
    bench.draw_as("mouse")
    bench.take("freehand")
    bench.hand.press(*ring[0])
    bench.hand.trace(ring[1:74])


def brush(bench: Bench) -> None:
    """A cat gets its tail."""
    cat = bench.at(180, 250)
    tail = loop((30, 205), (108, 205), (108, 262), (30, 262))
    bench.select(bench.reshape(cat, difference(cat.shape, tail)))
    bench.take("brush")
    bench.set_option("radius", 13)
    bench.hand.press(114, 238)
    bench.hand.trace(curve((114, 238), (95, 238), (78, 233), (62, 231)))


def eraser(bench: Bench) -> None:
    """Snow beside the legs."""
    bench.select(bench.at(340, 200))
    bench.take("eraser")
    bench.set_option("radius", 9)
    bench.hand.press(301, 214)
    bench.hand.trace(curve((301, 214), (303, 240), (307, 268), (315, 292)))


def lasso_add(bench: Bench) -> None:
    """The end of a banana."""
    banana = bench.at(330, 280)
    end = loop((405, 220), (520, 220), (520, 360), (405, 360))
    bench.select(bench.reshape(banana, difference(banana.shape, end)))
    bench.take("lasso_add")
    way = curve(
        (398, 268),
        (430, 272),
        (462, 280),
        (484, 300),
        (488, 318),
        (478, 337),
        (445, 341),
        (412, 337),
    )
    bench.hand.press(*way[0])
    bench.hand.trace(way[1:])


def lasso_subtract(bench: Bench) -> None:
    """A bollard that was taken for a leg."""
    man = bench.at(330, 250)
    bollard = loop((297, 304), (327, 304), (331, 330), (330, 378), (298, 378))
    bench.select(bench.reshape(man, union(man.shape, bollard)))
    bench.take("lasso_subtract")
    way = curve(
        (305, 296),
        (293, 304),
        (292, 340),
        (294, 382),
        (329, 383),
        (332, 352),
        (328, 330),
        (323, 312),
    )
    bench.hand.press(*way[0])
    bench.hand.trace(way[1:])


def reroute(bench: Bench) -> None:
    """A wing that was cut off gets its outline back."""
    gull = bench.at(420, 190)
    wing = loop((200, 0), (326, 0), (326, 160), (200, 160))
    bench.select(bench.reshape(gull, difference(gull.shape, wing)))
    bench.take("reroute")
    way = curve((326, 80), (312, 71), (275, 45), (226, 16), (252, 46), (292, 89), (306, 106))
    bench.hand.press(*way[0])
    bench.hand.trace(way[1:])


def slice_(bench: Bench) -> None:
    """Two nuclei that were taken for one."""
    one, other = bench.at(193, 172), bench.at(218, 167)
    bench.remove(other)
    bench.select(bench.reshape(one, union(one.shape, other.shape, loop(*BRIDGE))))
    bench.take("slice")
    way = curve((209, 155), (207, 163), (206, 172), (206, 181))
    bench.hand.press(*way[0])
    bench.hand.trace(way[1:])


def punch(bench: Bench) -> None:
    """The bowl is no part of the table."""
    bowl = bench.at(300, 120)
    ring = outline(bowl.shape, 16)
    bench.remove(bowl)
    bench.select(bench.at(20, 20))
    bench.take("punch")
    for spot in ring[:12]:
        bench.hand.click(*spot)
    bench.hand.glide(*ring[12])


def transform(bench: Bench) -> None:
    """An outline taken over from another image is turned to fit."""
    plane = bench.at(330, 215)
    x0, y0, x1, y1 = plane.shape.bounds
    middle = ((x0 + x1) / 2, (y0 + y1) / 2)
    bench.select(bench.reshape(plane, transformed(plane.shape, rotation(middle, -0.3))))
    bench.take("transform")
    x0, y0, x1, y1 = bench.at(330, 215).shape.bounds
    middle = ((x0 + x1) / 2, (y0 + y1) / 2)
    away = middle[1] - y0 + TURNER_AWAY / bench.canvas.view.logical_scale
    bench.hand.press(middle[0], middle[1] - away)
    turn = 0.24
    bench.hand.glide(middle[0] + away * np.sin(turn), middle[1] - away * np.cos(turn))


def simplify(bench: Bench) -> None:
    """A traced outline gets fewer vertices."""
    bench.select(bench.at(148, 25))
    bench.take("simplify")
    bench.set_option("smoothness", 1.0)
    bench.hand.hover(178, 34)
    bench.hand.wheel(-1)


def scissors(bench: Bench) -> None:
    """The outline clings to the rim of a clock."""
    bench.remove(bench.at(340, 230))
    bench.draw_as("clock")
    bench.take("scissors")
    for spot in ((309, 66), (259, 162), (264, 228), (311, 346), (378, 397)):
        bench.hand.click(*spot)
        bench.wait_for_wire()
    bench.hand.glide(440, 290)


def wand(bench: Bench) -> None:
    """The lid of a laptop."""
    bench.remove(*bench.desk.instances())
    bench.draw_as("laptop")
    bench.take("wand")
    bench.hand.press(330, 190)
    small = bench.wait_for_area()
    bench.hand.glide(352, 190, steps=1)
    bench.wait_for_area(other_than=small)


def refine(bench: Bench) -> None:
    """A rough outline of a taxi, about to be refined."""
    taxi = bench.at(190, 350)
    rough = loop(*outline(taxi.shape, 11)).moved(4, 3)
    bench.select(bench.reshape(taxi, rough))
    bench.take("refine")
    bench.set_option("band", 10)
    bench.hand.hover(200, 356)


BRIDGE = ((201, 166), (209, 165), (209, 175), (201, 179))
"""What closes the gap between the two nuclei."""

SCENES = (
    Scene("select", BUSES, (345, 322), 1.72, select),
    Scene("vertex", PLANE, (325, 222), 2.6, vertex),
    Scene("polygon", SIGN, (165, 228), 2.8, polygon),
    Scene("rectangle", CAR, (200, 265), 2.8, rectangle),
    Scene("ellipse", CAR, (150, 290), 2.8, ellipse),
    Scene("freehand", MOUSE, (300, 375), 2.9, freehand),
    Scene("brush", CATS, (168, 235), 2.1, brush),
    Scene("eraser", BOARDER, (335, 245), 2.8, eraser),
    Scene("lasso_add", BANANAS, (385, 270), 2.4, lasso_add),
    Scene("lasso_subtract", CAR, (315, 285), 2.4, lasso_subtract),
    Scene("reroute", GULL, (345, 122), 2.2, reroute),
    Scene("slice", CELLS, (207, 168), 5.5, slice_),
    Scene("punch", BOWL, (320, 280), 1.0, punch),
    Scene("transform", PLANE, (325, 208), 2.4, transform),
    Scene("simplify", CELLS, (154, 30), 7.0, simplify),
    Scene("scissors", CLOCK, (355, 235), 1.6, scissors),
    Scene("wand", LAPTOP, (400, 225), 2.2, wand),
    Scene("refine", BUSES, (195, 335), 2.8, refine),
)


def outline(shape: Shape, count: int) -> list[tuple[float, float]]:
    """Return points at even distances along the exterior of a shape's first part."""
    ring = shape.parts[0].exterior
    closed = np.vstack([ring, ring[:1]])
    gone = np.append(0, np.cumsum(np.hypot(*np.diff(closed, axis=0).T)))
    at = np.linspace(0, gone[-1], count, endpoint=False)
    return [
        tuple(spot) for spot in np.stack([np.interp(at, gone, v) for v in closed.T], 1).tolist()
    ]


def curve(*points: tuple[float, float], per_piece: int = 8) -> list[tuple[float, float]]:
    """Return a smooth way through points: a Catmull-Rom spline."""
    knots = np.array([points[0], *points, points[-1]], dtype=float)
    way = [knots[1:2]]
    for before, start, end, after in zip(knots, knots[1:], knots[2:], knots[3:], strict=False):
        t = np.linspace(0, 1, per_piece + 1)[1:, None]
        bend = (2 * before - 5 * start + 4 * end - after) * t**2
        twist = (3 * start - before - 3 * end + after) * t**3
        way.append((2 * start + (end - before) * t + bend + twist) / 2)
    return [tuple(spot) for spot in np.vstack(way).tolist()]
