"""Training a network on a COCO data set."""

from maskgui.maskrcnn.train.loop import TrainProgress, train
from maskgui.maskrcnn.train.prepare import TrainOptions

__all__ = ["TrainOptions", "TrainProgress", "train"]
