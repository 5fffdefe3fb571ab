"""File formats of other tools: COCO, read without loss and written exactly."""
