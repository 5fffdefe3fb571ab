"""Files as they are met in the wild, each of its faults reported with the id it has there."""

import json
import shutil
import threading
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image

from maskgui.assist.exporting import ExportOptions, export_coco
from maskgui.assist.importing import import_coco
from maskgui.assist.session import Session
from maskgui.core.document import Change, Edit
from maskgui.core.edits import add_instances, delete_instances, replace_instance, set_review
from maskgui.core.entities import Instance, Review
from maskgui.core.errors import Cancelled, Failure, UserError
from maskgui.core.raster import mask_to_shape
from maskgui.core.shape import Shape
from maskgui.formats.coco_report import Item, Kind

RING = [2, 2, 9, 2, 9, 8, 2, 8]


def image(number, name="a.png", width=20, height=16, **more):
    return {"id": number, "file_name": name, "width": width, "height": height, **more}


def annotation(number, image_id=1, category_id=1, **more):
    record = {"id": number, "image_id": image_id, "category_id": category_id, "bbox": [2, 2, 7, 6]}
    return {**record, "segmentation": [RING], "area": 42, "iscrowd": 0, **more}


def data_set(images=None, annotations=(), categories=None, **more):
    return {
        "images": [image(1)] if images is None else images,
        "annotations": list(annotations),
        "categories": [{"id": 1, "name": "nut"}] if categories is None else categories,
        **more,
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a.png (20 x 16) and sub/b.png (20 x 16)."""
    folder = tmp_path / "data"
    (folder / "sub").mkdir(parents=True)
    for name in ("a.png", "sub/b.png"):
        Image.new("RGB", (20, 16)).save(folder / name)
    return folder


class Desk:
    """A project beside the images, and the file that is imported into it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.session = Session.create(folder / "p.maskgui", folder)

    def take(self, value, name="coco.json", images=None, **options):
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(value))
        return import_coco(self.session, path, images, **options)

    def export(self, **options):
        report = export_coco(self.session.project, self.folder / "out", ExportOptions(**options))
        return json.loads((self.folder / "out" / "instances.json").read_bytes()), report


@pytest.fixture
def desk(folder: Path):
    desk = Desk(folder)
    yield desk
    desk.session.close(discard=True)


def entries(report, kind, item=Item.ANNOTATION):
    return {
        entry.id: entry.text for entry in report.entries if (entry.kind, entry.item) == (kind, item)
    }


# ---- ids


def test_ids_that_cannot_stay_get_new_ones_above_the_maximum(desk):
    taken = [annotation(number) for number in (0, 7, 7, "x", 900, None, 2.5, -3)]
    report = desk.take(data_set(annotations=taken))
    assert report.new_ids(Item.ANNOTATION) == [
        (0, 901),
        (7, 902),
        ("x", 903),
        (None, 904),
        (2.5, 905),
        (-3, 906),
    ]
    assert {one.id for one in desk.session.instances(1)} == {7, *range(900, 907)}
    after, written = desk.export()
    assert [one["id"] for one in after["annotations"]] == [901, 7, 902, 903, 900, 904, 905, 906]
    assert written.annotations == 8
    assert desk.session.new_id() > 906


def test_coco_s_own_ids_beyond_32_bits_stay(desk):
    desk.take(data_set(annotations=[annotation(908400553664)]))
    assert desk.session.instances(1)[0].id == 908400553664


def test_image_id_0_stays_and_category_id_0_does_not(desk):
    value = data_set([image(0)], [annotation(1, 0, 0)], [{"id": 0, "name": "nut"}])
    report = desk.take(value)
    assert report.new_ids(Item.IMAGE) == []
    assert report.new_ids(Item.CATEGORY) == [(0, 1)]
    after, _ = desk.export()
    assert after["images"][0]["id"] == 0
    assert after["categories"] == [{"id": 1, "name": "nut"}]
    assert after["annotations"] == [annotation(1, 0, 1)]


def test_image_ids_that_are_text_get_numbers(desk):
    report = desk.take(data_set([image("a"), image("b", "sub/b.png")], [annotation(1, "b")]))
    assert report.new_ids(Item.IMAGE) == [("a", 1), ("b", 2)]
    assert len(desk.session.instances(2)) == 1


def test_two_images_under_one_id_both_come_in(desk):
    report = desk.take(data_set([image(1), image(1, "sub/b.png"), image(1)], [annotation(1)]))
    assert report.new_ids(Item.IMAGE) == [(1, 2)]
    assert "listed twice" in entries(report, Kind.SKIP, Item.IMAGE)[1]
    assert (len(desk.session.instances(1)), len(desk.session.instances(2))) == (1, 0)


# ---- categories


def test_two_categories_of_one_name_stay_two(desk):
    names = [{"id": 2, "name": "nut"}, {"id": 5, "name": "nut", "keypoints": []}]
    desk.take(data_set(annotations=[annotation(1, 1, 5)], categories=names))
    assert [one.name for one in desk.session.document.categories] == ["nut", "nut (5)"]
    after, _ = desk.export()
    assert after["categories"] == names


def test_categories_that_are_used_but_not_listed_are_made(desk):
    report = desk.take(data_set(annotations=[annotation(1, 1, 9), annotation(2, 1, None)]))
    names = {one.id: one.name for one in desk.session.document.categories}
    assert names == {1: "nut", 9: "category 9", 10: "object"}
    assert "not listed" in entries(report, Kind.REPAIR, Item.CATEGORY)[9]
    assert "no category" in entries(report, Kind.REPAIR)[2]
    after, _ = desk.export()
    assert [one["category_id"] for one in after["annotations"]] == [9, 10]


# ---- annotations


def test_what_belongs_to_no_image_is_skipped_and_said(desk):
    value = data_set(annotations=[annotation(1), annotation(2, 77), annotation(3, None)])
    value["annotations"].append("nonsense")
    report = desk.take(value)
    assert set(entries(report, Kind.SKIP)) == {2, 3, None}
    assert report.annotations == 1


def test_unknown_keys_and_odd_values_come_back_verbatim(desk):
    odd = [
        annotation(1, keypoints=[1, 2, 2], attributes={"ä": "ü"}, score=0.25, area=1e3),
        {"id": 2, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4]},
        annotation(3, segmentation=[], area=0),
        annotation(4, segmentation=None),
        annotation(5, segmentation={"size": [16, 20], "counts": [5, 5]}),
        annotation(6, segmentation=[[1, 2, 3, 4]]),
        annotation(7, iscrowd=1, area=5, segmentation={"size": [16, 20], "counts": [40, 5, 275]}),
        annotation(8, segmentation=[[2, 2, 9, 2, 9, 8, 2, 8, 5]]),
        {"id": 9, "image_id": 1, "category_id": 1},
    ]
    report = desk.take(data_set(annotations=odd))
    notes = entries(report, Kind.NOTE)
    assert set(notes) == {1, 2, 3, 4, 5, 6, 8, 9}
    assert "area" in notes[1]
    assert "add up to 10" in notes[5]
    held = {one.id: one for one in desk.session.instances(1)}
    assert held[2].shape.bounds == (1, 2, 4, 6)
    assert held[7].iscrowd
    assert held[9].shape == Shape()
    assert held[1].score == 0.25
    after, written = desk.export()
    assert after["annotations"] == odd
    assert written.annotations == 9


def test_top_level_members_come_back(desk):
    more = {"info": None, "licenses": [{"id": 4}], "extra": {"deep": [1.50, "ß"]}}
    desk.take(data_set(**more))
    after, _ = desk.export()
    assert {key: after[key] for key in more} == more


# ---- where the images are


@pytest.mark.parametrize(
    "name", ["sub/b.png", "sub\\b.png", "b.png", "train\\2017\\b.png", "./sub/b.png"]
)
def test_images_are_found_under_names_that_went_astray(desk, name):
    report = desk.take(data_set([image(1, name)]))
    assert report.missing == []
    assert desk.session.document.image(1).path == "sub/b.png"
    after, _ = desk.export()
    assert after["images"] == [image(1, name)]


@pytest.mark.parametrize("name", ["far.png", "2017/far.png", "linked/deep/far.png"])
def test_images_below_a_linked_folder_are_found(desk, tmp_path, name):
    (tmp_path / "store/deep").mkdir(parents=True)
    Image.new("RGB", (20, 16)).save(tmp_path / "store/deep/far.png")
    (tmp_path / "store/deep/up").symlink_to(desk.folder, target_is_directory=True)
    (desk.folder / "linked").symlink_to(tmp_path / "store", target_is_directory=True)
    (desk.folder / "sub/far.png").symlink_to(tmp_path / "store/deep/far.png")
    report = desk.take(data_set([image(1, name)]))
    assert report.missing == []
    assert desk.session.image_path(1).samefile(tmp_path / "store/deep/far.png")
    assert len(desk.session.look_through().added) == 2, "a.png and sub/b.png, and no image twice"


@pytest.mark.parametrize("name", ["x" * 300, "a\0b", "", 7, None])
def test_names_that_no_file_can_have_stop_nothing(desk, name):
    report = desk.take(data_set([image(1, name)], [annotation(1)]))
    assert [one.file_name for one in report.missing] == ["image 1"]
    after, _ = desk.export()
    assert after["images"] == [image(1, name)]


def test_an_image_that_was_renamed_goes_out_under_its_new_name(desk):
    desk.take(data_set([image(1, "old.png", note="x")]))
    (desk.folder / "a.png").rename(desk.folder / "new.png")
    record = desk.session.document.image(1)
    renamed = Edit("Locate", 1, (Change(record, msgspec.structs.replace(record, path="new.png")),))
    desk.session.apply(renamed)
    after, _ = desk.export()
    assert after["images"] == [image(1, "new.png", note="x")]


def test_images_given_by_url_only_are_found(desk):
    url = {"id": 1, "coco_url": "http://images.example/val2017/b.png", "width": 20, "height": 16}
    report = desk.take(data_set([url]))
    assert report.missing == []
    after, _ = desk.export()
    assert after["images"] == [url]


def test_missing_and_broken_images_are_listed_with_their_reason(desk):
    (desk.folder / "broken.png").write_bytes(b"no image")
    names = [image(1, "gone.png"), image(2, "broken.png"), image(3, "sub/b.png")]
    report = desk.take(data_set(names, [annotation(1)]))
    assert [one.file_name for one in report.missing] == ["gone.png", "broken.png"]
    assert "not found" in report.missing[0].reason
    assert len(desk.session.document.images) == 3
    assert (desk.session.document.image(1).width, report.annotations) == (20, 1)


def test_the_folder_given_is_where_images_are_looked_for(desk, tmp_path):
    other = tmp_path / "elsewhere"
    shutil.copytree(desk.folder / "sub", other)
    report = desk.take(data_set([image(1, "b.png")]), images=other)
    assert report.missing == []
    assert desk.session.image_path(1) == other / "b.png"


def test_of_two_files_of_one_name_the_likelier_is_taken(desk):
    for split in ("train", "val"):
        (desk.folder / split).mkdir()
        shutil.copy(desk.folder / "a.png", desk.folder / split / "c.png")
    desk.take(data_set([image(1, "c.png")]), name="annotations/instances_val.json")
    assert desk.session.document.image(1).path == "val/c.png"
    report = desk.take(data_set([image(9, "c.png")]), name="unclear.json")
    assert [one.file_name for one in report.missing] == ["c.png"]


def test_a_size_that_is_not_the_file_s_is_noted(desk):
    report = desk.take(data_set([image(1, width=16, height=20)]))
    assert "look whether its outlines fit" in entries(report, Kind.NOTE, Item.IMAGE)[1]
    after, _ = desk.export()
    assert after["images"] == [image(1, width=16, height=20)]


# ---- merging


def test_a_second_file_joins_images_and_categories(desk):
    desk.take(data_set(annotations=[annotation(1)], info={"a": 1}))
    second = data_set([image(5), image(6, "sub/b.png")], [annotation(1, 5), annotation(2, 6)])
    report = desk.take({**second, "info": {"a": 2}}, name="second.json")
    assert report.new_ids(Item.IMAGE) == [(5, 1)]
    ((old, new),) = report.new_ids(Item.ANNOTATION)
    assert old == 1 < 2 < new
    assert [one.name for one in desk.session.document.categories] == ["nut"]
    assert {one.id for one in desk.session.instances(1)} == {1, new}
    after, _ = desk.export()
    assert (after["info"], after["info_2"]) == ({"a": 1}, {"a": 2})
    assert after["annotations"] == [annotation(1), annotation(new), annotation(2, 6)]


def test_the_same_file_twice_adds_nothing(desk):
    value = data_set(annotations=[annotation(0), annotation(4)])
    desk.take(value)
    before = desk.export()[0]
    report = desk.take(value)
    assert (report.annotations, report.known) == (0, 2)
    assert desk.export()[0] == before


def test_what_changes_during_an_import_does_not_stop_it(desk, monkeypatch):
    monkeypatch.setattr("maskgui.assist.importing.CHUNK_CHANGES", 1)
    session = desk.session
    first, second = session.add_images([desk.folder / "a.png", desk.folder / "sub/b.png"])

    def meanwhile(*_):
        session.set_sizes({first: (20, 16), second: (20, 16)}, {first: 70, second: 80})
        session.apply(set_review(session.document.image(second), Review.REVIEWED))

    report = desk.take(
        data_set([image(1), image(2, "sub/b.png")], [annotation(1), annotation(2, 2)]),
        on_progress=meanwhile,
    )
    assert report.annotations == 2
    record = session.document.image(second)
    assert (record.review, record.width, record.file_size) == (Review.REVIEWED, 20, 80)
    assert record.source is not None, "the import's own part is there too"
    assert session.undo_batch(report.job)
    assert session.document.image(second) == msgspec.structs.replace(record, source=None)


def test_an_import_is_one_batch_that_can_be_undone(desk):
    desk.take(data_set(annotations=[annotation(1)]))
    before = desk.export()[0]
    second = data_set([image(6, "sub/b.png")], [annotation(8, 6)], [{"id": 3, "name": "bolt"}])
    report = desk.take({**second, "info": {"of": "the second"}}, name="second.json")
    assert len(desk.session.batches()) == 2
    assert desk.session.undo_label is None
    desk.session.undo_batch(report.job)
    assert desk.export()[0] == before


def test_cancelling_takes_back_what_had_come_in(desk):
    stop = threading.Event()
    many = [annotation(number) for number in range(1, 900)]
    value = data_set([image(1), image(2, "sub/b.png")], many)
    with pytest.raises(Cancelled):
        desk.take(value, on_progress=lambda done, total: stop.set(), cancel=stop)
    assert desk.session.document.images == {}
    assert desk.session.document.categories == []


# ---- figures that would keep a machine busy


RUNS = {"size": [100_000, 100_000], "counts": [5, 10**10 - 5]}


@pytest.mark.parametrize("segmentation", [RUNS, [[0, 0, 1e308, 0, 1e308, 1e308]]])
def test_a_few_bytes_that_claim_a_giant_mask_are_kept_and_not_drawn(desk, segmentation):
    report = desk.take(data_set(annotations=[annotation(1, segmentation=segmentation)]))
    assert entries(report, Kind.NOTE)
    written, said = desk.export()
    assert written["annotations"][0]["segmentation"] == segmentation
    assert said.counts()["not_checked"] == 1
    assert "1 went out as they came" in said.summary()


def test_outlines_on_an_image_that_nothing_can_count_go_out_as_they_came(desk):
    value = data_set([image(1, "gone.png", 100_000, 100_000)], [annotation(1)])
    desk.take(value)
    assert desk.export()[0]["annotations"] == value["annotations"]


def test_lists_nested_beyond_reason_are_refused(desk):
    path = desk.folder / "deep.json"
    path.write_text('{"images": [], "annotations": [' + "[" * 200_000 + "]" * 200_000 + "]}")
    with pytest.raises(UserError, match="nested"):
        import_coco(desk.session, path)


# ---- export of what was changed here


def ring_mask():
    mask = np.zeros((16, 20), bool)
    mask[3:12, 3:12] = True
    mask[6:9, 6:9] = False
    return mask


def put(desk, shape, number=50, **more):
    new = Instance(number, 1, 1, shape, order=number, **more)
    desk.session.apply(add_instances([new], "Draw"))


def test_holes_go_out_as_rle_of_a_single_object_or_through_a_keyhole(desk):
    desk.take(data_set())
    put(desk, mask_to_shape(ring_mask()))
    plain = desk.export()[0]["annotations"][0]
    assert isinstance(plain["segmentation"]["counts"], list)
    assert (plain["iscrowd"], plain["area"], plain["bbox"]) == (0, 72, [3, 3, 9, 9])
    packed = desk.export(compressed=True)[0]["annotations"][0]
    assert isinstance(packed["segmentation"]["counts"], str)
    keyhole = desk.export(segmentation="keyhole")[0]["annotations"][0]
    assert len(keyhole["segmentation"]) == 1


def test_an_edited_import_keeps_its_unknown_keys_and_gets_a_new_mask(desk):
    desk.take(data_set(annotations=[annotation(1, area=999, keypoints=[1]), annotation(2)]))
    (old, _) = desk.session.instances(1)
    moved = msgspec.structs.replace(old, shape=old.shape.moved(1, 0))
    record = desk.session.document.image(1)
    desk.session.apply(replace_instance(old, moved, "Move", record, None))
    first, second = desk.export()[0]["annotations"]
    assert first["keypoints"] == [1]
    assert (first["area"], first["bbox"]) == (42, [3, 2, 7, 6])
    assert second == annotation(2)
    desk.session.undo()
    assert desk.export()[0]["annotations"][0] == annotation(1, area=999, keypoints=[1])


def test_a_deleted_import_is_gone_and_counts_are_the_project_s(desk):
    desk.take(data_set(annotations=[annotation(1), annotation(2)]))
    (old, _) = desk.session.instances(1)
    desk.session.apply(delete_instances([old], desk.session.document.image(1), None))
    after, written = desk.export()
    assert [one["id"] for one in after["annotations"]] == [2]
    assert (written.images, written.annotations) == (1, 1)


def test_proposals_and_unreviewed_images_can_be_left_out(desk):
    desk.take(data_set([image(1), image(2, "sub/b.png")], [annotation(1), annotation(2, 2)]))
    shape = mask_to_shape(ring_mask())
    put(desk, shape, touched=False, detection=65536, score=0.75)
    after, written = desk.export()
    assert (written.persons, written.proposals) == (2, 1)
    assert [one.get("score") for one in after["annotations"]] == [None, 0.75, None]
    assert desk.export(proposals=False)[1].annotations == 2
    assert "No image is marked reviewed" in desk.export(reviewed_only=True)[1].summary()
    desk.session.apply(set_review(desk.session.document.image(2), Review.REVIEWED))
    after, written = desk.export(reviewed_only=True)
    assert not written.problems
    assert [one["id"] for one in after["images"]] == [2]
    assert written.annotations == 1


def test_thousands_of_categories_are_taken_and_those_without_a_name_are_called_after_their_id(desk):
    names = ["", "  ", *(f"kind {number}" for number in range(3, 2001))]
    listed = [{"id": number, "name": name} for number, name in enumerate(names, 1)]
    report = desk.take(data_set(categories=listed))
    made = desk.session.document.categories
    assert [one.name for one in made[:3]] == ["category 1", "category 2", "kind 3"]
    assert len(made) == 2000
    assert list(entries(report, Kind.REPAIR, Item.CATEGORY)) == [1, 2]


def test_images_without_objects_stay_and_instances_without_pixels_do_not(desk):
    desk.take(data_set([image(1), image(2, "sub/b.png")]))
    put(desk, Shape())
    after, written = desk.export()
    assert (len(after["images"]), after["annotations"], written.empty) == (2, [], [50])
    assert "50" in written.summary()


@pytest.mark.parametrize("corners", [3, 8, 64])
@pytest.mark.parametrize("radius", [0.02, 0.3, 0.7, 1.5])
def test_circles_of_any_size_come_back_also_in_another_category(desk, radius, corners):
    turn = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    centers = np.random.default_rng(1).uniform(3, 13, (6, 1, 2))
    rings = (centers + radius * np.stack((np.cos(turn), np.sin(turn)), axis=1)).reshape(6, -1)
    tiny = [
        annotation(number, segmentation=[ring.tolist()], area=np.pi * radius**2)
        for number, ring in enumerate(rings, 1)
    ]
    two = [{"id": 1, "name": "nut"}, {"id": 2, "name": "bolt"}]
    assert desk.take(data_set(annotations=tiny, categories=two)).annotations == 6
    assert desk.export()[0]["annotations"] == tiny
    record = desk.session.document.image(1)
    for one in desk.session.instances(1):
        other = msgspec.structs.replace(one, category_id=2, iscrowd=True)
        desk.session.apply(replace_instance(one, other, "Category", record, None))
    after, written = desk.export()
    assert written.empty == []
    assert [one["category_id"] for one in after["annotations"]] == 6 * [2]
    assert [one["iscrowd"] for one in after["annotations"]] == 6 * [1]
    assert [one["segmentation"] for one in after["annotations"]] == [[r.tolist()] for r in rings]


def test_a_project_without_imports_is_whole(desk):
    ids = desk.session.add_images([desk.folder / "a.png", desk.folder / "sub" / "b.png"])
    after, written = desk.export()
    assert [one["file_name"] for one in after["images"]] == ["a.png", "sub/b.png"]
    assert [one["id"] for one in after["images"]] == ids
    assert (after["images"][0]["width"], after["images"][0]["height"]) == (20, 16)
    assert written.images == 2


def test_turned_images_are_named_and_can_be_copied_upright(desk):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (20, 16)).save(desk.folder / "t.jpg", exif=exif)
    report = desk.take(data_set([image(1, "t.jpg", 16, 20), image(2, "sub\\b.png")]))
    assert report.count(Kind.NOTE) == 0
    assert desk.export()[1].exif == ["t.jpg"]
    after, written = desk.export(copy_images=True)
    assert written.copied == 2
    for one in after["images"]:
        with Image.open(desk.folder / "out" / "images" / one["file_name"]) as copy:
            assert copy.size == (one["width"], one["height"])
            assert copy.getexif().get(0x0112, 1) == 1


def test_a_file_that_became_another_is_named_and_the_outlines_size_is_written(desk):
    desk.take(data_set(annotations=[annotation(1)]))
    Image.new("RGB", (10, 8)).save(desk.folder / "a.png")
    after, report = desk.export()
    assert (after["images"][0]["width"], report.annotations) == (20, 1)
    assert "“a.png” has 10 × 8 pixels now" in report.summary()


def test_a_failed_export_leaves_the_old_file(desk, monkeypatch):
    desk.take(data_set(annotations=[annotation(1)]))
    before = desk.export()[0]
    put(desk, mask_to_shape(ring_mask()))
    monkeypatch.setattr("maskgui.assist.exporting.fingerprint", lambda rle: 1)
    with pytest.raises(Failure, match="annotation 1 decodes to another mask"):
        desk.export()
    out = desk.folder / "out"
    assert json.loads((out / "instances.json").read_bytes()) == before
    assert [path.name for path in out.iterdir()] == ["instances.json"]


def test_a_full_disk_is_one_sentence_and_the_old_file_stays(desk, monkeypatch):
    desk.take(data_set(annotations=[annotation(1)]))
    before = desk.export()[0]

    def full(descriptor):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("maskgui.core.files.os.fsync", full)
        with pytest.raises(Failure, match="No space left") as caught:
            desk.export()
    assert "\n" not in str(caught.value)
    assert json.loads((desk.folder / "out" / "instances.json").read_bytes()) == before


def test_a_cancelled_export_leaves_nothing(desk):
    desk.take(data_set(annotations=[annotation(1)]))
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled):
        export_coco(desk.session.project, desk.folder / "x.json", cancel=stop)
    assert not (desk.folder / "x.json").exists()


def test_a_folder_in_the_file_s_place_is_refused(desk):
    (desk.folder / "d.json").mkdir()
    with pytest.raises(UserError, match="is a folder"):
        export_coco(desk.session.project, desk.folder / "d.json")
