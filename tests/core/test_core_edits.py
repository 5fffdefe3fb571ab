"""Edits and their inverses: any sequence, undone and redone, gives identical states."""

import msgspec
import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from maskgui.core import edits
from maskgui.core.detections import Detections
from maskgui.core.document import Document, EditConflict
from maskgui.core.entities import Category, ImageRecord, Instance, Review
from maskgui.core.proposals import propose
from maskgui.core.shape import Polygon, Shape

IMAGES = (1, 2)
FIRST = Detections(
    model="m",
    categories=("nut", "bolt"),
    boxes=np.array([[x, 0, x + 8, 8] for x in (0, 20, 40)], np.float32),
    scores=np.array([0.9, 0.8, 0.4], np.float32),
    labels=np.array([0, 0, 1], np.int32),
    masks=np.zeros((3, 2, 2), np.uint16),
    run=1,
)


def square(x: float, y: float) -> Shape:
    return Shape([Polygon([[x, y], [x + 8, y], [x + 8, y + 8], [x, y + 8]])])


def state_of(document: Document):
    instances = {image: document.instances(image) for image in IMAGES}
    return document.categories, dict(document.images), instances


class History(RuleBasedStateMachine):
    """Random edits of all kinds on two images, with undo and redo in between."""

    @initialize()
    def begin(self) -> None:
        self.document = Document(
            [Category(number, f"c{number}", "#000000", number) for number in (1, 2, 3)],
            [ImageRecord(image, f"{image}.png", 100, 100) for image in IMAGES],
        )
        for image in IMAGES:
            self.document.load(image, [])
        self.done = []
        self.undone = []
        self.states = [state_of(self.document)]
        self.next_id = 1

    def new_id(self) -> int:
        self.next_id += 1
        return self.next_id

    def apply(self, edit) -> None:
        inverse = self.document.apply(edit)
        assert inverse == edit.inverse()
        assert inverse.inverse() == edit
        after = state_of(self.document)
        self.document.apply(inverse)
        assert state_of(self.document) == self.states[len(self.done)]
        self.document.apply(edit)
        self.done.append(edit)
        self.undone = []
        del self.states[len(self.done) :]
        self.states.append(after)

    def some(self, data, image: int) -> list[Instance]:
        return data.draw(
            st.lists(st.sampled_from(self.document.instances(image)), min_size=1, unique=True)
        )

    def has_instances(self) -> bool:
        return all(self.document.instances(image) for image in IMAGES)

    @rule(image=st.sampled_from(IMAGES), x=st.integers(0, 80))
    def add(self, image: int, x: int) -> None:
        new = Instance(self.new_id(), image, 1, square(x, 0))
        self.apply(edits.add_instances([new], "Add"))

    @rule(image=st.sampled_from(IMAGES), threshold=st.sampled_from([0.1, 0.5, 0.82, 0.99]))
    def slide(self, image: int, threshold: float) -> None:
        edit = propose(
            self.document.image(image),
            self.document.instances(image),
            FIRST,
            {"nut": 1, "bolt": 2},
            threshold,
            lambda index: square(index, 0),
            self.new_id,
        )
        if edit is not None:
            self.apply(edit)

    @precondition(has_instances)
    @rule(data=st.data(), image=st.sampled_from(IMAGES), what=st.sampled_from("drcat"))
    def change(self, data, image: int, what: str) -> None:
        chosen = self.some(data, image)
        record = self.document.image(image)
        if what == "d":
            edit = edits.delete_instances(chosen, record, FIRST)
        elif what == "r":
            moved = [
                (one, msgspec.structs.replace(one, shape=one.shape.moved(1, 0))) for one in chosen
            ]
            edit = edits.replace_instances(moved, "Move", record, FIRST)
        elif what == "c":
            edit = edits.set_category(chosen, 2, record, FIRST)
        elif what == "a":
            edit = edits.accept(chosen, record, FIRST)
        else:
            edit = edits.set_crowd(chosen, True, record, FIRST)
        self.apply(edit)

    @rule(image=st.sampled_from(IMAGES), review=st.sampled_from(Review))
    def review(self, image: int, review: Review) -> None:
        self.apply(edits.set_review(self.document.image(image), review))

    @rule()
    def add_category(self) -> None:
        number = 10 + self.new_id()
        self.apply(edits.add_category(Category(number, f"n{number}", "#ffffff", number)))

    @rule(data=st.data())
    def rename(self, data) -> None:
        old = data.draw(st.sampled_from(self.document.categories))
        self.apply(edits.change_category(old, msgspec.structs.replace(old, name=old.name + "x")))

    @precondition(lambda self: len(self.document.categories) > 3)
    @rule(merge=st.booleans())
    def drop_category(self, merge: bool) -> None:
        last = self.document.categories[-1]
        held = [one for image in IMAGES for one in self.document.instances(image)]
        own = [one for one in held if one.category_id == last.id]
        if merge:
            self.apply(edits.merge_categories(self.document.category(1), [last], held))
        else:
            images = dict(self.document.images)
            self.apply(edits.delete_category(last, own, images, lambda image: FIRST))

    @precondition(lambda self: self.done)
    @rule()
    def undo(self) -> None:
        edit = self.done.pop()
        self.document.apply(edit.inverse())
        self.undone.append(edit)

    @precondition(lambda self: self.undone)
    @rule()
    def redo(self) -> None:
        edit = self.undone.pop()
        self.document.apply(edit)
        self.done.append(edit)

    @invariant()
    def the_state_is_that_of_its_place_in_the_history(self) -> None:
        assert state_of(self.document) == self.states[len(self.done)]

    @invariant()
    def instances_come_in_their_order(self) -> None:
        for image in IMAGES:
            held = self.document._instances[image].values()
            want = sorted(held, key=lambda one: (one.order, one.id))
            assert self.document.instances(image) == want


TestHistory = History.TestCase
TestHistory.settings = settings(max_examples=40, stateful_step_count=25)


IMAGE = ImageRecord(1, "a.png", 50, 50)


def proposal(index: int = 0) -> Instance:
    return Instance(9, 1, 1, square(0, 0), touched=False, detection=FIRST.id_of(index), score=0.9)


def test_touching_an_imported_instance_ends_its_verbatim_life():
    imported = Instance(3, 1, 1, square(0, 0), source=4, verbatim=True)
    edit = edits.set_crowd([imported], True, IMAGE, None)
    (change,) = edit.changes
    assert change.after.iscrowd
    assert not change.after.verbatim
    assert change.after.source == 4


def test_a_copy_is_a_persons_own():
    copy = edits.copied(proposal(), 30, 2)
    assert (copy.id, copy.image_id, copy.touched) == (30, 2, True)
    assert (copy.detection, copy.score, copy.source) == (None, None, None)


def test_marks_hold_what_finds_the_object_again():
    edit = edits.delete_instances([proposal(2)], IMAGE, FIRST)
    (mark,) = edit.changes[-1].after.marks
    assert mark.box == (40, 0, 48, 8)
    assert mark.category == "bolt"


def test_a_proposal_cannot_be_touched_without_its_detections():
    with pytest.raises(ValueError, match="detections"):
        edits.accept([proposal()], IMAGE, None)
    with pytest.raises(ValueError, match="not of run"):
        edits.mark_for(FIRST, FIRST.id_of(0) + 65536, edits.MarkKind.TAKEN)


def test_merging_categories_touches_no_object():
    imported = Instance(3, 1, 2, square(0, 0), source=4, verbatim=True)
    into, gone = Category(1, "a", "#000000"), Category(2, "a (2)", "#000000")
    edit = edits.merge_categories(into, [gone], [imported, proposal()])
    after = edit.changes[0].after
    assert (after.category_id, after.verbatim) == (1, True)
    assert len(edit.changes) == 2


def test_an_edit_that_conflicts_changes_nothing():
    document = Document([], [IMAGE])
    one, two = Instance(3, 1, 1, Shape()), Instance(4, 1, 1, Shape())
    document.load(1, [one])
    before = document.instances(1)
    with pytest.raises(EditConflict, match="has changed since"):
        document.apply(edits.delete_instances([one, two], IMAGE, None))
    assert document.instances(1) == before
