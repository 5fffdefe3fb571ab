"""AP of masks and boxes by COCO's rules: reading, figures, and what went wrong."""

from maskgui.maskrcnn.evaluate.figures import (
    BOUNDARY,
    KINDS,
    MAX_DETS,
    Evaluation,
    Scored,
    evaluate,
    evaluate_results,
    score,
)
from maskgui.maskrcnn.evaluate.mistakes import Mistake, Mistakes, find_mistakes
from maskgui.maskrcnn.evaluate.reading import read_results, read_truth
from maskgui.maskrcnn.evaluate.rows import Row, Truth

__all__ = [
    "BOUNDARY",
    "KINDS",
    "MAX_DETS",
    "Evaluation",
    "Mistake",
    "Mistakes",
    "Row",
    "Scored",
    "Truth",
    "evaluate",
    "evaluate_results",
    "find_mistakes",
    "read_results",
    "read_truth",
    "score",
]
