"""Images in, a COCO data set with scores out: the `segment` command, without a project."""

import json
import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from maskgui.assist.journal import Journal, Settings
from maskgui.assist.segmenter import Segmenter, SegmentImage, SegmentResult, is_done
from maskgui.core.detections import SCORE_FLOOR, UNUSED_CATEGORY
from maskgui.core.errors import UserError
from maskgui.core.files import file_identity, is_text, refusal, sole_writer
from maskgui.core.jsonfile import decode_json, read_bytes
from maskgui.core.raster import shape_to_rle
from maskgui.core.rle import Rle
from maskgui.core.seal import Standing, require_place, write_sealed_json
from maskgui.core.shape import Polygon, Shape
from maskgui.formats.coco_write import segmentation_of
from maskgui.imaging import ImageError, scan_folder
from maskgui.maskrcnn.card import Card
from maskgui.maskrcnn.models import ModelRef, find_model

__all__ = [
    "SegmentImage",
    "SegmentReport",
    "SegmentResult",
    "Segmenter",
    "is_done",
    "read_category_map",
    "segment_files",
]

AUTHOR = "segment"
"""Whose seal the data set carries."""
Form = Literal["polygons", "rle"]
CategoryMap = Mapping[str, str | None]
"""From the model's category names to the data set's; None leaves a category out."""


@dataclass(frozen=True)
class SegmentReport:
    """What was written, and one sentence for each image that could not be read."""

    images: int
    annotations: int
    problems: tuple[str, ...] = ()


def read_category_map(path: Path) -> dict[str, str | None]:
    """Read a JSON object from the model's category names to yours, null leaving one out."""
    wanted = "a category map"
    instead = 'write {"model name": "your name", "another": null}'
    names = decode_json(read_bytes(path), dict[str, str | None], path, wanted, instead)
    empty = next((old for old, new in names.items() if new is not None and not new.strip()), None)
    if empty is not None:
        raise UserError(f"{path} gives “{empty}” an empty name; give one, or null to leave it out.")
    return names


def segment_files(
    sources: Sequence[Path],
    model: str,
    out: Path,
    *,
    score: float = 0.5,
    device: str = "auto",
    form: Form = "rle",
    category_map: CategoryMap | None = None,
    resume: bool = False,
    overwrite: bool = False,
    network_boxes: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
    cancel: threading.Event | None = None,
) -> SegmentReport:
    """Segment images and the images in folders, and write one COCO data set to `out`.

    Images that are done are kept in `out`.part until all are, and `resume` goes on from there.
    An image that cannot be read is reported and left out, unless none can be read.

    Args:
        sources: image files and folders.
        model: a model's name, or the path of its weights.
        score: the lowest score written.
        form: polygons where they decode to the very mask, else RLE; or RLE throughout.
        category_map: other names for the model's categories, or none to leave one out.
        overwrite: replace what stands at `out`, also what `segment` did not write.
        network_boxes: write the boxes that the network found, in fractions of pixels, in place of
            those around the masks.
        on_progress: told (images done, images in all).

    Raises:
        UserError: a source, the model or the map cannot be used, no image can be read, or another
            run writes `out`, or what stands there is no earlier result of `segment`, now or at the
            end; what is done stays for `resume` then.
        Failure: nothing can be written there.
        Cancelled: `cancel` was set; what is done stays for `resume`.
    """
    refused: list[str] = []
    files = find_images(sources, refused)
    ref = find_model(model)
    _check_target(out, files.values())
    require_place(out, AUTHOR, overwrite)
    _check_map(ref, category_map)
    with sole_writer(out, "Another run"):
        segmenter = Segmenter()
        categories = _Categories(segmenter.load(ref, device, cancel=cancel).card, category_map)
        settings = Settings(str(ref.path), score, form, dict(category_map or {}))
        journal = Journal(out.with_name(out.name + ".part"), settings, resume)
        problems: list[str] = []
        try:
            for number, (name, path) in enumerate(files.items()):
                if on_progress:
                    on_progress(number, len(files))
                if name in journal.done:
                    continue
                request = _request(path, ref, device, score)
                try:
                    result = segmenter.segment(request, cancel=cancel)
                except ImageError as error:
                    problems.append(str(error))
                    continue
                journal.add(_row(name, result, categories, score, form, network_boxes))
        finally:
            journal.close()
        report = _write(out, overwrite, journal, files, categories, problems, refusal(refused))
    if on_progress:
        on_progress(len(files), len(files))
    return report


def find_images(sources: Iterable[Path], refused: list[str] | None = None) -> dict[str, Path]:
    """Return the images of files and folders, each under the name it gets in the data set.

    Names are relative to the folder that was given (POSIX); where two would be the same, to the
    folder that all share. Names that are no valid text are put into `refused`, and in the error
    where there are no others. Raises UserError.
    """
    refused = [] if refused is None else refused
    found: list[tuple[str, Path]] = []
    for source in sources:
        if source.is_dir():
            names = scan_folder(source, on_refused=refused.append)
            found += [(name, source / name) for name in names]
        elif not source.is_file():
            raise UserError(f"There is no file or folder “{source}”; check the path.")
        elif is_text(source.name):
            found.append((source.name, source))
        else:
            refused.append(source.name)
    if not found:
        nothing = "There are no images in what was given; name image files or folders."
        raise UserError(refusal(refused) or nothing)
    once: dict[Path, tuple[str, Path]] = {}
    for name, path in found:
        once.setdefault(path.resolve(), (name, path))
    named = dict(once.values())
    if len(named) == len(once):
        return named
    common = Path(os.path.commonpath([path.parent for path in once]))
    return {path.relative_to(common).as_posix(): given for path, (_, given) in once.items()}


def _check_target(out: Path, images: Iterable[Path]) -> None:
    """Refuse to write over an image that is to be read."""
    identity = file_identity(out)
    if identity is not None and any(file_identity(image) == identity for image in images):
        raise UserError(f"“{out}” is one of the images; give another file with -o.")


def _request(path: Path, ref: ModelRef, device: str, score: float) -> SegmentImage:
    return SegmentImage(path, ref, device=device, floor=min(score, SCORE_FLOOR), threshold=score)


def _check_map(ref: ModelRef, category_map: CategoryMap | None) -> None:
    """Refuse a map that the model's card contradicts, before weights are fetched or loaded."""
    if not category_map:
        return
    try:
        card = ref.card()
    except UserError:
        return  # foreign weights get their card when they are loaded, and the map its check then
    _Categories(card, category_map)


class _Categories:
    """The data set's categories, and which of them each of the model's becomes."""

    def __init__(self, card: Card, renamed: CategoryMap | None) -> None:
        renamed = renamed or {}
        for name in renamed:
            if name not in card.categories:
                raise UserError(
                    f"The category map names “{name}”, which {card.name} does not have; "
                    "its names are in `models show`."
                )
        pairs = [
            (name, renamed.get(name, name), number)
            for name, number in zip(
                card.categories,
                card.category_ids or range(1, len(card.categories) + 1),
                strict=True,
            )
            if name != UNUSED_CATEGORY
        ]
        wanted = dict.fromkeys(new for _, new, _ in pairs if new is not None)
        if renamed:
            self.ids = {new: number for number, new in enumerate(wanted, 1)}
        else:
            self.ids = {new: number for _, new, number in pairs if new is not None}
        self.of_model = {old: self.ids[new] for old, new, _ in pairs if new is not None}


def _row(
    name: str,
    result: SegmentResult,
    categories: _Categories,
    score: float,
    form: Form,
    network_boxes: bool,
) -> dict[str, Any]:
    annotations = []
    for index, shape in result.shapes.items():
        category = categories.of_model.get(result.detections.category_of(index))
        if category is None or result.detections.scores[index] < score:
            continue
        rle = shape_to_rle(shape, result.height, result.width)
        if rle.area == 0:
            continue
        found = result.detections.boxes[index].astype(float).round(3).tolist()
        x0, y0, x1, y1 = found if network_boxes else rle.bounds
        annotations.append(
            {
                "category_id": category,
                "segmentation": _segmentation(shape, rle, form),
                "area": rle.area,
                "bbox": [x0, y0, x1 - x0, y1 - y0],
                "iscrowd": 0,
                "score": round(float(result.detections.scores[index]), 6),
            }
        )
    return {
        "file_name": name,
        "width": result.width,
        "height": result.height,
        "annotations": annotations,
    }


def _segmentation(shape: Shape, rle: Rle, form: Form) -> Any:
    """Return polygons where they decode to the very mask (never with holes), else RLE."""
    # The rasteriser's own grid of fifths: the same mask, with one decimal.
    snapped = Shape(
        Polygon(np.round(np.floor(5 * part.exterior + 0.5) / 5, 1), part.holes)
        for part in shape.parts
    )
    return segmentation_of(snapped, rle, form, compressed=True)


def _none_of(count: int) -> str:
    return (
        "the one image cannot be read" if count == 1 else f"none of the {count} images can be read"
    )


def _write(
    out: Path,
    overwrite: bool,
    journal: Journal,
    files: Mapping[str, Path],
    categories: _Categories,
    problems: Sequence[str],
    refused: str,
) -> SegmentReport:
    if problems and len(problems) == len(files):
        journal.remove()
        raise UserError(f"Nothing was written, as {_none_of(len(files))}: {problems[0]}")
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for name in files:
        row = journal.done.get(name)
        if row is None:
            continue
        image_id = len(images) + 1
        size = {"width": row["width"], "height": row["height"]}
        images.append({"id": image_id, "file_name": name, **size})
        for annotation in row["annotations"]:
            number = len(annotations) + 1
            annotations.append({"id": number, "image_id": image_id, **annotation})
    data_set = {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": number, "name": name} for name, number in categories.ids.items()],
    }
    try:
        write_sealed_json(out, json.dumps(data_set).encode("ascii"), AUTHOR, overwrite)
    except Standing as error:
        raise UserError(
            f"“{out}” was changed during this run and stays as it is; all images are done, so "
            "move it away and run this again with --resume, or with --resume --overwrite."
        ) from error
    journal.remove()
    told = (refused, *problems) if refused else tuple(problems)
    return SegmentReport(len(images), len(annotations), told)
