"""The whole window on a folder of small images, without a display."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from maskgui.core.detections import CERTAIN, Detections
from maskgui.ui import toasts
from maskgui.ui.controller import Controller
from maskgui.ui.options import Options
from maskgui.ui.theme import ThemeSwitch

Wait = Callable[[Callable[[], bool]], None]


@pytest.fixture(autouse=True)
def own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep configuration, log, cache and data of the tests away from the person's."""
    monkeypatch.setenv("MASKGUI_CONFIG", str(tmp_path / "config.ini"))
    monkeypatch.setenv("MASKGUI_LOG", str(tmp_path / "log.txt"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


@pytest.fixture(autouse=True)
def patient_toasts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no sentence go by the clock before a test has read it."""
    monkeypatch.setattr(toasts, "SHORT_MS", 3_600_000)
    monkeypatch.setattr(toasts, "LONG_MS", 3_600_000)


@pytest.fixture(scope="session")
def themes(qapp) -> ThemeSwitch:
    return ThemeSwitch(qapp)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four images of different greys."""
    made = tmp_path / "bench"
    made.mkdir()
    for number in range(1, 5):
        pixels = np.full((96, 128, 3), 40 * number, np.uint8)
        Image.fromarray(pixels).save(made / f"scene {number}.png")
    return made


@pytest.fixture
def controller(qtbot, qapp, themes) -> Iterator[Controller]:
    made = Controller(qapp, themes, Options())
    made.options["reduced_motion"] = True
    made.window.resize(1280, 720)
    with qtbot.waitExposed(made.window, timeout=20_000):
        made.window.show()
    yield made
    made.window.close()
    made.close()
    made.window.deleteLater()
    made.deleteLater()


@pytest.fixture
def wait(qtbot) -> Wait:
    return lambda condition: qtbot.waitUntil(condition, timeout=20_000)


@pytest.fixture
def opened(controller: Controller, folder: Path, wait: Wait) -> Controller:
    """The window on the folder, its first image on the canvas."""
    controller.start([folder], None)
    wait(lambda: shown(controller))
    return controller


def shown(controller: Controller) -> bool:
    """Whether the pixels of the image chosen are on the canvas."""
    image_id = controller.desk.image_id
    return image_id is not None and controller.canvas.scene.image_id == image_id


def some_detections(count: int = 3, model: str = "parts 0123456789ab") -> Detections:
    """Squares side by side, scores 0.9, 0.8, 0.7 ..."""
    boxes = [[8 + 24 * n, 8, 28 + 24 * n, 28] for n in range(count)]
    masks = np.zeros((count, 28, 28), np.uint16)
    masks[:, 4:24, 4:24] = CERTAIN
    return Detections(
        model=model,
        categories=("washer", "nut"),
        boxes=np.array(boxes, np.float32).reshape(-1, 4),
        scores=np.array([0.9 - 0.1 * n for n in range(count)], np.float32),
        labels=np.array([n % 2 for n in range(count)], np.int32),
        masks=masks,
    )
