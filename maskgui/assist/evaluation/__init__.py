"""Predictions against a ground truth: figures, what went wrong, and a page that shows both."""

from maskgui.assist.evaluation.report import Report, evaluate_file, evaluate_model

__all__ = ["Report", "evaluate_file", "evaluate_model"]
