"""Scenes on disk: COCO that the reference tools read, and failures told in a sentence."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from pycocotools import mask as rle_codec

from maskgui.core.errors import UserError
from maskgui.scenes import CATEGORIES, draw_scene, write_scenes


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # pycocotools
def test_the_file_decodes_to_the_masks_that_were_drawn(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    target = write_scenes(tmp_path / "Teile ü", 3, 1_000_000, lambda a, b: seen.append((a, b)))
    assert target == tmp_path / "Teile ü" / "instances.json"
    assert seen == [(1, 3), (2, 3), (3, 3)]
    data = json.loads(target.read_text("ascii"))
    assert [c["name"] for c in data["categories"]] == list(CATEGORIES)
    assert [c["id"] for c in data["categories"]] == list(range(1, len(CATEGORIES) + 1))
    assert data["images"][0]["file_name"] == "images/scene_0001000000.jpg"
    assert [a["id"] for a in data["annotations"]] == list(range(1, len(data["annotations"]) + 1))
    for k, image in enumerate(data["images"]):
        _compare(target.parent, data, image, 1_000_000 + k)


def _compare(folder: Path, data: dict, image: dict, seed: int) -> None:
    scene = draw_scene(seed)
    found = [a for a in data["annotations"] if a["image_id"] == image["id"]]
    assert len(found) == len(scene.objects)
    for record, item in zip(found, scene.objects, strict=True):
        decoded = rle_codec.decode(record["segmentation"])
        assert np.array_equal(decoded, item.mask)
        rows, columns = np.nonzero(item.mask)
        box = [columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1]
        assert record["bbox"] == box
        assert record["area"] == rows.size
        assert record["iscrowd"] == 0
        assert CATEGORIES[record["category_id"] - 1] == item.category
    content = np.frombuffer((folder / image["file_name"]).read_bytes(), np.uint8)
    picture = cv2.imdecode(content, cv2.IMREAD_COLOR)[..., ::-1]
    assert picture.shape[:2] == (image["height"], image["width"]) == (480, 640)
    assert np.abs(picture.astype(int) - scene.image).mean() < 4


@pytest.mark.parametrize("n", [0, -3])
def test_no_scenes_is_a_mistake(tmp_path: Path, n: int) -> None:
    with pytest.raises(UserError, match="ask for 1 or more"):
        write_scenes(tmp_path, n, 0)


def test_a_negative_seed_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="negative"):
        write_scenes(tmp_path, 1, -1)


def test_a_file_in_the_folders_place_is_named(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("x")
    with pytest.raises(UserError, match="taken"):
        write_scenes(taken, 1, 0)


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = write_scenes(tmp_path, 1, 7)
    before = target.read_bytes()

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(UserError, match="No space left"):
        write_scenes(tmp_path, 1, 7)
    monkeypatch.undo()
    assert target.read_bytes() == before
    assert not list(tmp_path.rglob("*.tmp"))


def test_a_data_set_that_is_not_of_these_scenes_is_never_written_over(tmp_path: Path) -> None:
    target = write_scenes(tmp_path, 1, 7)
    drawn = target.read_bytes()
    write_scenes(tmp_path, 1, 7)
    assert target.read_bytes() == drawn
    data = json.loads(drawn)
    data["annotations"][0]["category_id"] = 2
    for theirs in (json.dumps(data), json.dumps({"images": []}), drawn.decode() + " "):
        target.write_text(theirs, "ascii")
        with pytest.raises(UserError, match="--overwrite"):
            write_scenes(tmp_path, 1, 7)
        assert target.read_text("ascii") == theirs
    with pytest.raises(UserError, match="--overwrite"):
        write_scenes(tmp_path, 2, 7)
    write_scenes(tmp_path, 1, 7, overwrite=True)
    assert target.read_bytes() == drawn
