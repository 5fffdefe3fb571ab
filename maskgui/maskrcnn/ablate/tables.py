"""The paper's Tables 2a-2e and the multi-task row of Table 3, as data (arXiv 1703.06870 v3).

A row says which network it takes and what it changes in it. Networks come in two sizes: `small`
stands for the paper's at the budget of a few minutes on two CPU cores, `paper` is the paper's own.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from maskgui.core.errors import UserError
from maskgui.maskrcnn.config import Config, Recipe

Size = Literal["small", "paper"]
Metric = Literal["segm", "bbox"]
Changes = dict[str, Any]

ONE_LEVEL: Changes = {"mask_side": 14}
"""C4 and C5 have masks of 14 x 14, FPN of 28 x 28 (Figure 4)."""
DEEP = (3, 4, 6, 3)
"""Blocks in the stages of the slim body that stands for ResNet-101: those of ResNet-50."""


@dataclass(frozen=True)
class Network:
    """A network of the paper and what stands for it: its name and changes to the base recipe.

    A size without a network (None) leaves the rows that need it untrained.
    """

    small: tuple[str, Changes] | None
    paper: tuple[str, Changes] | None


def _resnet(name: str, neck: str) -> tuple[str, Changes]:
    more = {} if neck == "fpn" else ONE_LEVEL
    return f"{name}-{neck.upper()}", {"backbone": name, "neck": neck, **more}


NETWORKS = {
    "R50-C4": Network(_resnet("resnet18", "c4"), _resnet("resnet50", "c4")),
    "R101-C4": Network(None, _resnet("resnet101", "c4")),
    "R50-C5": Network(_resnet("resnet18", "c5"), _resnet("resnet50", "c5")),
    "R50-FPN": Network(_resnet("resnet18", "fpn"), _resnet("resnet50", "fpn")),
    "slim-FPN": Network(("slim-FPN", {"backbone": "slim"}), None),
    "R101-FPN": Network(
        ("slim-FPN, deeper", {"backbone": "slim", "depths": DEEP}), _resnet("resnet101", "fpn")
    ),
    "X101-FPN": Network(_resnet("mobilenet_v3_large", "fpn"), _resnet("resnext101_32x8d", "fpn")),
}


@dataclass(frozen=True)
class Row:
    """One row: the paper's name and figures (AP, AP50, AP75 in per cent), network and changes.

    `needs` is a key of NETWORKS. Figures that the paper does not give are None.
    """

    name: str
    figures: tuple[float | None, float | None, float | None]
    needs: str
    changes: Changes = field(default_factory=dict)


@dataclass(frozen=True)
class Table:
    """Rows, and the pairs (better, worse) of their names whose order the paper asserts."""

    title: str
    metric: Metric
    rows: tuple[Row, ...]
    pairs: tuple[tuple[str, str], ...]


NO_FIGURES = (None, None, None)

TABLES = {
    "backbone": Table(
        "Table 2a, backbone",
        "segm",
        (
            Row("R50-C4", (30.3, 51.2, 31.5), "R50-C4"),
            Row("R101-C4", (32.7, 54.2, 34.3), "R101-C4"),
            Row("R50-FPN", (33.6, 55.2, 35.3), "R50-FPN"),
            Row("slim-FPN", NO_FIGURES, "slim-FPN"),
            Row("R101-FPN", (35.4, 57.3, 37.5), "R101-FPN"),
            Row("X101-FPN", (36.7, 59.5, 38.9), "X101-FPN"),
        ),
        (
            ("R101-C4", "R50-C4"),
            ("R50-FPN", "R50-C4"),
            ("R101-FPN", "R50-FPN"),
            ("R101-FPN", "slim-FPN"),
            ("X101-FPN", "R101-FPN"),
        ),
    ),
    "masks": Table(
        "Table 2b, independent or competing masks",
        "segm",
        (
            Row("softmax", (24.8, 44.1, 25.1), "R50-C4", {"mask_loss": "softmax"}),
            Row("sigmoid", (30.3, 51.2, 31.5), "R50-C4"),
        ),
        (("sigmoid", "softmax"),),
    ),
    "roi-c4": Table(
        "Table 2c, RoI layer on C4, stride 16",
        "segm",
        (
            Row("RoIPool", (26.9, 48.8, 26.4), "R50-C4", {"roi_layer": "pool"}),
            Row("RoIWarp, max", (27.2, 49.2, 27.1), "R50-C4", {"roi_layer": "warp_max"}),
            Row("RoIWarp, ave", (27.1, 48.9, 27.1), "R50-C4", {"roi_layer": "warp"}),
            Row("RoIAlign, max", (30.2, 51.0, 31.8), "R50-C4", {"roi_layer": "align_max"}),
            Row("RoIAlign, ave", (30.3, 51.2, 31.5), "R50-C4"),
        ),
        (
            ("RoIAlign, ave", "RoIPool"),
            ("RoIAlign, ave", "RoIWarp, ave"),
            ("RoIAlign, max", "RoIWarp, max"),
        ),
    ),
    "roi-c5": Table(
        "Table 2d, RoI layer on C5, stride 32",
        "segm",
        (
            Row("RoIPool", (23.6, 46.5, 21.6), "R50-C5", {"roi_layer": "pool"}),
            Row("RoIAlign", (30.9, 51.8, 32.1), "R50-C5"),
        ),
        (("RoIAlign", "RoIPool"),),
    ),
    "head": Table(
        "Table 2e, mask branch",
        "segm",
        (
            Row("MLP", (31.5, 53.7, 32.8), "R50-FPN", {"mask_branch": "mlp"}),
            Row("MLP + fc", (31.5, 54.0, 32.6), "R50-FPN", {"mask_branch": "mlp_fc"}),
            Row("FCN", (33.6, 55.2, 35.3), "R50-FPN"),
        ),
        (("FCN", "MLP"), ("FCN", "MLP + fc")),
    ),
    "agnostic": Table(
        "Section 4.2, class-agnostic masks",
        "segm",
        (
            Row("class-agnostic", (29.7, None, None), "R50-C4", {"mask_classes": "agnostic"}),
            Row("class-specific", (30.3, 51.2, 31.5), "R50-C4"),
        ),
        (("class-specific", "class-agnostic"),),
    ),
    "multitask": Table(
        "Table 3, multi-task training (box AP)",
        "bbox",
        (
            Row("Faster R-CNN", (37.3, None, None), "multitask", {"mask_branch": "none"}),
            Row("Mask R-CNN", (38.2, None, None), "multitask"),
        ),
        (("Mask R-CNN", "Faster R-CNN"),),
    ),
}
NETWORKS["multitask"] = Network(NETWORKS["R50-FPN"].small, NETWORKS["R101-FPN"].paper)


def network(row: Row, size: Size) -> tuple[str, Changes] | None:
    """Return the name and the changes of what is trained for a row; None where nothing is."""
    found = NETWORKS[row.needs].small if size == "small" else NETWORKS[row.needs].paper
    if found is None:
        return None
    name, changes = found
    return name, {**changes, **row.changes}


def recipe_of(row: Row, size: Size, base: Recipe, categories: int) -> Recipe | None:
    """Return the base recipe with what the row changes; None where the size has no network."""
    found = network(row, size)
    if found is None:
        return None
    model: Config = msgspec.structs.replace(base.model, categories=categories, **found[1])
    return Recipe(model, base.train)


def chosen_tables(name: str) -> dict[str, Table]:
    """Return one table by its name, or all of them for "all"."""
    if name == "all":
        return TABLES
    if name not in TABLES:
        raise UserError(f"There is no table “{name}”; choose {', '.join(TABLES)} or all.")
    return {name: TABLES[name]}
