"""The project file: SQLite, one writer thread, an OS lock, migrations and checked backups."""

from maskgui.project.errors import (
    ClosedProject,
    DamagedProject,
    NotAProject,
    NotWritten,
    ProjectError,
    ProjectInUse,
    ReadOnlyProject,
)
from maskgui.project.place import SUFFIX, Place, place_for
from maskgui.project.project import Project, delete_project
from maskgui.project.restore import restore
from maskgui.project.snapshot import Snapshot

__all__ = [
    "SUFFIX",
    "ClosedProject",
    "DamagedProject",
    "NotAProject",
    "NotWritten",
    "Place",
    "Project",
    "ProjectError",
    "ProjectInUse",
    "ReadOnlyProject",
    "Snapshot",
    "delete_project",
    "place_for",
    "restore",
]
