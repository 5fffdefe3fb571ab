"""What cannot be scored is told in one sentence; what is merely odd is scored rightly."""

import json
from pathlib import Path
from typing import Any

import pytest

from maskgui.core.errors import UserError
from maskgui.maskrcnn.evaluate import evaluate, evaluate_results, find_mistakes, read_truth
from maskgui.maskrcnn.evaluate.reading import read_results

SQUARE = [[2, 2, 12, 2, 12, 12, 2, 12]]


def thing(**more: Any) -> dict[str, Any]:
    return {
        "id": 1, "image_id": 1, "category_id": 3, "segmentation": SQUARE, "bbox": [2, 2, 10, 10],
        "area": 100, "iscrowd": 0, **more,
    }  # fmt: skip


def truth(**more: Any) -> dict[str, Any]:
    return {
        "images": [{"id": 1, "file_name": "a.png", "height": 40, "width": 30}],
        "categories": [{"id": 3, "name": "cup"}, {"id": 4, "name": "pen"}],
        "annotations": [thing()],
        **more,
    }


def found(**more: Any) -> dict[str, Any]:
    return {"image_id": 1, "category_id": 3, "segmentation": SQUARE, "score": 0.5, **more}


def written(folder: Path, gt: Any, dt: Any) -> tuple[Path, Path]:
    paths = folder / "gt.json", folder / "dt.json"
    for path, content in zip(paths, (gt, dt), strict=True):
        path.write_text(content if isinstance(content, str) else json.dumps(content))
    return paths


NO_SCORE = {key: value for key, value in found().items() if key != "score"}
WHOLE = {"size": [40, 30], "counts": [0, 1200]}


@pytest.mark.parametrize(
    ("gt", "dt", "said"),
    [
        (truth(), "<annotation/>", "XML, not JSON"),
        (truth(), "[{", "it ends too early"),
        (truth(), '[{"score": NaN}]', "NaN"),
        (truth(), 7, "not a result list or a COCO data set"),
        ([found()], [], "not a COCO data set"),
        (truth(images=[]), [], "no COCO data set with images"),
        (truth(), [NO_SCORE], "result 0 has no finite score"),
        (truth(), [found(score="0.5")], r"score"),
        (truth(), [found(image_id=8)], "result 0 has the image_id 8"),
        (truth(), [found(category_id=9)], "the category_id 9"),
        (truth(), [found(segmentation={**WHOLE, "size": [30, 40]})], "30 x 40|40 x 30"),
        (truth(), [found(segmentation={**WHOLE, "counts": [0, 7]})], "cannot be read"),
        (truth(), [found(segmentation={"counts": "~"})], "cannot be read"),
        (truth(), [found(segmentation=[[1, 2, 3, 4]])], "ring of 4 numbers"),
        (truth(), [found(segmentation=[[1, 2, 3, 4, 1e30, 6]])], "far outside"),
        (truth(), [found(segmentation=None)], "neither mask nor box"),
        (truth(), [found(bbox=[1, 2, 3])], "x, y, width, height"),
        (truth(), [found(bbox=[1, 2, -3, 4])], "x, y, width, height"),
        (truth(images=truth()["images"] * 2), [], "image id 1 more than once"),
        (truth(categories=truth()["categories"] * 2), [], "category id 3 more than once"),
        (truth(annotations=[thing(id=7, image_id=5)]), [], "annotation 7 has the image_id 5"),
        (truth(annotations=[thing(), thing(id=7, segmentation=[], bbox=None)]), [], "annotation 7"),
        (truth(images=[{"id": 1, "file_name": "a.png", "height": 0, "width": 9}]), [], "9 x 0"),
        (truth(), truth(annotations=[thing()]), "result 1 has no finite score"),
        (truth(), truth(categories=[{"id": 3, "name": "mug"}], annotations=[found()]), "“mug”"),
    ],
)  # fmt: skip
def test_bad_input_is_one_sentence(tmp_path: Path, gt: Any, dt: Any, said: str) -> None:
    with pytest.raises(UserError, match=said) as caught:
        evaluate(*written(tmp_path, gt, dt))
    assert "\n" not in str(caught.value)
    assert any(name in str(caught.value) for name in ("gt.json", "dt.json"))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.json cannot be read"):
        evaluate(tmp_path / "none.json", tmp_path / "dt.json")


def test_scores_that_json_cannot_hold_are_refused() -> None:
    for value in (float("nan"), float("inf")):
        with pytest.raises(UserError, match="finite score"):
            evaluate_results(truth(), [found(score=value)])


def test_ids_from_zero_repeated_or_as_text_are_counted() -> None:
    objects = [thing(id=0), thing(id=0, segmentation=[[20, 20, 28, 20, 28, 30, 20, 30]], bbox=None)]
    results = [found(), found(segmentation=objects[1]["segmentation"], image_id="1")]
    figures = evaluate_results(truth(annotations=objects), results)
    assert (figures.segm["AP"], figures.bbox["AP"]) == pytest.approx((1.0, 1.0))


def test_what_a_file_lacks_comes_from_the_mask() -> None:
    bare = {key: thing()[key] for key in ("image_id", "category_id", "segmentation")}
    figures = evaluate_results(truth(annotations=[bare]), [found()])
    assert figures.segm["AP_S"] == figures.bbox["AP_S"] == pytest.approx(1.0)
    assert figures.segm["AP_M"] == -1


def test_a_truth_of_boxes_has_no_mask_figures() -> None:
    objects = [thing(segmentation=None)]
    figures = evaluate_results(truth(annotations=objects), [found()])
    assert figures.segm == {}
    assert figures.bbox["AP"] == pytest.approx(1.0)


def test_categories_of_one_name_stay_two(tmp_path: Path) -> None:
    twins = [{"id": 0, "name": "cup"}, {"id": 3, "name": "cup"}]
    gt = truth(categories=twins)
    paths = written(tmp_path, gt, {**gt, "annotations": [found()]})
    assert evaluate(*paths).categories["segm"] == {"cup": -1.0, "cup (3)": pytest.approx(1.0)}
    other = {**gt, "categories": [{"id": 7, "name": "cup"}], "annotations": [found(category_id=7)]}
    with pytest.raises(UserError, match="or not certainly"):
        evaluate(*written(tmp_path, gt, other))


def test_an_image_listed_twice_or_unknown_is_an_error_though_nothing_was_found_on_it(
    tmp_path: Path,
) -> None:
    image = truth()["images"][0]
    for extra, said in (({**image, "id": 2}, "second one"), ({**image, "file_name": "b"}, "b")):
        data = truth(images=[image, {**extra, "id": 2}], annotations=[found()])
        with pytest.raises(UserError, match=said):
            evaluate(*written(tmp_path, truth(), data))


def square(x: int, side: int = 10) -> list[list[int]]:
    return [[x, 2, x + side, 2, x + side, 2 + side, x, 2 + side]]


def test_each_object_and_detection_is_one_kind_of_mistake(tmp_path: Path) -> None:
    objects = [
        thing(id=1, segmentation=square(0)),
        thing(id=2, segmentation=square(20)),
        thing(id=3, segmentation=square(40)),
        thing(id=4, segmentation=square(60)),
        thing(id=5, segmentation=square(80, 20), iscrowd=1),
    ]
    results = [
        found(segmentation=square(0), score=0.9),
        found(segmentation=square(0), score=0.8),  # a second time: spurious
        found(segmentation=square(20), score=0.9, category_id=4),
        found(segmentation=square(46), score=0.9),  # overlap 4 of 16
        found(segmentation=square(80), score=0.9),  # within the crowd: neither
        found(segmentation=square(60), score=0.9),
        found(segmentation=square(100), score=0.1),  # below the best score
    ]
    wide = [{"id": 1, "file_name": "a.png", "height": 40, "width": 130}]
    paths = written(tmp_path, truth(images=wide, annotations=objects), results)
    ground = read_truth(paths[0])
    mistakes = find_mistakes(ground, read_results(paths[1], ground, paths[0]), 100)
    counts = {kind: len(entries) for kind, entries in mistakes.of_kind.items()}
    assert mistakes.score == 0.9
    assert mistakes.right == 2
    assert counts == {"missed": 0, "spurious": 0, "wrong category": 1, "poor mask": 1}
    assert mistakes.of_kind["poor mask"][0].iou == pytest.approx(4 / 16)
    assert (mistakes.precision, mistakes.recall) == pytest.approx((0.5, 0.5))
    alone = find_mistakes(ground, [], 100)
    assert (alone.right, len(alone.of_kind["missed"]), alone.score) == (0, 4, 0.0)
