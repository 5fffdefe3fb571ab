"""Keeping a second window out of a project."""

from pathlib import Path

from maskgui.core.lock import FileLock, Held
from maskgui.project.errors import ProjectInUse, ReadOnlyProject


def lock_path(project: Path) -> Path:
    """Return the file whose lock stands for the project."""
    return project.with_name(project.name + ".lock")


class ProjectLock(FileLock):
    """A lock beside the project.

    Raises ProjectInUse when another one holds it, ReadOnlyProject where it cannot be made.
    """

    def __init__(self, project: Path) -> None:
        try:
            super().__init__(lock_path(project))
        except Held as error:
            raise ProjectInUse(
                f"{project} is open in another window or command; close it there, then try again."
            ) from error
        except OSError as error:
            raise ReadOnlyProject(
                f"{project.parent} cannot be written ({error.strerror}), so {project.name} can "
                "only be read there; copy it to a folder of yours to edit it."
            ) from error
