"""Keys, settings and about: dialogs that change nothing in the project."""

from PySide6.QtCore import QObject

from maskgui.ui.control.desk import Desk


class Help(QObject):
    """Opens the dialogs; they are loaded when they are first asked for."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.desk = desk
        for name, handler in (
            ("keys", self._keys),
            ("settings", self._settings),
            ("about", self._about),
        ):
            desk.commands.bind(name, handler)

    def _keys(self) -> None:
        from maskgui.ui.dialogs.keys import KeysDialog  # noqa: PLC0415

        self._run(KeysDialog(self.desk.window))

    def _settings(self) -> None:
        from maskgui.ui.dialogs.settings import SettingsDialog  # noqa: PLC0415

        self._run(SettingsDialog(self.desk.window, self.desk.options))

    def _about(self) -> None:
        from maskgui.ui.dialogs.about import AboutDialog  # noqa: PLC0415

        self._run(AboutDialog(self.desk.window))

    @staticmethod
    def _run(dialog) -> None:
        dialog.exec()
        dialog.deleteLater()
