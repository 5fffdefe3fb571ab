"""Training a network on a COCO data set."""

from maskgui.maskrcnn.train.loop import TrainOptions, TrainProgress, train

__all__ = ["TrainOptions", "TrainProgress", "train"]
