"""Which instances are selected: one model that canvas and lists share."""

from collections.abc import Iterable

from PySide6.QtCore import QObject, Signal


class SelectionModel(QObject):
    """A set of instance ids that tells when it changes."""

    changed = Signal(object)  # frozenset[int]

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._ids: frozenset[int] = frozenset()

    @property
    def ids(self) -> frozenset[int]:
        """The selected ids."""
        return self._ids

    def set(self, ids: Iterable[int]) -> None:
        """Select exactly these."""
        chosen = frozenset(ids)
        if chosen != self._ids:
            self._ids = chosen
            self.changed.emit(chosen)

    def clear(self) -> None:
        """Select nothing."""
        self.set(())

    def keep_only(self, ids: Iterable[int]) -> None:
        """Drop what is not among these, as after a deletion."""
        self.set(self._ids.intersection(ids))
