"""The first proposal that a document keeps in mind is what looking through all would find."""

from hypothesis import given
from hypothesis import strategies as st

from maskgui.core.document import Change, Document, Edit
from maskgui.core.entities import Category, ImageRecord, Instance
from maskgui.core.shape import Polygon, Shape

SQUARE = Shape([Polygon([(0, 0), (4, 0), (4, 4)])])


@given(
    st.lists(
        st.tuples(st.integers(1, 5), st.sampled_from(["none", "drawn", "proposal", "taken"])),
        max_size=20,
    )
)
def test_the_first_proposal_follows_every_edit(steps):
    document = Document([Category(1, "thing", "#0072b2")], [ImageRecord(1, "1.png", 9, 9)])
    document.load(1, [])
    for number, what in steps:
        before = document.instance(1, number)
        after = None
        if what != "none":
            detection = None if what == "drawn" else 7
            after = Instance(
                number, 1, 1, SQUARE, -number, detection=detection, touched=what != "proposal"
            )
        if before is None and after is None:
            continue
        undo = document.apply(Edit("test", 1, (Change(before, after),)))
        expected = next((one for one in document.instances(1) if one.is_proposal), None)
        assert document.first_proposal(1) == expected
        document.apply(undo)
        expected = next((one for one in document.instances(1) if one.is_proposal), None)
        assert document.first_proposal(1) == expected
        document.apply(undo.inverse())
    document.load(1, [])
    assert document.first_proposal(1) is None
