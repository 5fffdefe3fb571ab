"""Every key, from the actions' own table, with a field to find one."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QGridLayout, QLabel, QLineEdit, QWidget

from maskgui.ui.actions import TABLE, Spec
from maskgui.ui.dialogs.ask import Dialog
from maskgui.ui.gestures import GESTURES

WIDTH = 560
HEIGHT = 620


def key_rows() -> list[tuple[str, str, str]]:
    """Return (group, what it does, keys) for everything that has a key or a gesture."""
    rows = [
        (spec.group, spec.label.removesuffix("…"), _keys_of(spec)) for spec in TABLE if spec.keys
    ]
    rows += [("Drawing and pointing", gesture.label, gesture.keys) for gesture in GESTURES]
    return rows


def _keys_of(spec: Spec) -> str:
    native = QKeySequence.SequenceFormat.NativeText
    return ", ".join(dict.fromkeys(QKeySequence(key).toString(native) for key in spec.keys))


class KeysDialog(Dialog):
    """F1."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, "Keys", WIDTH)
        self.resize(WIDTH, HEIGHT)
        self.field = QLineEdit()
        self.field.setPlaceholderText("Find an action or a key")
        self.field.setAccessibleName("Find an action or a key")
        self.field.setClearButtonEnabled(True)
        self.content.addWidget(self.field)
        table = QWidget()
        self._grid = QGridLayout(table)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setColumnStretch(0, 1)
        self._grid.setVerticalSpacing(6)
        self._rows: list[tuple[str, QLabel, QLabel]] = []
        self._heads: list[tuple[QLabel, list[QLabel]]] = []
        self._fill()
        self.add_table(table).setAccessibleName("Keys")
        self.button("Close", primary=True, accepts=True)
        self.field.textChanged.connect(self.sift)
        self.field.setFocus()

    def _fill(self) -> None:
        group = ""
        line = 0
        for name, label, keys in key_rows():
            if name != group:
                group = name
                head = QLabel(name)
                head.setObjectName("section")
                head.setContentsMargins(0, 12 if line else 0, 0, 2)
                self._grid.addWidget(head, line, 0, 1, 2)
                self._heads.append((head, []))
                line += 1
            what = QLabel(label)
            key = QLabel(keys)
            key.setObjectName("kbd")
            self._grid.addWidget(what, line, 0)
            self._grid.addWidget(key, line, 1, Qt.AlignmentFlag.AlignRight)
            self._rows.append((f"{name} {label} {keys}".casefold(), what, key))
            self._heads[-1][1].append(what)
            line += 1
        self._grid.setRowStretch(line, 1)

    def sift(self, text: str) -> None:
        """Show only rows that contain the text."""
        needle = text.casefold().strip()
        for words, what, key in self._rows:
            what.setVisible(needle in words)
            key.setVisible(needle in words)
        for head, own in self._heads:
            head.setVisible(any(not what.isHidden() for what in own))

    def shown(self) -> list[str]:
        """Return the labels in view."""
        return [what.text() for _, what, _ in self._rows if not what.isHidden()]
