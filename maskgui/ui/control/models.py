"""Which model, on which device: the menu, fetching, adding a file, remembered per project."""

from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QFileDialog

from maskgui.assist.jobs import JobContext, Reply
from maskgui.core.errors import UserError
from maskgui.maskrcnn.devices import CPU, available_devices
from maskgui.maskrcnn.models import (
    ModelRef,
    Origin,
    add_model,
    fetch_model,
    find_model,
    list_models,
)
from maskgui.ui.control.desk import Desk
from maskgui.ui.jobs import Ending, Jobs, Lane

DEVICE_NAMES = {"auto": "Automatic", "cuda": "GPU (CUDA)", "mps": "GPU (MPS)", CPU: "CPU"}
DOWNLOAD = "download 170 MB"
FILES = "Model weights (*.safetensors *.pth *.pt *.pkl);;All files (*)"
PREFERRED = "parts"
FETCH = "fetch"


class Models(QObject):
    """The model in use and the device it runs on."""

    changed = Signal()

    def __init__(self, desk: Desk, jobs: Jobs) -> None:
        super().__init__(desk)
        self.desk = desk
        self._jobs = jobs
        self.fetching = ""
        """The name of the model that is being fetched."""
        self._devices: list[str] | None = None
        self._device_used: str | None = None
        self.wanted: str | None = None
        """What the command line or the demo asks for, before what was remembered."""
        self.current: ModelRef | None = None
        self.device = desk.options.text("device", "auto")
        self._menu = desk.window.topbar.model_menu
        self._menu.aboutToShow.connect(self._fill)
        desk.opened.connect(self.recall)
        self.recall()

    # ---- choosing

    def use(self, name: str) -> None:
        """Take a model by name or file. Raises UserError when there is none."""
        self._take(find_model(name))

    def _take(self, model: ModelRef) -> None:
        self.current = model
        self._device_used = None
        session = self.desk.session
        where = str(model.path) if model.origin is Origin.OWN else model.name
        if session is not None:
            session.set_setting("model", where)
        self.desk.options.set_text("model", where)
        self._show()
        if not model.ready:
            self.fetch(model)

    def recall(self) -> None:
        """Take the model that is asked for, or that the project or the person used last."""
        session = self.desk.session
        kept = session.setting("model") if session else None
        name = self.wanted or kept or self.desk.options.text("model")
        models = [one for one in list_models() if one.ready]
        names = [one.name for one in models]
        self.current = next((one for one in models if one.name == PREFERRED), None)
        if self.current is None and models:
            self.current = models[0]
        if name and (self.wanted or name in names or Path(name).is_file()):
            try:
                self.current = find_model(name)
            except UserError as error:
                self.desk.problem(str(error))
        self._show()

    def use_device(self, device: str) -> None:
        """Run on another device from now on."""
        self.device = device
        self._device_used = None
        self.desk.options.set_text("device", device)
        self._show()

    def ran_on(self, device: str) -> None:
        """Show the device that a run really used."""
        self._device_used = device
        self._show()

    def _show(self) -> None:
        name = self.current.name if self.current else "No model"
        device = self._device_used or self.device
        shown = {"auto": "auto", "cuda": "GPU"}.get(device, device.upper())
        self.desk.window.topbar.set_model(name, shown if self.current else "")
        self.changed.emit()

    # ---- the menu

    def _fill(self) -> None:
        menu = self._menu
        menu.clear()
        chosen = QActionGroup(menu)
        for model in list_models():
            tail = "" if model.ready else f" – {DOWNLOAD}"
            if model.name == self.fetching:
                tail = " – being fetched"
            action = menu.addAction(f"{model.name}{tail}")
            action.setToolTip(model.description)
            action.setCheckable(True)
            action.setChecked(self.current is not None and model.name == self.current.name)
            action.triggered.connect(lambda _=False, model=model: self._take(model))
            chosen.addAction(action)
        menu.setToolTipsVisible(True)
        menu.addAction("Add a file…").triggered.connect(self._ask_file)
        menu.addSeparator()
        self._fill_devices(menu)
        menu.addSeparator()
        for name in ("segment", "segment_all", "undo_batch", "cancel_work"):
            menu.addAction(self.desk.commands[name])

    def _fill_devices(self, menu: Any) -> None:
        group = QActionGroup(menu)
        for device in ("auto", *(self._devices or (CPU,))):
            action = menu.addAction(DEVICE_NAMES[device])
            action.setCheckable(True)
            action.setChecked(device == self.device)
            action.triggered.connect(lambda _=False, device=device: self.use_device(device))
            group.addAction(action)
        if self._devices is None:
            look = menu.addAction("Look for GPUs")
            look.triggered.connect(self.look_for_devices)

    def look_for_devices(self) -> None:
        """Ask torch, in the worker, where a network can run."""

        def done(reply: Reply) -> None:
            self.know_devices(reply.value)
            names = ", ".join(DEVICE_NAMES[one] for one in reply.value)
            self.desk.say(f"A network can run here on: {names}.")

        self._jobs.run(
            lambda _: available_devices(), "Looking for GPUs", Ending(done, self.desk.problem)
        )

    def know_devices(self, devices: list[str]) -> None:
        """Offer these devices in the menu."""
        self._devices = devices

    # ---- fetching and adding

    def fetch(self, model: ModelRef) -> None:
        """Fetch a published model's weights, with progress and a way to cancel."""
        if self.fetching:
            self.desk.say(f"“{self.fetching}” is being fetched; one at a time.")
            return
        title = f"Fetching {model.name}"

        def work(context: JobContext) -> Path:
            def tell(done: int, total: int) -> None:
                context.progress(f"{done / 1e6:.0f} of {total / 1e6:.0f} MB", done / max(total, 1))

            return fetch_model(model.name, tell, context.cancel)

        def ended(text: str = "", *, problem: bool = False) -> None:
            self.fetching = ""
            self.desk.work.end(FETCH)
            self._show()
            if text:
                (self.desk.problem if problem else self.desk.say)(text)

        def done(_: Reply) -> None:
            ended(f"“{model.name}” is here; press I to run it.")

        def progress(stage: str, fraction: float) -> None:
            self.desk.work.tell(FETCH, f"{title}, {stage}", fraction)

        self.fetching = model.name
        job = self._jobs.run(
            work,
            title,
            Ending(
                done,
                lambda text: ended(text, problem=True),
                lambda: ended("Stopped; what was fetched is kept for the next time."),
                progress,
            ),
            Lane.DOWNLOADS,
        )
        self.desk.work.begin(FETCH, f"{title}…", lambda: self._jobs.cancel(job))
        self._show()

    def _ask_file(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self.desk.window, "Add a model", "", FILES)
        if name:
            self.add(Path(name))

    def add(self, file: Path) -> None:
        """Check a weights file and keep it among the person's own models."""
        self.desk.say(f"Checking “{file.name}”…")
        before = self.desk.session, self.current

        def added(reply: Reply) -> None:
            model = reply.value
            if (self.desk.session, self.current) == before:
                self._take(model)
                self.desk.say(f"Added “{model.name}”; press I to run it.")
            else:  # what was chosen while it was checked stays
                self.desk.say(f"Added “{model.name}”; choose it in the menu of models.")

        self._jobs.run(
            lambda _: add_model(file),
            f"Adding “{file.name}”",
            Ending(added, self.desk.problem),
        )
