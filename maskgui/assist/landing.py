"""What a run found becomes evidence and proposals, where it still speaks of what is there."""

from collections.abc import Mapping

from maskgui.assist.headers import check_size
from maskgui.assist.segmenter import SegmentResult, joined, start_score
from maskgui.assist.session import Session
from maskgui.core.detections import Detections
from maskgui.core.document import Edit
from maskgui.core.errors import UserError
from maskgui.core.proposals import present, propose
from maskgui.core.shape import Shape
from maskgui.core.stamp import file_stamp
from maskgui.maskrcnn import vectorize

LABEL = "Auto-segment"
"""Of a run's edits in the history."""


def land(session: Session, result: SegmentResult, author: str) -> None:
    """Store what was found on an image and propose it.

    The record gets the size of the pixels that the run has read. Categories of the map that are
    gone by now are passed over. Raises UserError, with nothing stored, where the categories of the
    weights that ran are not mapped, or the file was replaced since, or its outlines were made on
    another size, or the project cannot be written.
    """
    record = session.document.image(result.image_id)
    mapping = session.category_map(result.detections.model)
    if mapping is None:
        raise UserError(f"What “{result.detections.model}” finds has no categories here yet.")
    stamp = file_stamp(session.image_path(record.id))
    if stamp is not None and stamp != result.stamp:
        raise UserError(
            f"“{record.path}” was replaced while it was segmented; press F5 and segment it again."
        )
    check_size(session, record.id, result.width, result.height)
    session.set_sizes({record.id: (result.width, result.height)})
    result = joined(result, session.detections(record.id))
    kept = session.store_detections(record.id, result.detections)
    edit = _proposals(session, result, kept, present(mapping, session.document.categories))
    if edit is not None:
        session.apply(edit, author)


def _proposals(
    session: Session,
    result: SegmentResult,
    kept: Detections,
    mapping: Mapping[str, int | None],
) -> Edit | None:
    record = session.document.image(result.image_id)
    size = (result.height, result.width)
    same_cut = record.mask_threshold == result.request.mask_threshold

    def shape_of(index: int) -> Shape:
        if same_cut and index in result.shapes:
            return result.shapes[index]
        return vectorize.shapes(kept, [index], record.mask_threshold, image_size=size)[0]

    return propose(
        record,
        session.instances(record.id),
        kept,
        mapping,
        start_score(session, record.id, result.request.model),
        shape_of,
        session.new_id,
        label=LABEL,
    )
