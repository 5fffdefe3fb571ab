"""Training a network on a COCO data set."""

from maskgui.maskrcnn.train.loop import train
from maskgui.maskrcnn.train.prepare import TrainOptions
from maskgui.maskrcnn.train.progress import TrainProgress

__all__ = ["TrainOptions", "TrainProgress", "train"]
