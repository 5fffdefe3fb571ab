"""Ground truths and results from files, and which image and category of one is which of the other.

A result list's ids are taken as given. A data set's images are matched by file name and its
categories by name; what has no counterpart is an error and never skipped.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from maskgui.core.errors import UserError
from maskgui.core.jsonfile import decode_json, read_bytes
from maskgui.maskrcnn.evaluate.rows import (
    Annotation,
    Category,
    DataSet,
    Id,
    Image,
    Row,
    Truth,
    plain,
    results_of,
    truth_of,
)


def read_truth(path: Path) -> Truth:
    """Read a ground truth. Raises UserError for what is no COCO data set with images."""
    data = decode_json(
        read_bytes(path), DataSet, path, "a COCO data set", "choose the ground truth"
    )
    return truth_of(data, path)


def read_results(path: Path, truth: Truth, gt: Path, called: str = "") -> list[Row]:
    """Read results, from a result list or a COCO data set with scores.

    `called` is what errors call them, in place of the path.

    Raises:
        UserError: the file cannot be used, or something in it has no counterpart in the truth.
    """
    data, where = read_bytes(path), called or str(path)
    if data.lstrip()[:1] == b"[":
        form, wanted = list[Annotation], "a COCO result list"
        entries = decode_json(data, form, path, wanted, "export it once more")
        return results_of(entries, truth, (truth.image_numbers(), truth.category_numbers()), where)
    wanted = "a result list or a COCO data set"
    found = decode_json(data, DataSet, path, wanted, "choose another file")
    images = _match_images(found.images, truth, where, gt)
    return results_of(
        found.annotations, truth, (images, _match_categories(found, truth, where, gt)), where
    )


def _match_images(images: Sequence[Image], truth: Truth, where: str, gt: Path) -> dict[Id, int]:
    """Match by file name, else by the name without its folder where only one has it."""
    whole = {_posix(image.file_name): number for number, image in enumerate(truth.images, 1)}
    bases = Counter(_base(image.file_name) for image in truth.images)
    loose = {
        _base(image.file_name): number
        for number, image in enumerate(truth.images, 1)
        if bases[_base(image.file_name)] == 1
    }
    matched: dict[Id, int] = {}
    for image in images:
        number = whole.get(_posix(image.file_name)) or loose.get(_base(image.file_name))
        if number is None:
            raise UserError(
                f"{where}: image {image.id} ({image.file_name}) is not in {gt}, or not certainly; "
                "score results of the same images."
            )
        if number in matched.values():
            raise UserError(
                f"{where}: image {image.id} ({image.file_name}) is a second one for an image of "
                f"{gt}; leave one out."
            )
        matched[plain(image.id)] = number
    return matched


def _match_categories(found: DataSet, truth: Truth, where: str, gt: Path) -> dict[Id, int]:
    """Match those in use by name; where the truth has a name twice, by name and id."""
    named: dict[str, list[Category]] = defaultdict(list)
    for entry in truth.categories:
        named[str(entry.name)].append(entry)
    numbers = truth.category_numbers()
    used = {plain(row.category_id) for row in found.annotations}
    matched: dict[Id, int] = {}
    for category in found.categories:
        if plain(category.id) not in used:
            continue
        same = named[str(category.name)]
        if len(same) > 1:
            same = [entry for entry in same if plain(entry.id) == plain(category.id)]
        if not same:
            raise UserError(
                f"{where} has objects of the category “{category.name}” (id {category.id}), which "
                f"{gt} does not have, or not certainly; rename it or leave its objects out."
            )
        matched[plain(category.id)] = numbers[plain(same[0].id)]
    return matched


def _posix(name: str) -> str:
    return name.replace("\\", "/").removeprefix("./")


def _base(name: str) -> str:
    return _posix(name).rpartition("/")[2]
