"""One image through the network: what the window's jobs and the command line share."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from maskgui.assist.jobs import Job, JobContext, Priority
from maskgui.assist.regions import read_view, with_earlier
from maskgui.core.detections import MAX_DETECTIONS, SCORE_FLOOR, Detections
from maskgui.core.errors import Failure, UserError
from maskgui.core.garbage import collector_paused
from maskgui.core.shape import Box, Shape
from maskgui.core.stamp import Stamp, file_stamp
from maskgui.maskrcnn.devices import check_torch, pick_device, preload_torch
from maskgui.maskrcnn.models import ModelRef
from maskgui.maskrcnn.vectorize import shapes

if TYPE_CHECKING:
    from maskgui.assist.session import Session
    from maskgui.maskrcnn.predictor import Predictor

UNSET_THRESHOLD = 0.5
"""What images have before a model or a person sets another."""

OnStage = Callable[[str, float], None]
"""Told in a word or two what is done now, and the share done (0-1)."""


@dataclass(frozen=True)
class SegmentImage:
    """A request: one image, one model.

    Detections are kept from score `floor` on, and outlines made of those at or above
    `threshold`, cut at probability `mask_threshold`. The reply carries `image_id` and
    `revision` back. `region` limits the run to a part of a large image, x0 y0 x1 y1.
    """

    path: Path
    model: ModelRef
    image_id: int = 0
    revision: int = 0
    device: str = "auto"
    floor: float = SCORE_FLOOR
    limit: int = MAX_DETECTIONS
    threshold: float = 0.5
    mask_threshold: float = 0.5
    region: Box | None = None


@dataclass(frozen=True)
class SegmentResult:
    """What came of a request; `shapes` maps a detection's index to its outline.

    `stamp` is that of the file as it was before its pixels were read (`core.stamp.file_stamp`).
    """

    request: SegmentImage
    height: int
    width: int
    detections: Detections
    shapes: dict[int, Shape]
    device: str
    seconds: float
    stamp: Stamp | None
    notes: tuple[str, ...] = ()

    @property
    def image_id(self) -> int:
        """The image that was asked for."""
        return self.request.image_id


@dataclass
class Segmenter:
    """Keeps one model loaded between images. Belongs to one thread."""

    _predictor: "Predictor | None" = None
    _loaded: tuple[Path, Stamp | None, str] | None = None

    def segment(
        self,
        request: SegmentImage,
        on_stage: OnStage | None = None,
        cancel: threading.Event | None = None,
    ) -> SegmentResult:
        """Read the image, load the model if another one is loaded, and run it.

        Raises:
            UserError: the image or the model cannot be used.
            Cancelled: `cancel` was set; it is looked at between stages.
        """
        tell = on_stage or _no_stage
        start = time.perf_counter()
        predictor = self.load(request.model, request.device, tell, cancel)
        tell("reading the image", 0.0)
        stamp = file_stamp(request.path)  # before reading: a file that comes meanwhile is another
        view = read_view(request.path, request.region, cancel)
        notes = [view.note] if view.note else []
        found = predictor.detect(
            view.rgb,
            key=(request.path, stamp, request.region),
            floor=min(request.floor, request.threshold),
            limit=request.limit,
            cancel=cancel,
            on_stage=tell,
            on_note=notes.append,
        )
        detections = view.to_image(found)
        height, width = view.height, view.width
        chosen = [i for i, score in enumerate(detections.scores) if score >= request.threshold]
        made = shapes(detections, chosen, request.mask_threshold, image_size=(height, width))
        return SegmentResult(
            request,
            height,
            width,
            detections,
            {index: shape for index, shape in zip(chosen, made, strict=True) if shape.parts},
            predictor.device,
            time.perf_counter() - start,
            stamp,
            tuple(notes),
        )

    def job(self, request: SegmentImage, priority: Priority = Priority.INTERACTIVE) -> Job:
        """Return the request as a job for the worker; its reply's value is a SegmentResult."""

        def run(context: JobContext) -> SegmentResult:
            context.check()
            return self.segment(request, context.progress, context.cancel)

        name = f"Segmenting “{request.path.name}”"
        return Job(run, request.image_id, request.revision, priority, name)

    def unload(self) -> None:
        """Let go of the model and of the last image's features."""
        self._predictor = self._loaded = None

    def load(
        self,
        model: ModelRef,
        device: str = "auto",
        on_stage: OnStage | None = None,
        cancel: threading.Event | None = None,
    ) -> "Predictor":
        """Return the predictor of a model, loaded if it is not the one loaded last."""
        stamp = file_stamp(model.path)  # before reading, as that of an image
        wanted = (model.path, stamp, device)
        if self._predictor is not None and wanted == self._loaded:
            return self._predictor
        tell = on_stage or _no_stage
        self.unload()
        tell("starting torch", 0.0)
        with collector_paused():
            preload_torch()
            fault = check_torch()
            if fault is not None:
                raise Failure(fault)
            from maskgui.maskrcnn.predictor import Predictor

        chosen = pick_device(device)
        tell(f"loading {model.name}", 0.0)

        def fetching(done: int, total: int) -> None:
            tell(f"fetching {model.name}", done / total if total else 0.0)

        module, card = model.load(fetching, cancel)
        self._predictor = Predictor(module, card, chosen)
        # Weights that were fetched just now have a stamp only now.
        self._loaded = (model.path, stamp or file_stamp(model.path), device)
        return self._predictor


def joined(result: SegmentResult, earlier: Detections | None) -> SegmentResult:
    """Return a run on a part of an image with what an earlier run said of the rest."""
    if result.request.region is None:
        return result
    together, outlines = with_earlier(
        result.detections, result.shapes, result.request.region, earlier
    )
    return replace(result, detections=together, shapes=outlines)


def is_done(detections: Detections | None, request: SegmentImage) -> bool:
    """Whether an image's stored detections already answer a request, so a batch may skip it."""
    return (
        detections is not None
        and detections.model == request.model.model_id
        and detections.floor <= min(request.floor, request.threshold)
    )


def start_score(session: "Session", image_id: int, model: ModelRef) -> float:
    """Return an image's own score threshold where it was set for this model, else the card's."""
    threshold = session.document.image(image_id).threshold
    try:
        said = session.detections(image_id)
    except UserError:
        return threshold
    proposed = any(one.is_proposal for one in session.instances(image_id))
    is_set = proposed or threshold != UNSET_THRESHOLD
    if said is not None and said.model == model.model_id and is_set:
        return threshold
    return model.score_threshold


def _no_stage(_stage: str, _done: float) -> None:
    return
