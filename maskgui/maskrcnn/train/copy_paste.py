"""Simple copy-paste: objects of one training image on another (Ghiasi et al. 2021, section 3)."""

import numpy as np

from maskgui.maskrcnn.train.augment import MIN_AREA, Pixels, View, box_of


def paste_objects(view: View, other: View, rng: np.random.Generator) -> View:
    """Return `view` with a random part of `other`'s objects on top, both S x S.

    What the pasted objects cover is cut from the masks below and from the crowd regions, boxes
    follow, and objects of which fewer than 9 pixels remain visible are dropped.
    """
    chosen = np.flatnonzero(rng.random(len(other.labels)) < 0.5)
    if not len(chosen):
        return view
    above = other.masks[chosen]
    cover = np.asarray(above.any(axis=0))
    image = np.where(cover[..., None], other.image, view.image)
    below: Pixels = view.masks * ~cover
    seen = below.sum(axis=(1, 2)) >= MIN_AREA
    masks = np.concatenate([below[seen], above])
    return View(
        image,
        masks,
        np.array([box_of(mask) for mask in masks], np.float32).reshape(-1, 4),
        np.concatenate([view.labels[seen], other.labels[chosen]]),
        view.crowd * ~cover,
    )
