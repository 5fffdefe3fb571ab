"""What the models said, as a session keeps it: the runs' detections and the category maps."""

import dataclasses
from collections import OrderedDict
from collections.abc import Mapping

from maskgui.core.detections import DETECTION_RADIX, Detections
from maskgui.core.entities import Instance
from maskgui.project import Project

KEPT_IMAGES = 32
"""Images whose detections stay in memory."""


class Evidence:
    """Detections by image and run, from memory or from the file; its owner sees to the turns."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._next_run = project.last_run() + 1
        self._maps = project.category_maps()
        self._held: OrderedDict[int, dict[int | None, Detections | None]] = OrderedDict()

    def of(self, image_id: int, proposal: Instance | None) -> Detections | None:
        """Return the run that speaks for an image: that of a proposal on it, else the newest one.

        The two differ once a newer run was taken back: its detections stay, its proposals went.
        """
        said = None if proposal is None else proposal.detection
        run = None if said is None else said // DETECTION_RADIX
        found = self._run(image_id, run)
        return self._run(image_id, None) if found is None and run is not None else found

    def _run(self, image_id: int, run: int | None) -> Detections | None:
        held = self._held.setdefault(image_id, {})
        self._held.move_to_end(image_id)
        if run not in held:
            held[run] = self._project.detections(image_id, run)
        self._make_room(image_id)
        return held[run]

    def store(self, image_id: int, found: Detections) -> Detections:
        """Post a run's detections to the file; return them with the number of their run."""
        kept = dataclasses.replace(found, run=self._next_run)
        self._project.write_detections(image_id, kept)
        self._next_run += 1
        self._held.setdefault(image_id, {}).update({None: kept, kept.run: kept})
        self._held.move_to_end(image_id)
        return kept

    def _make_room(self, kept: int) -> None:
        """Forget the images used longest ago; those not on disk yet stay."""
        for image_id in list(self._held):
            if len(self._held) <= KEPT_IMAGES or self._project.is_pending(image_id):
                break
            if image_id != kept:
                del self._held[image_id]

    def category_map(self, model: str) -> dict[str, int | None] | None:
        """Return which category each of a model's own stands for, None before it was asked."""
        found = self._maps.get(model)
        return None if found is None else dict(found)

    def set_category_map(self, model: str, mapping: Mapping[str, int | None]) -> None:
        """Keep which category each of a model's own stands for."""
        self._project.write_category_map(model, mapping)
        self._maps[model] = dict(mapping)
