"""Auto-segment: one image now, or all of them as a batch that can be stopped and continued."""

import time
from dataclasses import dataclass, field
from datetime import datetime

from PySide6.QtCore import QObject

from maskgui.assist.jobs import Priority, Reply
from maskgui.assist.landing import land
from maskgui.assist.segmenter import Segmenter, SegmentImage, SegmentResult, start_score
from maskgui.assist.session import Session
from maskgui.core.errors import UserError
from maskgui.core.shape import Box
from maskgui.core.words import counted
from maskgui.maskrcnn.models import ModelRef
from maskgui.ui.control.desk import Desk
from maskgui.ui.control.mapping import CategoryMapping
from maskgui.ui.control.models import Models
from maskgui.ui.control.proposing import nothing_above
from maskgui.ui.control.taking_back import TakingBack
from maskgui.ui.jobs import Ending, Jobs
from maskgui.ui.panels.statusbar import duration_text

RUNNING = "This image is being segmented."
BATCH = "batch"
STOPPED = "Stopped; Ctrl+B goes on from here."
NO_MODEL = "There is no model here yet; add one in the model menu."


@dataclass
class Batch:
    """A run over many images: what is left, what came of it, how long it takes."""

    session: Session
    model: ModelRef
    author: str
    left: list[int]
    total: int
    done: int = 0
    objects: int = 0
    problems: list[str] = field(default_factory=list)
    job: int | None = None
    started: float = field(default_factory=time.monotonic)

    def text(self) -> str:
        """Say how far it is: "38 of 240, 2 min"."""
        words = f"{self.done} of {self.total}"
        if self.done:
            each = (time.monotonic() - self.started) / self.done
            words += f", {duration_text(each * (self.total - self.done))}"
        return words


@dataclass
class Run:
    """One image's run: its job, 0 while a question is open, and the share done."""

    job: int = 0
    done: float = 0.0


class Segmenting(QObject):
    """Requests go to the worker; a result becomes proposals of the image it was asked for."""

    def __init__(
        self,
        desk: Desk,
        jobs: Jobs,
        models: Models,
        mapping: CategoryMapping,
        taking_back: TakingBack,
    ) -> None:
        super().__init__(desk)
        self.desk = desk
        self._jobs = jobs
        self._models = models
        self._mapping = mapping
        self._taking_back = taking_back
        self._segmenter = Segmenter()
        self._revision = 0
        self._running: dict[int, Run] = {}  # by image
        self.batch: Batch | None = None
        for name, handler in (
            ("segment", self.segment_this),
            ("segment_all", self.segment_all),
        ):
            desk.commands.bind(name, handler)
        desk.opened.connect(self._opened)
        desk.shown.connect(self._shown)
        desk.settled.connect(self._settled)
        models.changed.connect(self._follow)
        self._follow()

    # ---- one image

    def segment_this(self) -> None:
        """Run the model on the image shown; the person keeps working."""
        image_id, model = self.desk.image_id, self._models.current
        if image_id is None or model is None or image_id in self._running:
            return
        self._running[image_id] = Run()
        self.desk.canvas.set_note("")
        self._follow()
        self._mapping.ensure(
            model,
            self._segmenter,
            lambda: self._start(image_id, model),
            lambda: self._end(image_id),
        )

    def _start(self, image_id: int, model: ModelRef) -> None:
        session = self.desk.session
        if session is None or image_id not in session.document.images:
            self._end(image_id)
            return
        author = _author(model)
        region = self.desk.canvas.part_in_view if image_id == self.desk.image_id else None
        job = self._segmenter.job(self._request(session, image_id, model, region))
        self._running[image_id] = Run(job.id)
        self.desk.work.begin(_key(image_id), "Segmenting…", lambda: self._jobs.cancel(job.id))
        self._jobs.submit(
            job,
            Ending(
                lambda reply: self._come(session, reply, author),
                lambda text: self._failed(image_id, text),
                lambda: self._end(image_id),
                lambda stage, done: self._progress(image_id, stage, done),
            ),
        )
        self._follow()

    def _request(
        self, session: Session, image_id: int, model: ModelRef, region: Box | None = None
    ) -> SegmentImage:
        record = session.document.image(image_id)
        self._revision += 1
        return SegmentImage(
            session.image_path(image_id),
            model,
            image_id,
            self._revision,
            self._models.device,
            threshold=start_score(session, image_id, model),
            mask_threshold=record.mask_threshold,
            region=region,
        )

    def _come(self, session: Session, reply: Reply, author: str) -> None:
        result: SegmentResult = reply.value
        self._end(result.image_id)
        if session is self.desk.session:
            self._mapping.ensure_said(
                result.detections,
                lambda: self._land(session, result, reply.seconds, author),
                lambda: None,
            )

    def _land(self, session: Session, result: SegmentResult, seconds: float, author: str) -> None:
        count = self._keep(session, result, author)
        record = session.document.images.get(result.image_id)
        if count is None or record is None:
            return
        if result.image_id == self.desk.image_id:
            self.desk.canvas.set_note("" if count else nothing_above(record.threshold))
        if count:
            self.desk.say(
                f"Found {counted(count, 'object')} in {seconds:.1f} s.",
                action=("Undo", lambda: self._taking_back.run(author)),
            )

    def _keep(self, session: Session, result: SegmentResult, author: str) -> int | None:
        """Store what was found and propose it; return how many proposals the image has."""
        self._models.ran_on(result.device)
        for note in result.notes:
            self.desk.say(note)
        if result.image_id not in session.document.images:
            return None
        try:
            self._check_shown(result)
            land(session, result, author)
        except UserError as error:
            self.desk.problem(str(error))
            return None
        return sum(one.is_proposal for one in session.instances(result.image_id))

    def _check_shown(self, result: SegmentResult) -> None:
        """Refuse what was found in another file than the one whose pixels are on the canvas."""
        scene, size = self.desk.canvas.scene, (result.width, result.height)
        if scene.image_id == result.image_id and scene.size != size:
            raise UserError(
                f"“{result.request.path.name}” was replaced by a file of another size; press F5 "
                "and segment it again."
            )

    def _failed(self, image_id: int, text: str) -> None:
        self._end(image_id)
        self.desk.problem(text)

    def _end(self, image_id: int) -> None:
        self._running.pop(image_id, None)
        self.desk.work.end(_key(image_id))
        self._follow()

    def _progress(self, image_id: int, stage: str, done: float) -> None:
        if image_id in self._running:
            self._running[image_id].done = done
            self.desk.work.tell(_key(image_id), f"{stage.capitalize()}…", done)
        if image_id == self.desk.image_id:
            self.desk.canvas.set_busy(done)

    # ---- all images

    def segment_all(self, *, again: bool = False) -> None:
        """Run the model on every image that it has not seen, one after the other."""
        session, model = self.desk.session, self._models.current
        if session is None or model is None or self.batch is not None:
            return
        self._mapping.ensure(
            model, self._segmenter, lambda: self._start_batch(model, again=again), lambda: None
        )

    def _start_batch(self, model: ModelRef, *, again: bool) -> None:
        session = self.desk.session
        if session is None or self.batch is not None:
            return
        ids = list(self.desk.order)
        done = set() if again else session.detected_images(model.model_id or "")
        left = [one for one in ids if one not in done]
        if not left:
            self.desk.say(
                f"“{model.name}” has seen all images.",
                action=("Run again", lambda: self.segment_all(again=True)),
            )
            return
        if len(left) < len(ids):
            self.desk.say(f"Continuing: {counted(len(ids) - len(left), 'image')} done already.")
        self.batch = Batch(session, model, _author(model), left, len(left))
        self.desk.work.begin(BATCH, self.batch.text(), self._stop_batch)
        self._next()

    def _stop_batch(self) -> None:
        if self.batch is not None and self.batch.job is not None:
            self._jobs.cancel(self.batch.job)

    def _next(self) -> None:
        batch = self.batch
        if batch is None:
            return
        while batch.left and batch.left[0] not in batch.session.document.images:
            batch.left.pop(0)
        if not batch.left:
            self._finish(
                f"Segmented {counted(batch.done, 'image')}: {counted(batch.objects, 'object')}."
            )
            return
        image_id = batch.left[0]
        request = self._request(batch.session, image_id, batch.model)
        job = self._segmenter.job(request, Priority.BATCH)
        batch.job = job.id
        self._jobs.submit(
            job,
            Ending(
                lambda reply: self._batch_come(batch, reply),
                lambda text: self._batch_failed(batch, text),
                lambda: self._finish(STOPPED),
                lambda stage, done: self._progress(image_id, stage, done),
            ),
        )
        self._follow()

    def _batch_come(self, batch: Batch, reply: Reply) -> None:
        if batch is self.batch:
            self._mapping.ensure_said(
                reply.value.detections,
                lambda: self._batch_land(batch, reply.value),
                lambda: self._finish(STOPPED),
            )

    def _batch_land(self, batch: Batch, result: SegmentResult) -> None:
        batch.objects += self._keep(batch.session, result, batch.author) or 0
        self._batch_step(batch)

    def _batch_failed(self, batch: Batch, text: str) -> None:
        if batch is self.batch:
            batch.problems.append(text)
            self._batch_step(batch)

    def _batch_step(self, batch: Batch) -> None:
        batch.left.pop(0)
        batch.done += 1
        if len(batch.problems) >= 3 and len(batch.problems) == batch.done:
            self._finish("")
            self.desk.problem(f"Stopped after three failures. {batch.problems[-1]}")
            return
        self._next()

    def _finish(self, text: str) -> None:
        batch, self.batch = self.batch, None
        self.desk.work.end(BATCH)
        self._follow()
        if batch is None or not text:
            return
        if batch.problems:
            images = counted(len(batch.problems), "image")
            self.desk.problem(f"{images} could not be segmented. {batch.problems[0]}")
        undo = (
            ("Undo batch", lambda: self._taking_back.run(batch.author)) if batch.objects else None
        )
        self.desk.say(text, action=undo)

    # ---- following

    def _opened(self) -> None:
        for image_id, run in list(self._running.items()):
            self._jobs.cancel(run.job)
            self._end(image_id)
        if self.batch is not None and self.batch.session is not self.desk.session:
            self._stop_batch()
            self._finish("")
        self._follow()

    def _shown(self) -> None:
        self.desk.canvas.set_note("")
        self._follow()

    def _settled(self) -> None:
        if self.desk.instances():
            self.desk.canvas.set_note("")
        self._follow()

    def _follow(self) -> None:
        desk, batch = self.desk, self.batch
        image_id = desk.image_id
        own = self._running.get(image_id) if image_id is not None else None
        in_batch = batch is not None and bool(batch.left) and batch.left[0] == image_id
        desk.canvas.set_busy(own.done if own else 0.0 if in_batch else None)
        if batch is not None:
            desk.work.tell(BATCH, batch.text(), batch.done / batch.total)
        self._allow(own is not None)

    def _allow(self, running: bool) -> None:
        desk, model = self.desk, self._models.current
        reason, only_this = "" if desk.record else "Open images first.", ""
        if not reason and model is None:
            reason = NO_MODEL
        elif not reason and desk.canvas.message:
            only_this = "This image cannot be read."
        elif not reason and self._models.fetching == (model.name if model else None):
            reason = "The model is being fetched."
        desk.allow(("segment",), reason or only_this or (RUNNING if running else ""))
        desk.allow(("segment_all",), reason or ("A batch is running." if self.batch else ""))


def _author(model: ModelRef) -> str:
    """Return the id under which the history groups what one run did."""
    return f"segment {model.name} {datetime.now().isoformat(timespec='milliseconds')}"


def _key(image_id: int) -> str:
    return f"segment {image_id}"
