"""Images through a tiny network into a COCO file: names, masks, maps, and stopped runs."""

import json
import os
import shutil
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from pycocotools import mask as coco_mask

from maskgui.assist.jobs import Outcome, Reply, Worker
from maskgui.assist.journal import Journal, Settings
from maskgui.assist.segment import (
    Segmenter,
    SegmentImage,
    find_images,
    is_done,
    read_category_map,
    segment_files,
)
from maskgui.core.detections import Detections
from maskgui.core.errors import Cancelled, UserError
from maskgui.core.files import sole_writer
from maskgui.core.raster import shape_to_mask
from maskgui.maskrcnn.builder import build
from maskgui.maskrcnn.card import Card
from maskgui.maskrcnn.checkpoint import save_model
from maskgui.maskrcnn.config import Config
from maskgui.maskrcnn.models import find_model

# pycocotools' decode and numpy 2: https://numpy.org/devdocs/numpy_2_0_migration_guide.html
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")

CONFIG = Config(categories=3, min_side=64, max_side=96, proposals=10)
NAMES = ("nut", "N/A", "gear")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A random network that finds something everywhere, each time the same."""
    torch.manual_seed(0)
    network = build(CONFIG)
    with torch.no_grad():
        network.roi_heads.box_predictor.cls_score.weight.mul_(3)
    path = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    card = Card("tiny", "Tiny", CONFIG, NAMES, category_ids=(1, 2, 30))
    save_model(path, network, card)
    return str(path)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    (folder / "sub").mkdir(parents=True)
    for number, name in enumerate(["a.png", "b 2.png", "sub/ö.png"]):
        save_image(folder / name, number)
    return folder


def save_image(path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    pixels = np.kron(rng.integers(0, 256, (6, 8, 3), np.uint8), np.ones((10, 10, 1), np.uint8))
    Image.fromarray(pixels).save(path)


def read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_bytes().decode("ascii"))
    return content


def decode(annotation: dict[str, Any], image: dict[str, Any]) -> NDArray[np.bool_]:
    form = annotation["segmentation"]
    height, width = image["height"], image["width"]
    rle = (
        form
        if isinstance(form, dict)
        else coco_mask.merge(coco_mask.frPyObjects(form, height, width))
    )
    return np.asarray(coco_mask.decode(rle), bool)


@pytest.mark.parametrize("form", ["rle", "polygons"])
def test_writes_a_coco_data_set_of_the_masks(
    model: str, images: Path, tmp_path: Path, form: Any
) -> None:
    told: list[tuple[int, int]] = []
    out = tmp_path / "out.json"
    report = segment_files(
        [images], model, out, score=0.05, form=form, on_progress=lambda *now: told.append(now)
    )
    data = read(out)
    assert [image["file_name"] for image in data["images"]] == ["a.png", "b 2.png", "sub/ö.png"]
    assert data["categories"] == [{"id": 1, "name": "nut"}, {"id": 30, "name": "gear"}]
    assert (report.images, report.annotations) == (3, len(data["annotations"]))
    assert report.annotations > 3
    assert told[-1] == (3, 3)
    assert [entry["id"] for entry in data["annotations"]] == list(range(1, report.annotations + 1))
    sizes = {image["id"]: image for image in data["images"]}
    polygons = 0
    for annotation in data["annotations"]:
        mask = decode(annotation, sizes[annotation["image_id"]])
        rows, columns = np.nonzero(mask)
        x, y, w, h = annotation["bbox"]
        assert annotation["area"] == mask.sum() > 0
        assert (x, y) == (columns.min(), rows.min())
        assert (x + w, y + h) == (columns.max() + 1, rows.max() + 1)
        assert annotation["iscrowd"] == 0
        assert 0.05 <= annotation["score"] <= 1
        assert annotation["category_id"] in {1, 30}
        polygons += isinstance(annotation["segmentation"], list)
    assert (polygons > 0) == (form == "polygons")
    assert not list(tmp_path.glob("*.part"))


def test_boxes_are_the_networks_own_where_asked(model: str, images: Path, tmp_path: Path) -> None:
    out = [tmp_path / "masks.json", tmp_path / "network.json"]
    for place, own in zip(out, (False, True), strict=True):
        segment_files([images], model, place, score=0.05, network_boxes=own)
    around, found = (read(place)["annotations"] for place in out)
    assert [one["segmentation"] for one in found] == [one["segmentation"] for one in around]
    segmenter = Segmenter()
    ref = find_model(model)
    result = segmenter.segment(
        SegmentImage(images / "a.png", ref, device="cpu", floor=0.01, threshold=0.05)
    )
    boxes = [(x0, y0, x1 - x0, y1 - y0) for x0, y0, x1, y1 in result.detections.boxes.tolist()]
    first = [one["bbox"] for one in found if one["image_id"] == 1]
    assert len(first) > 1
    for box in first:
        assert any(box == pytest.approx(other, abs=2e-3) for other in boxes)
    assert any(value % 1 for box in first for value in box)


def test_both_forms_hold_the_same_masks(model: str, images: Path, tmp_path: Path) -> None:
    masks = []
    for form in ("rle", "polygons"):
        out = tmp_path / f"{form}.json"
        segment_files([images], model, out, score=0.05, form=form)  # type: ignore[arg-type]
        data = read(out)
        sizes = {image["id"]: image for image in data["images"]}
        masks.append([decode(one, sizes[one["image_id"]]) for one in data["annotations"]])
    assert len(masks[0]) == len(masks[1])
    for mine, other in zip(*masks, strict=True):
        assert np.array_equal(mine, other)


def test_a_broken_image_is_reported_and_left_out(model: str, images: Path, tmp_path: Path) -> None:
    (images / "broken.png").write_bytes(b"no image")
    report = segment_files([images], model, tmp_path / "out.json")
    assert report.images == 3
    assert len(report.problems) == 1
    assert "broken.png" in report.problems[0]


@pytest.mark.skipif(os.name == "nt", reason="names are text on Windows")
def test_names_that_are_no_text_are_told(model: str, images: Path, tmp_path: Path) -> None:
    bad = Path(os.fsdecode(os.fsencode(images) + b"/caf\xe9.png"))
    try:
        bad.write_bytes(b"")
    except OSError:
        pytest.skip("this file system takes text only")
    report = segment_files([images], model, tmp_path / "out.json")
    assert report.images == 3
    (told,) = report.problems
    assert told.startswith("“caf\N{REPLACEMENT CHARACTER}.png” cannot be opened, as its name is no")
    with pytest.raises(UserError, match="as its name is no valid text"):
        segment_files([bad], model, tmp_path / "none.json")


def test_a_map_renames_merges_and_leaves_out(model: str, images: Path, tmp_path: Path) -> None:
    (tmp_path / "map.json").write_text('{"nut": "part", "gear": null}')
    mapping = read_category_map(tmp_path / "map.json")
    out = tmp_path / "out.json"
    segment_files([images], model, out, score=0.05, category_map=mapping)
    data = read(out)
    assert data["categories"] == [{"id": 1, "name": "part"}]
    assert {entry["category_id"] for entry in data["annotations"]} == {1}
    with pytest.raises(UserError, match="names “bolt”, which tiny does not have"):
        segment_files([images], model, out, category_map={"bolt": "part"})
    (tmp_path / "map.json").write_text('["nut"]')
    with pytest.raises(UserError, match="is not a category map: the file must be keys with"):
        read_category_map(tmp_path / "map.json")
    (tmp_path / "map.json").write_text('{"nut": " "}')
    with pytest.raises(UserError, match="gives “nut” an empty name"):
        read_category_map(tmp_path / "map.json")
    (tmp_path / "map.json").write_text('{"nut": 3}')
    with pytest.raises(UserError, match="map: “nut” must be text or null, not 3; write"):
        read_category_map(tmp_path / "map.json")


def test_images_that_can_all_not_be_read_are_an_error(
    model: str, images: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.json"
    out.write_text("kept")
    (images / "a.png").write_text("no image")
    report = segment_files([images], model, tmp_path / "some.json")
    assert (report.images, len(report.problems)) == (2, 1)
    with pytest.raises(UserError, match=r"^Nothing was written, as the one image cannot be read: "):
        segment_files([images / "a.png"], model, out, overwrite=True)
    (images / "b 2.png").write_text("no image")
    bad = [images / "a.png", images / "b 2.png"]
    with pytest.raises(
        UserError, match=r"^Nothing was written, as none of the 2 images can .*a\.png"
    ):
        segment_files(bad, model, out, overwrite=True)
    assert out.read_text() == "kept"
    assert not list(tmp_path.glob("*.part")) + list(tmp_path.glob("*.lock"))


def test_an_image_is_never_written_over(images: Path) -> None:
    with pytest.raises(UserError, match=r"a\.png” is one of the images; give another file"):
        segment_files([images], "parts", images / "a.png")
    with pytest.raises(UserError, match="could not be written"):
        segment_files([images], "parts", images / ("x" * 300))


def test_only_its_own_earlier_result_is_written_over(
    model: str, images: Path, tmp_path: Path
) -> None:
    out = tmp_path / "labels.json"
    segment_files([images / "a.png"], model, out)
    again = segment_files([images], model, out)
    data = json.loads(out.read_bytes())
    assert len(data["images"]) == again.images == 3
    data["annotations"].append({"id": 999, "image_id": 1, "category_id": 1, "bbox": [0, 0, 1, 1]})
    corrected = json.dumps(data)
    out.write_text(corrected)
    with pytest.raises(UserError, match=r"labels\.json” is there already .* --overwrite"):
        segment_files([images], model, out)
    assert out.read_text() == corrected
    assert not list(tmp_path.glob("*.part")) + list(tmp_path.glob("*.lock"))
    segment_files([images], model, out, overwrite=True)
    assert json.loads(out.read_bytes())["images"] == data["images"]


def test_what_is_corrected_during_a_run_stays_and_so_does_the_run(
    model: str, images: Path, tmp_path: Path
) -> None:
    out = tmp_path / "labels.json"
    segment_files([images / "a.png"], model, out)

    def correct(done: int, _: int) -> None:
        if done == 2:
            out.write_text("corrected")

    with pytest.raises(UserError, match=r"labels\.json” was changed during this run .* --resume"):
        segment_files([images], model, out, on_progress=correct)
    assert out.read_text() == "corrected"
    out.rename(tmp_path / "corrected.json")
    lost = images / "a.png"
    lost.write_bytes(b"no image any more")
    assert segment_files([images], model, out, resume=True).images == 3, "nothing is done twice"


def test_a_second_run_into_one_file_is_refused(model: str, images: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    with (
        sole_writer(out, "Another run"),
        pytest.raises(UserError, match=r"Another run is writing “.*out\.json” already"),
    ):
        segment_files([images], model, out)


def stop_at(count: int) -> tuple[threading.Event, Any]:
    cancel = threading.Event()

    def tell(done: int, _total: int) -> None:
        if done == count:
            cancel.set()

    return cancel, tell


def test_a_stopped_run_goes_on_where_it_stopped(
    model: str, images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, out = tmp_path / "whole.json", tmp_path / "out.json"
    segment_files([images], model, whole, score=0.05)
    cancel, tell = stop_at(2)
    with pytest.raises(Cancelled):
        segment_files([images], model, out, score=0.05, on_progress=tell, cancel=cancel)
    assert not out.exists()
    part = tmp_path / "out.json.part"
    part.write_bytes(part.read_bytes() + b'{"file_name": "sub/')  # the process died here

    with pytest.raises(UserError, match="other settings"):
        segment_files([images], model, out, score=0.2, resume=True)
    seen = []
    segment = Segmenter.segment
    monkeypatch.setattr(
        Segmenter,
        "segment",
        lambda self, request, **rest: (
            seen.append(request.path.name) or segment(self, request, **rest)
        ),
    )
    segment_files([images], model, out, score=0.05, resume=True)
    assert seen == ["ö.png"]
    assert read(out) == read(whole)
    assert not part.exists()


def test_a_damaged_part_file_is_named_by_line(tmp_path: Path) -> None:
    place, settings = tmp_path / "out.json.part", Settings("tiny", 0.5, "rle", {})
    journal = Journal(place, settings, resume=False)
    journal.add({"file_name": "a.png"})
    journal.close()
    damaged = place.read_bytes().replace(b'{"file_name"', b'["file_name"')
    place.write_bytes(damaged)
    with pytest.raises(UserError, match="is damaged in line 2; start anew without --resume"):
        Journal(place, settings, resume=True)
    assert place.read_bytes() == damaged


def test_names_are_relative_and_unique(images: Path, tmp_path: Path) -> None:
    assert list(find_images([images])) == ["a.png", "b 2.png", "sub/ö.png"]
    assert list(find_images([images / "a.png", images])) == ["a.png", "b 2.png", "sub/ö.png"]
    shutil.copytree(images, tmp_path / "more")
    both = find_images([images, tmp_path / "more"])
    assert len(both) == 6
    assert "images/a.png" in both
    assert "more/sub/ö.png" in both
    with pytest.raises(UserError, match="no file or folder"):
        find_images([tmp_path / "absent"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="no images"):
        find_images([tmp_path / "empty"])


def test_images_below_a_linked_folder_are_found_once(images: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (images / "sub" / "up").symlink_to(root, target_is_directory=True)
    (root / "photos").symlink_to(images, target_is_directory=True)
    (root / "again.png").symlink_to(images / "a.png")
    assert list(find_images([root])) == ["photos/a.png", "photos/b 2.png", "photos/sub/ö.png"]
    assert len(find_images([root, images])) == 3


def test_no_model_of_that_name(images: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no model or file “nope”"):
        segment_files([images], "nope", tmp_path / "out.json")


def test_the_worker_segments_an_image(model: str, images: Path) -> None:
    replies: list[Reply] = []
    done = threading.Event()
    stages: list[str] = []
    worker = Worker(
        lambda reply: (replies.append(reply), done.set())[0],
        lambda progress: stages.append(progress.stage),
    )
    segmenter, ref = Segmenter(), find_model(model)
    request = SegmentImage(images / "a.png", ref, image_id=908400553664, revision=7, threshold=0.1)
    worker.submit(segmenter.job(request))
    assert done.wait(60)
    assert worker.close(10)
    (reply,) = replies
    assert reply.outcome is Outcome.FINISHED, reply.message
    assert (reply.job.image_id, reply.job.revision) == (908400553664, 7)
    result = reply.value
    assert (result.height, result.width) == (60, 80)
    assert result.device == "cpu"
    assert set(result.shapes) <= set(np.flatnonzero(result.detections.scores >= 0.1).tolist())
    assert len(result.detections) >= len(result.shapes) > 0
    for shape in result.shapes.values():
        assert shape_to_mask(shape, 60, 80).any()
    assert {"loading tiny", "features", "masks"} <= set(stages)
    assert is_done(result.detections, request)
    assert not is_done(None, request)


def test_a_run_of_another_model_or_floor_is_not_done(model: str, images: Path) -> None:
    ref = find_model(model)
    request = SegmentImage(images / "a.png", ref)
    none = np.zeros(0, np.float32)

    def stored(name: str, floor: float) -> Detections:
        boxes, masks = none.reshape(0, 4), np.zeros((0, 28, 28), np.uint16)
        return Detections(name, NAMES, boxes, none, none.astype(np.int32), masks, floor)

    assert is_done(stored(str(ref.model_id), 0.01), request)
    assert not is_done(stored("other 0", 0.01), request)
    assert not is_done(stored(str(ref.model_id), 0.2), request)


def test_the_model_stays_loaded_until_another_is_asked_for(
    model: str, images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Path(shutil.copy(model, tmp_path / "other.safetensors"))
    shutil.copy(Path(model).with_suffix(".toml"), other.with_suffix(".toml"))
    segmenter = Segmenter()
    first = segmenter.load(find_model(model))
    assert segmenter.load(find_model(model)) is first
    assert segmenter.load(find_model(str(other))) is not first


def test_a_fault_of_the_network_is_a_reply(
    model: str, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("kernel size can't be greater than input")

    segmenter = Segmenter()
    monkeypatch.setattr(type(segmenter.load(find_model(model))), "detect", broken)
    replies: list[Reply] = []
    done = threading.Event()
    worker = Worker(lambda reply: (replies.append(reply), done.set())[0])
    worker.submit(segmenter.job(SegmentImage(images / "a.png", find_model(model))))
    assert done.wait(60)
    assert worker.close(10)
    assert replies[0].message == (
        "Segmenting “a.png” failed (RuntimeError: kernel size can't be greater than input); "
        "the log has the details."
    )
