"""AP equals the reference evaluation, and results that belong elsewhere are refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from faster_coco_eval import mask as coco_mask

from maskgui.core.errors import UserError
from maskgui.maskrcnn.evaluate import evaluate


def rle(x: int, y: int, side: int) -> dict[str, Any]:
    mask = np.zeros((40, 40), np.uint8, order="F")
    mask[y : y + side, x : x + side] = 1
    packed = coco_mask.encode(mask)
    return {"size": [40, 40], "counts": packed["counts"].decode()}


def annotation(number: int, image: int, category: int, x: int, **more: Any) -> dict[str, Any]:
    return {
        "id": number, "image_id": image, "category_id": category, "segmentation": rle(x, 5, 10),
        "bbox": [x, 5, 10, 10], "area": 100, "iscrowd": 0, **more,
    }  # fmt: skip


TRUTH = {
    "images": [
        {"id": number, "file_name": f"{number}.png", "height": 40, "width": 40} for number in (1, 2)
    ],
    "categories": [{"id": 3, "name": "cup"}, {"id": 9, "name": "pen"}],
    "annotations": [annotation(1, 1, 3, 2), annotation(2, 2, 9, 4)],
}


def files(folder: Path, results: Any) -> tuple[Path, Path]:
    (folder / "gt.json").write_text(json.dumps(TRUTH))
    (folder / "dt.json").write_text(json.dumps(results))
    return folder / "gt.json", folder / "dt.json"


def test_the_reference_figures(shared_data: Path) -> None:
    folder = shared_data / "coco-eval"
    truth = folder / "instances_val2014_100.json"
    segm = evaluate(truth, folder / "instances_val2014_fakesegm100_results.json", kinds=["segm"])
    box = evaluate(truth, folder / "instances_val2014_fakebbox100_results.json", kinds=["bbox"])
    assert [round(segm.segm[key], 3) for key in ("AP", "AP50", "AP75")] == [0.320, 0.562, 0.299]
    assert [round(box.bbox[key], 3) for key in ("AP", "AP50")] == [0.505, 0.697]
    expected = (folder / "val2014_fake_eval_res.txt").read_text()
    order = ("AP", "AP50", "AP75", "AP_S", "AP_M", "AP_L", "AR1", "AR10", "AR100")
    for key in order:
        assert f"{segm.segm[key]:.3f}" in expected


def test_a_perfect_result_list(tmp_path: Path) -> None:
    results = [{**entry, "score": 0.9} for entry in TRUTH["annotations"]]
    figures = evaluate(*files(tmp_path, results))
    assert figures.segm["AP"] == figures.bbox["AP50"] == pytest.approx(1.0)
    assert figures.segm["AP_L"] == -1.0
    assert figures.categories["segm"] == {"cup": pytest.approx(1.0), "pen": pytest.approx(1.0)}


def test_every_image_of_the_truth_counts(tmp_path: Path) -> None:
    figures = evaluate(*files(tmp_path, [{**annotation(1, 1, 3, 2), "score": 0.5}]))
    assert figures.segm["AP"] == pytest.approx(0.5)
    assert evaluate(*files(tmp_path, [])).segm["AP"] == 0.0


def test_a_data_set_is_matched_by_names(tmp_path: Path) -> None:
    data = {
        "images": [{**image, "id": image["id"] + 70} for image in TRUTH["images"]],
        "categories": [{"id": 1, "name": "pen"}, {"id": 2, "name": "cup"}],
        "annotations": [annotation(5, 71, 2, 2, score=0.8), annotation(6, 72, 1, 4, score=0.7)],
    }
    assert evaluate(*files(tmp_path, data)).segm["AP"] == pytest.approx(1.0)
    data["images"][1]["file_name"] = "elsewhere.png"
    with pytest.raises(UserError, match=r"image 72 \(elsewhere.png\) is not in"):
        evaluate(*files(tmp_path, data))


def test_images_meet_without_their_folders_where_only_one_has_the_name(tmp_path: Path) -> None:
    truth = {
        **TRUTH,
        "images": [{**one, "file_name": f"images/{one['file_name']}"} for one in TRUTH["images"]],
    }
    found = {**TRUTH, "annotations": [{**one, "score": 0.9} for one in TRUTH["annotations"]]}
    gt, results = files(tmp_path, found)
    gt.write_text(json.dumps(truth))
    assert evaluate(gt, results).segm["AP"] == pytest.approx(1.0)
    truth["images"].append({**truth["images"][0], "id": 9, "file_name": "other/1.png"})
    gt.write_text(json.dumps(truth))
    with pytest.raises(UserError, match=r"image 1 \(1.png\) is not in .* or not certainly"):
        evaluate(gt, results)


def test_the_number_of_detections_is_limited(tmp_path: Path) -> None:
    wrong = [{**annotation(n, 1, 3, 25), "score": 0.9} for n in range(20)]
    right = {**annotation(30, 1, 3, 2), "score": 0.1}
    paths = files(tmp_path, [*wrong, right])
    assert evaluate(*paths, max_dets=(1, 5, 10)).categories["segm"]["cup"] == 0.0
    many = evaluate(*paths, max_dets=(1, 10, 200))
    assert many.categories["segm"]["cup"] > 0
    assert "AR200" in many.segm


def test_what_does_not_belong_is_an_error(tmp_path: Path) -> None:
    stray = [{**annotation(1, 8, 3, 2), "score": 0.5}]
    with pytest.raises(UserError, match="image_id 8"):
        evaluate(*files(tmp_path, stray))
    with pytest.raises(UserError, match="a COCO data set: the file has no “images”"):
        evaluate(*files(tmp_path, {"x": 1}))
    truth, results = files(tmp_path, stray)
    results.write_text("<xml>")
    with pytest.raises(UserError, match="not JSON"):
        evaluate(truth, results)


def test_the_threshold_separates_right_from_wrong() -> None:
    from maskgui.maskrcnn.train.validate import best_threshold

    right = [{**entry, "score": 0.62} for entry in TRUTH["annotations"]]
    wrong = [{**annotation(9, 1, category, 28), "score": 0.41} for category in (3, 9)]
    twice = [{**TRUTH["annotations"][0], "score": 0.5}]
    assert 0.5 < best_threshold(TRUTH, right + wrong + twice) <= 0.62


def test_results_without_boxes_are_scored_by_those_of_their_masks(tmp_path: Path) -> None:
    results = [{**entry, "score": 0.9} for entry in TRUTH["annotations"]]
    for result in results:
        del result["bbox"]
    figures = evaluate(*files(tmp_path, results))
    assert (figures.segm["AP"], figures.bbox["AP"]) == pytest.approx((1.0, 1.0))


@pytest.mark.parametrize("results", [[1, 2], [{"image_id": [1]}], {"annotations": [], "images": 3}])
def test_what_is_no_result_is_named(tmp_path: Path, results: Any) -> None:
    with pytest.raises(UserError, match=r"dt\.json"):
        evaluate(*files(tmp_path, results))


def test_lists_nested_beyond_reason_are_named(tmp_path: Path) -> None:
    paths = files(tmp_path, [])
    paths[1].write_text("[" * 5000 + "]" * 5000)
    with pytest.raises(UserError, match="nested"):
        evaluate(*paths)
