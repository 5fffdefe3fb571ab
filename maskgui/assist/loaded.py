"""Which images' instances are in memory: those used last, and the one on screen."""

from collections import OrderedDict
from collections.abc import Iterator

from maskgui.core.document import Document, Edit
from maskgui.project import Project

LOADED_IMAGES = 64


class LoadedImages:
    """Brings instances from the file into the document and lets them go again.

    Iterating gives the ids of the images in memory; the owner sees to the turns.
    """

    def __init__(self, document: Document, project: Project) -> None:
        self._document = document
        self._project = project
        self._used: OrderedDict[int, None] = OrderedDict()
        self.pinned: int | None = None

    def __iter__(self) -> Iterator[int]:
        return iter(self._used)

    def use(self, image_id: int) -> None:
        """Have an image's instances in memory. Raises DamagedProject when they are malformed."""
        if image_id not in self._used:
            self._document.load(image_id, self._project.instances(image_id))
        self._used[image_id] = None
        self._used.move_to_end(image_id)
        self.make_room(image_id)

    def counts(self) -> dict[int, int]:
        """Return how many instances each image has that has any."""
        counts = self._project.instance_counts()
        for image_id in self:
            counts[image_id] = len(self._document.instances(image_id))
        return {image_id: count for image_id, count in counts.items() if count}

    def count_of_image(self, image_id: int) -> int:
        """Return how many instances an image has."""
        if image_id in self._used:
            return len(self._document.instances(image_id))
        return self._project.count_of_image(image_id)

    def count_of_category(self, category_id: int) -> int:
        """Return how many instances a category has on all images."""
        held = (one for image_id in self for one in self._document.instances(image_id))
        here = sum(one.category_id == category_id for one in held)
        return here + self._project.count_of_category(category_id, self._used)

    def load_for(self, edit: Edit, *, fresh: bool) -> None:
        """Load the images whose instances an edit changes; new ones of a `fresh` edit have none."""
        for image_id in edit.labelled_images():
            if image_id not in self._used:
                new = fresh and image_id not in self._document.images
                stored = () if new else self._project.instances(image_id)
                self._document.load(image_id, stored)
                self._used[image_id] = None

    def make_room(self, *kept: int) -> None:
        """Forget the images used longest ago.

        One that is not on disk yet ends it: those used later are hardly there either, and the
        surplus goes with the next edit.
        """
        dropped: list[int] = []
        for image_id in self._used:
            surplus = len(self._used) - len(dropped) > LOADED_IMAGES
            if not surplus or self._project.is_pending(image_id):
                break
            if image_id not in (*kept, self.pinned):
                dropped.append(image_id)
        for image_id in dropped:
            del self._used[image_id]
            self._document.unload(image_id)
