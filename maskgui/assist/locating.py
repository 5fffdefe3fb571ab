"""Where the images of a data set lie, whatever the file that names them has been through."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from maskgui.imaging import files_by_name, one_file

ANNOTATION_FOLDER = "annotations"
"""COCO's and mmdetection's layout: the JSON in this folder, the images in its sisters."""


def common_end(one: Sequence[str], other: Sequence[str]) -> int:
    """Return how many parts two paths have in common at their ends."""
    pairs = zip(reversed(one), reversed(other), strict=False)
    return next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


class ImageFinder:
    """Finds image files by the names a data set gives them.

    Tried in this order: below the given folder, or beside the JSON; then by base name anywhere
    below it (and below its parent, where the JSON lies in a folder `annotations`).
    """

    def __init__(self, json_path: Path, images_dir: Path | None) -> None:
        beside = json_path.absolute().parent
        self.folder = images_dir.absolute() if images_dir else beside
        in_layout = images_dir is None and beside.name.lower() == ANNOTATION_FOLDER
        self._searched = [self.folder, beside.parent] if in_layout else [self.folder]
        self._split = json_path.stem.lower()
        self._indices: dict[Path, dict[str, list[Path]]] = {}

    def find(self, name: str) -> Path | None:
        """Return the file that `name` means, None when there is none or it is not certain."""
        for form in dict.fromkeys((name, name.replace("\\", "/"))):
            path = self.folder / form
            if path.is_file():
                return path
        parts = PurePosixPath(name.replace("\\", "/")).parts
        for folder in self._searched:
            found = self._index(folder).get(parts[-1] if parts else "", [])
            chosen = self._choose(found, parts)
            if chosen is not None:
                return chosen
        return None

    def is_unclear(self, name: str) -> bool:
        """Whether `name` was not found because several files may be meant."""
        base = PurePosixPath(name.replace("\\", "/")).name
        return any(len(self._index(folder).get(base, ())) > 1 for folder in self._searched)

    def place(self, name: str) -> Path:
        """Return where a file that is missing would be expected."""
        return self.folder / name.replace("\\", "/")

    def _index(self, folder: Path) -> dict[str, list[Path]]:
        if folder not in self._indices:
            self._indices[folder] = files_by_name(folder)
        return self._indices[folder]

    def _choose(self, found: list[Path], parts: tuple[str, ...]) -> Path | None:
        """Of files of one base name, take the one with the longest common end of its path.

        Between equals, the one in a folder that the JSON's name ends in (instances_train, train).
        """
        if len(found) <= 1:
            return found[0] if found else None

        def rank(path: Path) -> tuple[int, bool]:
            split = self._split.endswith(path.parent.name.lower())
            return common_end(path.parts, parts), split

        best = max(rank(path) for path in found)
        return one_file([path for path in found if rank(path) == best])
