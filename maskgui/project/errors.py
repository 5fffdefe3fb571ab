"""What can go wrong with a project file, each said in one sentence."""

from pathlib import Path

from maskgui.core.errors import Failure, UserError


class ProjectError(UserError):
    """A project cannot be used as asked; the sentence says which and what to do."""


class NotAProject(ProjectError):
    """The file is missing, is something else, or was made by a newer version."""


class DamagedProject(ProjectError):
    """The file was a project and cannot be read any more; the newest good backup is named."""

    def __init__(self, text: str, path: Path | None = None, backup: Path | None = None) -> None:
        super().__init__(text)
        self.path = path
        self.backup = backup


class ProjectInUse(ProjectError):
    """Another window or command has the project open for writing."""


class ReadOnlyProject(ProjectError):
    """The project was opened for reading, or lies where nothing can be written."""


class ClosedProject(ProjectError):
    """The project was closed while something went on with it."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"“{path.name}” was closed before this was done; open it and do it again.")


class Unhoused(ProjectError):
    """The open project's file is gone from its place, and cannot be put there again yet."""


class NotWritten(Failure):
    """Edits are still in memory because the disk did not take them."""
