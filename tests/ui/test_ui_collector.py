"""The window's thread alone ends what only the collector can end."""

import gc
import threading
from typing import ClassVar

from PySide6.QtCore import QObject

from maskgui.ui.collector import collecting_here


class Knot(QObject):
    """A Qt object that only the collector can end; it notes in which thread it does."""

    ended: ClassVar[list[int]] = []

    def __init__(self) -> None:
        super().__init__()
        self.me = self

    def __del__(self) -> None:
        Knot.ended.append(threading.get_ident())


def test_objects_of_qt_end_in_the_windows_thread(qtbot) -> None:
    gc.collect()
    with collecting_here():
        Knot()

        kept: list[list[int]] = []

        def churn() -> None:
            kept.extend([n] for n in range(200_000))

        worker = threading.Thread(target=churn)
        worker.start()
        worker.join()
        assert not Knot.ended
        qtbot.waitUntil(lambda: bool(Knot.ended), timeout=5000)
    gc.unfreeze()
    assert Knot.ended == [threading.get_ident()]
    assert gc.isenabled()
