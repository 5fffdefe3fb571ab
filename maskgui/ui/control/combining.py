"""Commands on whole instances: join, split, subtract, intersect, remove overlap, fill holes."""

from functools import partial

from PySide6.QtCore import QObject

from maskgui.core.entities import Instance
from maskgui.tools.base import Response, Scene
from maskgui.tools.commands import COMMANDS, ONE_NEEDED, TWO_NEEDED
from maskgui.tools.snapshot import snapshot
from maskgui.ui.control.desk import Desk

QUICK = 5_000
"""Vertices of what is shown up to which a command is carried out at once; else on a thread, since
it may take seconds."""
PAIRS = frozenset({"remove_overlap"})
"""Commands that look at every pair of instances: always on a thread."""
NEEDS = {"join": 2, "intersect": 2, "split": 1, "subtract": 1, "fill_holes": 1}
"""How many instances must be selected."""
WORK = "combine"
LEFT = "was not carried out: another image is shown. Go back and choose it again."
LOCKED = "was not carried out: an instance that it would change was locked. Choose it again."


class Combining(QObject):
    """Carries out a command on what is selected; each is one edit."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.desk = desk
        self._run = 0  # the slow command that is awaited; a cancelled one is not
        for name in COMMANDS:
            desk.commands.bind(name, partial(self.carry_out, name))
        desk.selection.changed.connect(lambda _: self._allow())
        desk.shown.connect(self._allow)
        desk.settled.connect(self._allow)
        desk.opened.connect(self.cancel)
        desk.opened.connect(self._allow)

    def carry_out(self, name: str) -> None:
        """Do one of `COMMANDS`."""
        canvas = self.desk.canvas
        if canvas.scene.image_id is None:
            return
        if name in PAIRS or _is_heavy(canvas.scene):
            self._start(name)
        else:
            self._follow(COMMANDS[name](canvas.scene))

    @property
    def busy(self) -> bool:
        """Whether a slow command is under way."""
        return self.desk.work.is_on(WORK)

    def cancel(self) -> None:
        """Wait no more for a slow command."""
        self._run += 1
        self.desk.work.end(WORK)

    def _start(self, name: str) -> None:
        self.cancel()
        run, session, scene = self._run, self.desk.session, snapshot(self.desk.canvas.scene)
        label = self.desk.commands[name].text()
        self.desk.work.begin(WORK, f"{label}…", self.cancel, edit=label[0].lower() + label[1:])

        def done(response: Response) -> None:
            if run != self._run or session is not self.desk.session:
                return
            self.cancel()
            if self.desk.canvas.scene.image_id != scene.image.id:
                self.desk.say(f"“{label}” {LEFT}")
            elif self._meets_locked(response):
                self.desk.say(f"“{label}” {LOCKED}")
            else:
                self._follow(response)

        def failed(text: str) -> None:
            if run == self._run:
                self.cancel()
                self.desk.problem(text)

        self.desk.background.run(lambda: COMMANDS[name](scene), done, failed)

    def _meets_locked(self, response: Response) -> bool:
        changes = response.edit.changes if response.edit is not None else ()
        return any(
            isinstance(one.before, Instance) and self.desk.canvas.scene.locked(one.before.id)
            for one in changes
        )

    def _follow(self, response: Response) -> None:
        if response.edit is None:
            self.desk.say(f"{response.status}.")
        else:
            self.desk.canvas.follow(response)

    def _allow(self) -> None:
        desk, count = self.desk, len(self.desk.selection.ids)
        image = "" if desk.record else "Open images first."
        words = {1: ONE_NEEDED, 2: TWO_NEEDED}
        for name in COMMANDS:
            needed = NEEDS.get(name, 0)
            desk.allow((name,), image or ("" if count >= needed else f"{words[needed]}."))


def _is_heavy(scene: Scene) -> bool:
    return sum(one.shape.vertex_count for one in scene.instances()) > QUICK
