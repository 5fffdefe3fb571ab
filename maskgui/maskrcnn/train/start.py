"""Starting from another model's weights: every tensor that fits, and what it knows by name."""

from typing import Any

import torch
from torch import Tensor

from maskgui.core.detections import UNUSED_CATEGORY
from maskgui.core.words import counted

PREDICTORS = ("roi_heads.box_predictor.", "roi_heads.mask_predictor.")
BODY_OF_MASKS = "conv5_mask"


def start_from(
    module: Any, categories: tuple[str, ...], source: Any, source_categories: tuple[str, ...]
) -> str:
    """Copy tensors of the same name and shape from `source` to `module`; return what was taken.

    The predictors' rows belong to categories: those of the same name are copied, wherever they
    stood, with the background's; those of new categories stay as they are.
    """
    theirs, ours = source.state_dict(), module.state_dict()
    rows = _pairs(categories, source_categories)
    counts = (len(categories) + 1, len(source_categories) + 1)
    taken = 0
    with torch.no_grad():
        for name, own in ours.items():
            other = theirs.get(name)
            if other is None:
                continue
            if _is_by_category(name, own, other, counts):
                _copy_rows(own, other, rows, counts)
            elif own.shape == other.shape:
                own.copy_(other)
            else:
                continue
            taken += 1
    module.load_state_dict(ours)
    known = [categories[row - 1] for row, _ in rows if row]
    share = f"{taken} of {len(ours)} tensors fit"
    if not known:
        return f"{share}; the categories are all new to it."
    all_of_them = counted(len(categories), "category", "categories")
    return f"{share}; it knows {len(known)} of {all_of_them}: {', '.join(known)}."


def _pairs(ours: tuple[str, ...], theirs: tuple[str, ...]) -> list[tuple[int, int]]:
    """Return (own row, their row) of the background and of each category that both have."""
    places = {name: n for n, name in enumerate(theirs, 1) if name != UNUSED_CATEGORY}
    shared = [(n, places[name]) for n, name in enumerate(ours, 1) if name in places]
    return [(0, 0), *shared]


def _is_by_category(name: str, own: Tensor, other: Tensor, counts: tuple[int, int]) -> bool:
    """Whether both tensors of a predictor have the same number of rows for each category."""
    if not name.startswith(PREDICTORS) or BODY_OF_MASKS in name or own.ndim == 0:
        return False
    if own.shape[1:] != other.shape[1:]:
        return False
    parts = [divmod(len(t), count) for t, count in zip((own, other), counts, strict=True)]
    return parts[0] == parts[1] and parts[0][1] == 0


def _copy_rows(
    own: Tensor, other: Tensor, rows: list[tuple[int, int]], counts: tuple[int, int]
) -> None:
    mine = own.view(counts[0], -1, *own.shape[1:])
    source = other.view(counts[1], -1, *other.shape[1:])
    for row, place in rows:
        mine[row] = source[place]
