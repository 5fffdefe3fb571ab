"""COCO through a project and out again: the same values, the same masks."""

import json
from pathlib import Path

import pycocotools.mask
import pytest

from maskgui.assist.exporting import ExportOptions, export_coco
from maskgui.assist.importing import import_coco
from maskgui.assist.session import Session
from maskgui.core.errors import UserError
from maskgui.formats.coco_read import NotCoco
from maskgui.formats.coco_report import Item


def rle_of(annotation, image):
    """What pycocotools makes of an annotation (annToRLE)."""
    value = annotation["segmentation"]
    height, width = image["height"], image["width"]
    if isinstance(value, list):
        return pycocotools.mask.merge(pycocotools.mask.frPyObjects(value, height, width))
    if isinstance(value["counts"], list):
        return pycocotools.mask.frPyObjects(value, height, width)
    return {"size": value["size"], "counts": value["counts"].encode()}


def through_a_project(json_path: Path, images: Path | None, tmp_path: Path, **options):
    """Import into a new project, close it, open it for reading and export."""
    path = tmp_path / "project.maskgui"
    with Session.create(path, images or json_path.parent) as session:
        report = import_coco(session, json_path, images)
    with Session.open(path, read_only=True) as session:
        written = export_coco(session.project, tmp_path / "out", ExportOptions(**options))
    return json.loads((tmp_path / "out" / "instances.json").read_bytes()), report, written


def assert_same_data_set(before, after, report):
    """Everything equal, but for ids that the report names."""

    def renamed(item, records):
        new = dict(report.new_ids(item))
        return [{**one, "id": new.get(one["id"], one["id"])} for one in records]

    category = dict(report.new_ids(Item.CATEGORY))
    others = {"images", "annotations", "categories", "maskgui"}  # the last: who wrote it
    assert {k: v for k, v in after.items() if k not in others} == {
        k: v for k, v in before.items() if k not in others
    }
    assert after["images"] == renamed(Item.IMAGE, before["images"])
    assert after["categories"] == renamed(Item.CATEGORY, before["categories"])
    expected = [
        {**one, "category_id": category.get(one["category_id"], one["category_id"])}
        for one in renamed(Item.ANNOTATION, before["annotations"])
    ]
    found = {one["id"]: one for one in after["annotations"]}
    assert len(found) == len(after["annotations"]) == len(expected)
    for one in expected:
        assert found[one["id"]] == one


@pytest.mark.parametrize(
    ("json_name", "image_folder"),
    [
        ("coco-photos/instances.json", "coco-photos/images"),
        ("facades/instances_val.json", "facades/val"),
    ],
)
def test_real_data_sets_come_back_the_same(shared_data, tmp_path, json_name, image_folder):
    source = shared_data / json_name
    before = json.loads(source.read_bytes())
    after, report, written = through_a_project(source, shared_data / image_folder, tmp_path)
    assert report.missing == []
    assert written.annotations == written.persons == len(before["annotations"])
    assert written.images == len(before["images"])
    assert_same_data_set(before, after, report)
    images = {one["id"]: one for one in before["images"]}
    new_ids = dict(report.new_ids(Item.ANNOTATION))
    found = {one["id"]: one for one in after["annotations"]}
    for one in before["annotations"]:
        other = found[new_ids.get(one["id"], one["id"])]
        a, b = rle_of(one, images[one["image_id"]]), rle_of(other, images[one["image_id"]])
        assert pycocotools.mask.iou([a], [b], [0])[0, 0] == 1.0


def test_the_faults_of_facades_are_reported(shared_data, tmp_path):
    source = shared_data / "facades" / "instances_val.json"
    with Session.create(tmp_path / "p.maskgui", shared_data / "facades" / "val") as session:
        report = import_coco(session, source, shared_data / "facades" / "val")
        names = {category.id: category.name for category in session.document.categories}
    assert report.new_ids(Item.CATEGORY) == [(0, 11)]
    assert report.new_ids(Item.ANNOTATION) == [(0, 12204)]
    assert report.new_ids(Item.IMAGE) == []
    assert (names[11], names[3]) == ("facade", "facade (3)")


def test_every_json_of_the_variants_comes_in_and_back(shared_data, tmp_path):
    files = sorted((shared_data / "coco-variants").rglob("*.json"))
    assert files
    for number, source in enumerate(files):
        folder = tmp_path / str(number)
        folder.mkdir()
        after, report, _ = through_a_project(source, None, folder)
        assert report.missing == []
        assert_same_data_set(json.loads(source.read_bytes()), after, report)


def test_xml_is_refused_by_name(shared_data, tmp_path):
    with Session.create(tmp_path / "p.maskgui", tmp_path) as session:
        for source in sorted((shared_data / "coco-variants").rglob("*.xml")):
            name = "LabelMe XML" if "labelme" in str(source) else "CVAT XML"
            with pytest.raises(NotCoco, match=name):
                import_coco(session, source)
        assert session.batches() == []


@pytest.mark.parametrize("name", ["notes.txt", "out.XML", "a.png", "b.maskgui"])
def test_an_export_to_another_kind_of_file_is_refused(tmp_path: Path, name: str) -> None:
    with Session.create(tmp_path / "p.maskgui", tmp_path) as session:
        with pytest.raises(UserError, match="looks like a file"):
            export_coco(session.project, tmp_path / name)
        assert not (tmp_path / name).exists()
        (tmp_path / "there").write_text("mine")
        with pytest.raises(UserError, match=r"is a file and no \.json"):
            export_coco(session.project, tmp_path / "there")
        assert (tmp_path / "there").read_text() == "mine"


@pytest.mark.parametrize("name", ["out", "set.v2", "plates-1.0"])
def test_an_export_may_make_a_folder(tmp_path: Path, name: str) -> None:
    with Session.create(tmp_path / "p.maskgui", tmp_path) as session:
        report = export_coco(session.project, tmp_path / name)
    assert report.path == tmp_path / name / "instances.json"
    (tmp_path / "kept.txt").mkdir()
    with Session.open(tmp_path / "p.maskgui") as session:
        assert export_coco(session.project, tmp_path / "kept.txt").path.is_file()
