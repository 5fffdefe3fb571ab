"""COCO records by themselves: JSON kept as it came, outlines of all forms, exact writing."""

import json
from array import array
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from maskgui.core.entities import Category, Instance
from maskgui.core.errors import Failure
from maskgui.core.raster import Rle, mask_to_shape, shape_to_rle
from maskgui.core.shape import Polygon, Shape
from maskgui.formats import coco_json
from maskgui.formats.coco_check import UNCHECKED, check_file, fingerprint
from maskgui.formats.coco_read import NotCoco, highest_id, read_coco
from maskgui.formats.coco_report import ImportReport, Item, Kind
from maskgui.formats.coco_shape import read_outline
from maskgui.formats.coco_write import (
    category_record,
    merged_members,
    new_annotation,
    segmentation_of,
    untouched_annotation,
)

SQUARE = Shape([Polygon([[2, 2], [5, 2], [5, 5], [2, 5]])])


def written(tmp_path: Path, value) -> Path:
    path = tmp_path / "coco.json"
    path.write_bytes(value if isinstance(value, bytes) else json.dumps(value).encode())
    return path


# ---- JSON that stays as it came

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


@given(
    st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=4), values),
    st.integers(),
)
def test_other_members_keep_their_values_and_the_file_is_ascii(members, new_id):
    raw = json.dumps(members, ensure_ascii=False).encode()
    after = coco_json.with_values(raw, {"id": new_id})
    assert after.isascii()
    assert json.loads(after) == {**members, "id": new_id}


def test_numbers_keep_their_very_digits():
    raw = b'{"id": 1, "a": 1.10, "b": 1e2, "c": 0.1000000000000000055511151231257827}'
    after = coco_json.with_values(raw, {"id": 2})
    assert b"1.10" in after
    assert b"1e2" in after
    assert b"0.1000000000000000055511151231257827" in after
    assert coco_json.with_values(raw, {"id": 1}) == raw


# ---- reading


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is empty"),
        (b"<annotation><folder/><object><polygon/></object></annotation>", "LabelMe XML"),
        (b"<annotation><object><bndbox></bndbox></object></annotation>", "Pascal VOC XML"),
        (b"<annotations><version>1.1</version></annotations>", "CVAT XML"),
        (b'{"shapes": [], "imagePath": "a.png"}', "LabelMe JSON"),
        (b'{"_via_img_metadata": {}}', "VGG Image Annotator"),
        (b'{"type": "FeatureCollection", "features": []}', "GeoJSON"),
        (b'{"image": {}, "annotations": []}', "SA-1B"),
        (b'[{"image_id": 1, "category_id": 1}]', "results list"),
        (b"[1, 2]", "a list where COCO has an object"),
        (b'{"annotations": []}', "no `images`"),
        (b'{"images": 3}', "`images` is no list"),
        (b'{"images": [],\n "annotations": [}', r"line 2, column \d+"),
        (b'{"images": [{"id": 1}', "breaks off at line 1"),
        (b'{"images": [{"width": NaN}]}', "holds NaN, which is no number"),
        (b'{"images": [-Infinity]}', "holds Infinity, which is no number"),
        ("{}".encode("utf-16"), "UTF-16"),
        (b"\x89PNG", "no JSON at all"),
        (b'{"images": [], "x": "\xff"}', "not valid JSON"),
    ],
)
def test_everything_else_is_refused_in_one_sentence(tmp_path, data, reason):
    path = written(tmp_path, data)
    with pytest.raises(NotCoco, match=reason) as caught:
        read_coco(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_folders_and_missing_files_are_refused(tmp_path):
    with pytest.raises(NotCoco, match="is a folder"):
        read_coco(tmp_path)
    with pytest.raises(NotCoco, match="cannot be read"):
        read_coco(tmp_path / "none.json")


def test_a_byte_order_mark_and_missing_lists_are_no_fault(tmp_path):
    file = read_coco(written(tmp_path, b'\xef\xbb\xbf{"images": [{"id": 3}], "info": null}'))
    assert (len(file.images), file.annotations, file.categories) == (1, [], [])
    assert json.loads(file.dataset) == {"info": None}


def test_only_integers_in_range_count_as_ids():
    raws = [{"id": 5}, {"id": "9"}, {"id": 7.0}, {"id": 10**30}, {"id": True}, {}, 3]
    assert highest_id([coco_json.encode(raw) for raw in raws]) == 5


# ---- outlines


@pytest.mark.parametrize(
    ("value", "area"),
    [
        ([[2, 2, 5, 2, 5, 5, 2, 5]], 9),
        ([[2, 2, 5, 2, 5, 5, 2, 5], [7, 7, 9, 7, 9, 9, 7, 9]], 13),
        ({"size": [10, 10], "counts": [22, 3, 75]}, 3),
        (Rle.from_coco({"size": [10, 10], "counts": [22, 3, 75]}).to_coco(True), 3),
    ],
)
def test_sound_segmentations_are_read_without_a_word(value, area):
    outline = read_outline(json.dumps(value).encode(), None)
    assert outline.notes == []
    assert shape_to_rle(outline.shape, 10, 10).area == area


@pytest.mark.parametrize(
    ("value", "note"),
    [
        (None, "no segmentation"),
        ([], "empty"),
        ([[]], "ring of 0 numbers"),
        ([[1, 2, 3, 4]], "ring of 4 numbers"),
        ({"size": [10, 10], "counts": [1, 2]}, "add up to 3"),
        ({"size": [10, 10], "counts": [100]}, "RLE is empty"),
        ("abc", "cannot be understood"),
        ([["a", 1, 2, 3, 4, 5]], "cannot be understood"),
    ],
)
def test_what_has_no_outline_is_shown_as_its_box(value, note):
    outline = read_outline(json.dumps(value).encode(), [1, 2, 3, 4])
    assert len(outline.notes) == 1
    assert note in outline.notes[0]
    assert not outline.is_exact
    assert outline.shape.bounds == (1, 2, 4, 6)
    without = read_outline(json.dumps(value).encode(), [1, 2, 0, 4])
    assert without.shape == Shape()
    assert "no outline" in without.notes[0]


def test_numbers_out_of_range_are_no_outline():
    outline = read_outline(b"[[1e999, 2, 3, 4, 5, 6]]", [1, 2, 3, 4])
    assert "out of range" in outline.notes[0]
    assert outline.shape.bounds == (1, 2, 4, 6)


@pytest.mark.parametrize(
    "value",
    [
        [2, 2, 5, 2, 5, 5, 2, 5],
        [[[2, 2], [5, 2], [5, 5], [2, 5]]],
        [[2, 2, 5, 2, 5, 5, 2, 5, 1]],
        [[2, 2, 5, 2, 5, 5, 2, 5], [1, 1, 2, 2]],
    ],
)
def test_odd_forms_are_understood_and_noted(value):
    outline = read_outline(json.dumps(value).encode(), None)
    assert outline.shape == SQUARE
    assert outline.notes


# ---- writing

masks = hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=12))


@settings(max_examples=150)
@given(masks, st.sampled_from(["polygons", "keyhole", "rle"]), st.booleans())
def test_every_form_decodes_to_the_mask(mask, form, compressed):
    shape = mask_to_shape(mask)
    rle = Rle.from_mask(mask)
    value = segmentation_of(shape, rle, form, compressed)
    if mask.any():
        outline = read_outline(json.dumps(value).encode(), None)
        assert outline.notes == []
        assert shape_to_rle(outline.shape, *mask.shape) == rle
    holes = any(part.holes for part in shape.parts)
    if mask.any() and (form == "keyhole" or (form == "polygons" and not holes)):
        assert isinstance(value, list)
    if form == "rle" or (form == "polygons" and holes):
        assert isinstance(value["counts"], str if compressed else list)


def test_own_coordinates_stay_inside_the_image():
    shape = Shape([Polygon([[-3, -3], [5, -3], [5, 14], [-3, 14]])])
    rle = shape_to_rle(shape, 10, 10)
    value = np.array(segmentation_of(shape, rle, "polygons", False))
    assert value.min() == 0
    assert value.max() == 10


def test_area_and_box_are_those_of_the_mask():
    instance = Instance(3, 1, 2, SQUARE, iscrowd=True)
    record = new_annotation(instance, shape_to_rle(SQUARE, 10, 10), "polygons", False)
    assert record == {
        "id": 3,
        "image_id": 1,
        "category_id": 2,
        "segmentation": [[2, 2, 5, 2, 5, 5, 2, 5]],
        "area": 9,
        "bbox": [2, 2, 3, 3],
        "iscrowd": 1,
    }


def test_an_untouched_annotation_changes_its_ids_only():
    raw = b'{"id":0,"image_id":1,"category_id":0,"segmentation":[[0.30,1]],"x":{"y":[1.0]}}'
    after = untouched_annotation(Instance(9, 1, 4, Shape()), raw)
    assert after == (
        b'{"id":9,"image_id":1,"category_id":4,"segmentation":[[0.30,1]],"x":{"y":[1.0]}}'
    )


def test_a_category_keeps_its_own_name_until_it_is_renamed():
    raw = b'{"id": 3, "name": "facade", "supercategory": "none"}'
    assert category_record(Category(3, "facade (3)", "#000000"), raw) == raw
    renamed = json.loads(category_record(Category(3, "front", "#000000"), raw))
    assert renamed == {"id": 3, "name": "front", "supercategory": "none"}
    assert json.loads(category_record(Category(3, "a", "#000000"), None)) == {"id": 3, "name": "a"}


def test_members_of_several_files_are_joined_without_loss():
    one = b'{"info": {"year": 1}, "licenses": [{"id": 1}], "tags": null}'
    two = b'{"info": {"year": 2}, "licenses": [{"id": 1}, {"id": 2}], "tags": [3]}'
    merged = {key: msgspec.json.decode(raw) for key, raw in merged_members([one, two]).items()}
    assert merged == {
        "info": {"year": 1},
        "info_2": {"year": 2},
        "licenses": [{"id": 1}, {"id": 2}],
        "tags": [3],
    }
    assert merged_members([one])["licenses"] == msgspec.Raw(b'[{"id": 1}]')


# ---- reading back


def data_set(*annotations):
    return {"images": [{"id": 1, "width": 10, "height": 10}], "annotations": list(annotations)}


def annotation(number=1, image=1, segmentation=((2, 2, 5, 2, 5, 5, 2, 5),)):
    return {"id": number, "image_id": image, "segmentation": segmentation}


NINE = fingerprint(shape_to_rle(SQUARE, 10, 10))


@pytest.mark.parametrize(
    "segmentation",
    [
        [[2, 2, 5, 2, 5, 5, 2, 5]],
        shape_to_rle(SQUARE, 10, 10).to_coco(True),
        shape_to_rle(SQUARE, 10, 10).to_coco(False),
    ],
)
def test_the_check_passes_what_is_right(tmp_path, segmentation):
    path = written(tmp_path, data_set(annotation(segmentation=segmentation), annotation(2, 1, [])))
    check_file(path, 1, array("Q", [NINE, UNCHECKED]))


@pytest.mark.parametrize(
    ("found", "expected", "reason"),
    [
        ([annotation(segmentation=[[2, 2, 6, 2, 6, 5, 2, 5]])], [NINE], "another mask"),
        ([annotation()], [NINE, NINE], "1 of 2 annotations"),
        ([annotation(), annotation()], [NINE, NINE], "no id or no image"),
        ([annotation(0)], [NINE], "no id or no image"),
        ([annotation(image=2)], [NINE], "no id or no image"),
    ],
)
def test_the_check_finds_what_is_wrong(tmp_path, found, expected, reason):
    with pytest.raises(Failure, match=reason):
        check_file(written(tmp_path, data_set(*found)), 1, array("Q", expected))


def test_the_check_counts_images(tmp_path):
    with pytest.raises(Failure, match="1 of 2 images"):
        check_file(written(tmp_path, data_set()), 2, array("Q"))


# ---- the report


def test_the_report_tells_counts_pairs_and_sentences():
    report = ImportReport("a.json")
    report.renumbered(Item.ANNOTATION, 0, 12, "id 0 is taken")
    report.add(Kind.SKIP, Item.ANNOTATION, "x", "its image 5 is not in the file")
    for number in range(30):
        report.add(Kind.NOTE, Item.IMAGE, number, "odd")
    value = json.loads(report.to_json())
    assert value["counts"] == {"repairs": 1, "skips": 1, "notes": 30}
    assert value["new_ids"]["annotation"] == [[0, 12]]
    assert len(value["entries"]) == 32
    assert "1 repair, 1 skip, 30 notes" in report.summary()
    lines = report.lines(limit=5)
    assert lines[0] == "skip: annotation x: its image 5 is not in the file"
    assert lines[-1] == "note: and 25 more; see the report file"
