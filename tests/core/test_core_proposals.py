"""design.md's rule on proposals, sentence by sentence."""

from dataclasses import replace

import msgspec
import numpy as np
import pytest

from maskgui.core.detections import Detections
from maskgui.core.document import Change, Document, Edit
from maskgui.core.edits import accept, delete_instances, replace_instance, set_category
from maskgui.core.entities import Category, ImageRecord, Instance, MarkKind
from maskgui.core.proposals import present, propose
from maskgui.core.shape import Polygon, Shape

MAPPING = {"nut": 1, "bolt": 2, "dirt": None}


def square(x: float, y: float, side: float = 8.0) -> Shape:
    return Shape([Polygon([[x, y], [x + side, y], [x + side, y + side], [x, y + side]])])


def detections(run: int, *found: tuple[str, float, float], names=("nut", "bolt", "dirt", "odd")):
    """found: (category, score, left), the best first; boxes of side 8 at y = 0."""
    return Detections(
        model="m",
        categories=names,
        boxes=np.array([[x, 0, x + 8, 8] for _, _, x in found], np.float32).reshape(-1, 4),
        scores=np.array([score for _, score, _ in found], np.float32),
        labels=np.array([names.index(name) for name, _, _ in found], np.int32),
        masks=np.zeros((len(found), 2, 2), np.uint16),
        run=run,
    )


FIRST = detections(
    1, ("nut", 0.9, 0), ("dirt", 0.85, 20), ("bolt", 0.8, 40), ("odd", 0.75, 60), ("nut", 0.4, 80)
)


class Desk:
    """One image of a document on which proposals come and go as in the application."""

    def __init__(self) -> None:
        self.document = Document(
            [Category(1, "nut", "#000000"), Category(2, "bolt", "#111111")],
            [ImageRecord(7, "a.png", 100, 100)],
        )
        self.document.load(7, [])
        self.found = FIRST
        self.ids = iter(range(100, 10_000))

    @property
    def image(self) -> ImageRecord:
        return self.document.image(7)

    @property
    def instances(self) -> list[Instance]:
        return self.document.instances(7)

    def at(self, index: int) -> Instance:
        """The instance that was made from a detection of the present run."""
        wanted = self.found.id_of(index)
        return next(one for one in self.instances if one.detection == wanted)

    def propose(self, threshold: float | None = None, mapping=MAPPING, **options):
        edit = propose(
            self.image,
            self.instances,
            self.found,
            mapping,
            self.image.threshold if threshold is None else threshold,
            options.pop("shape_of", lambda index: square(float(self.found.boxes[index][0]), 0)),
            lambda: next(self.ids),
            **options,
        )
        if edit is not None:
            self.document.apply(edit)
        return edit

    def shown(self) -> set[int]:
        """Indices of the present run's detections that are proposals."""
        return {one.detection % 65536 for one in self.instances if one.is_proposal}


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    desk.propose(0.5)
    return desk


def test_proposals_are_exactly_the_mapped_detections_above_the_threshold(desk):
    assert desk.shown() == {0, 2}
    assert desk.at(0).category_id == 1
    assert desk.at(2).category_id == 2
    assert desk.at(2).score == pytest.approx(0.8)
    assert desk.at(2).shape == square(40, 0)
    assert not desk.at(0).touched


def test_a_score_at_the_threshold_counts(desk):
    desk.propose(0.4)
    assert 4 in desk.shown()


def test_the_slider_adds_and_removes_proposals_only(desk):
    mine = Instance(5, 7, 1, square(1, 1))
    desk.document.load(7, [*desk.instances, mine])
    kept = desk.at(0)
    desk.propose(0.3)
    assert desk.shown() == {0, 2, 4}
    desk.propose(0.85)
    assert desk.shown() == {0}
    assert desk.at(0) == kept
    assert desk.document.instance(7, 5) == mine
    assert desk.image.threshold == 0.85
    assert desk.image.marks == ()


def test_the_slider_is_one_edit_and_can_be_undone(desk):
    before = (desk.image, desk.instances)
    edit = desk.propose(0.1)
    desk.document.apply(edit.inverse())
    assert (desk.image, desk.instances) == before


def test_nothing_to_do_is_no_edit(desk):
    assert desk.propose() is None


def test_a_deleted_proposal_stays_away_after_the_slider(desk):
    desk.document.apply(delete_instances([desk.at(0)], desk.image, FIRST))
    desk.propose(0.95)
    desk.propose(0.1)
    assert desk.shown() == {2, 4}


def test_a_deleted_proposal_stays_away_after_a_new_run(desk):
    desk.document.apply(delete_instances([desk.at(0)], desk.image, FIRST))
    desk.found = detections(2, ("bolt", 0.99, 40), ("nut", 0.95, 2))
    desk.propose()
    assert desk.shown() == {0}
    (mark,) = desk.image.marks
    assert (mark.kind, mark.detection) == (MarkKind.DELETED, desk.found.id_of(1))


def test_undoing_the_deletion_brings_it_back_for_good(desk):
    edit = delete_instances([desk.at(0)], desk.image, FIRST)
    desk.document.apply(edit)
    desk.document.apply(edit.inverse())
    desk.propose(0.95)
    desk.propose(0.5)
    assert desk.shown() == {0, 2}


@pytest.mark.parametrize("how", ["edit", "category", "accept"])
def test_what_a_person_touches_no_longer_follows(desk, how):
    old = desk.at(0)
    if how == "edit":
        after = msgspec.structs.replace(old, shape=old.shape.moved(1, 1))
        edit = replace_instance(old, after, "Move", desk.image, FIRST)
    elif how == "category":
        edit = set_category([old], 2, desk.image, FIRST)
    else:
        edit = accept(desk.instances, desk.image, FIRST)
    desk.document.apply(edit)
    mine = desk.document.instance(7, old.id)
    assert mine.touched
    desk.propose(0.99)
    assert desk.document.instance(7, old.id) == mine
    desk.propose(0.1)
    assert 0 not in desk.shown()
    assert desk.document.instance(7, old.id) == mine


def test_what_a_person_took_is_not_proposed_again_by_a_new_run(desk):
    mine = desk.at(0)
    desk.document.apply(accept([mine], desk.image, FIRST))
    desk.found = detections(2, ("nut", 0.9, 1), ("bolt", 0.8, 40))
    desk.propose()
    assert desk.shown() == {1}
    assert desk.document.instance(7, mine.id).touched


def test_a_person_may_delete_what_they_took_and_it_stays_away(desk):
    desk.document.apply(accept([desk.at(0)], desk.image, FIRST))
    desk.document.apply(delete_instances([desk.at(0)], desk.image, FIRST))
    desk.propose(0.1)
    assert 0 not in desk.shown()


def test_a_new_run_replaces_proposals_only(desk):
    mine = Instance(5, 7, 1, square(1, 1))
    desk.document.load(7, [*desk.instances, mine])
    desk.found = detections(2, ("nut", 0.7, 60))
    desk.propose()
    assert desk.shown() == {0}
    assert len(desk.instances) == 2
    assert desk.document.instance(7, 5) == mine


def test_a_mark_speaks_of_one_detection_of_its_category_and_the_best_overlap(desk):
    desk.document.apply(delete_instances([desk.at(0)], desk.image, FIRST))
    desk.found = detections(
        2, ("nut", 0.99, 2), ("nut", 0.98, 1), ("bolt", 0.97, 0), ("nut", 0.96, 5)
    )
    desk.propose()
    assert desk.shown() == {0, 2, 3}


def test_two_marks_share_the_detections_of_a_new_run_best_first():
    desk = Desk()
    desk.found = detections(1, ("nut", 0.9, 0), ("nut", 0.8, 2))
    desk.propose()
    desk.document.apply(delete_instances(desk.instances, desk.image, desk.found))
    desk.found = detections(2, ("nut", 0.9, 2), ("nut", 0.8, 1))
    desk.propose()
    assert desk.shown() == set()


def test_a_mark_waits_through_a_run_that_does_not_see_the_object(desk):
    desk.document.apply(delete_instances([desk.at(0)], desk.image, FIRST))
    desk.found = detections(2, ("bolt", 0.8, 40))
    desk.propose()
    desk.found = detections(3, ("nut", 0.9, 0))
    desk.propose()
    assert desk.shown() == set()


def test_an_object_elsewhere_is_proposed_again(desk):
    desk.document.apply(delete_instances([desk.at(0)], desk.image, FIRST))
    desk.found = detections(2, ("nut", 0.9, 4))  # box IoU 1/3
    desk.propose()
    assert desk.shown() == {0}


def test_an_empty_outline_is_not_proposed(desk):
    desk.found = detections(2, ("nut", 0.9, 0), ("nut", 0.8, 50))
    desk.propose(shape_of=lambda index: Shape() if index == 0 else square(50, 0))
    assert desk.shown() == {1}


def test_a_changed_map_moves_and_hides_proposals(desk):
    kept = desk.at(0).id
    desk.propose(mapping={"nut": 2, "bolt": None})
    assert desk.shown() == {0}
    assert desk.at(0).id == kept
    assert desk.at(0).category_id == 2


def test_a_map_is_taken_as_far_as_its_categories_are_there(desk):
    gone = {**MAPPING, "odd": 99}
    assert present(gone, desk.document.categories) == MAPPING
    assert present(None, desk.document.categories) == {}


def test_what_stands_stays_where_the_map_says_nothing_of_it(desk):
    """Its category was merged into another: the map led to the one that is gone."""
    desk.propose(0.3)
    nuts = [desk.at(0), desk.at(4)]
    for nut in nuts:
        merged = msgspec.structs.replace(nut, category_id=2)
        desk.document.apply(Edit("Merge", None, (Change(nut, merged),)))
    unsaid = {"bolt": 2, "dirt": None}
    desk.propose(0.5, unsaid)
    assert [one.detection for one in desk.instances] == [desk.at(2).detection, desk.at(0).detection]
    assert desk.at(0).id == nuts[0].id
    assert desk.at(0).category_id == 2
    desk.propose(0.3, unsaid)
    assert len(desk.instances) == 2, "none is made for a category that nobody chose"


def test_the_mask_threshold_redraws_proposals_and_nothing_else(desk):
    taken = desk.at(2)
    desk.document.apply(accept([taken], desk.image, FIRST))
    kept = desk.at(0).id
    desk.propose(shape_of=lambda index: square(0, 0, 4), mask_threshold=0.7)
    assert desk.at(0).shape == square(0, 0, 4)
    assert desk.at(0).id == kept
    assert desk.document.instance(7, taken.id).shape == taken.shape
    assert desk.image.mask_threshold == 0.7


def test_the_best_score_lies_on_top_and_all_above_what_was_there():
    desk = Desk()
    desk.document.load(7, [Instance(5, 7, 1, square(0, 0), order=3)])
    desk.propose(0.1)
    assert [one.score for one in desk.instances[1:]] == sorted(
        one.score for one in desk.instances[1:]
    )
    assert desk.instances[0].id == 5


def test_detections_of_another_run_number_are_told_apart(desk):
    desk.found = replace(FIRST, run=2)
    desk.propose()
    assert {one.detection for one in desk.instances} == {desk.found.id_of(0), desk.found.id_of(2)}
