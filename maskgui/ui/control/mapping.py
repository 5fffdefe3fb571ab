"""Before a model's first run in a project: which of its categories stands for which of ours."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject

from maskgui.assist.jobs import JobContext, Reply
from maskgui.assist.segmenter import Segmenter
from maskgui.assist.session import Session
from maskgui.core.colors import fresh_colors
from maskgui.core.detections import Detections
from maskgui.core.document import Change, Edit
from maskgui.core.entities import Category
from maskgui.core.errors import UserError
from maskgui.core.proposals import present
from maskgui.maskrcnn.card import Card
from maskgui.maskrcnn.models import ModelRef, model_id, usable_categories
from maskgui.ui.control.desk import Desk
from maskgui.ui.control.models import Models
from maskgui.ui.dialogs.category_map import CategoryMapDialog, Choice, preset
from maskgui.ui.jobs import Ending, Jobs

Then = Callable[[], object]


class CategoryMapping(QObject):
    """Makes sure that a map is there; asks once for each model and project.

    It asks again where a category that the map leads to was merged or deleted.
    """

    def __init__(self, desk: Desk, jobs: Jobs, models: Models) -> None:
        super().__init__(desk)
        self.desk = desk
        self._jobs = jobs
        self._models = models
        self.asks = True
        """Whether a person is there to ask; without one the preset is taken."""
        self._waiting: dict[tuple[Session, str], list[tuple[Then, Then]]] = {}

    def ensure(self, model: ModelRef, segmenter: Segmenter, then: Then, otherwise: Then) -> None:
        """Go on with `then` once the model's categories are mapped, or with `otherwise`.

        With neither once another project has come: it opens behind a dialog, too, and what was
        begun in the one before has ended with that.
        """
        session = self.desk.session
        if session is None:
            otherwise()
            return
        known = model.model_id
        if known is None:
            self._load_first(session, model, segmenter, then, otherwise)
        elif self._is_whole(session, known):
            then()
        else:
            self._ask(session, known, model.card().categories, then, otherwise)

    def ensure_said(self, found: Detections, then: Then, otherwise: Then) -> None:
        """As `ensure`, of the very weights that said this: others may have the model's name now.

        Categories that are gone by now are no reason to ask: the next run does.
        """
        session = self.desk.session
        if session is None:
            otherwise()
        elif session.category_map(found.model) is not None:
            then()
        else:
            name = _name(found.model)
            words = "ran with weights that are new here; say what its categories become."
            self.desk.say(f"“{name}” {words}")
            self._ask(session, found.model, found.categories, then, otherwise)

    @staticmethod
    def _is_whole(session: Session, model: str) -> bool:
        """Whether a model is mapped, and to categories that are all still there."""
        mapping = session.category_map(model)
        return mapping is not None and present(mapping, session.document.categories) == mapping

    def _load_first(
        self,
        session: Session,
        model: ModelRef,
        segmenter: Segmenter,
        then: Then,
        otherwise: Then,
    ) -> None:
        """Load the model in the worker: its categories are not known before."""

        def work(context: JobContext) -> Card:
            return segmenter.load(model, self._models.device, context.progress, context.cancel).card

        def done(reply: Reply) -> None:
            if session is not self.desk.session:
                return
            card = reply.value
            if self._is_whole(session, model_id(card)):
                then()
            else:
                self._ask(session, model_id(card), card.categories, then, otherwise)

        def ended() -> None:
            if session is self.desk.session:
                otherwise()

        def failed(text: str) -> None:
            ended()
            self.desk.problem(text)

        self._jobs.run(work, f"Loading “{model.name}”", Ending(done, failed, ended))

    def _ask(
        self,
        session: Session,
        model: str,
        categories: Sequence[str],
        then: Then,
        otherwise: Then,
    ) -> None:
        """Ask once; what else comes to need the answer meanwhile goes on with it, too."""
        waiting = self._waiting.setdefault((session, model), [])
        waiting.append((then, otherwise))
        if len(waiting) > 1:
            return
        try:
            choices = self._choices(session, model, categories)
        finally:
            del self._waiting[session, model]
        if session is not self.desk.session:
            return
        mapped = choices is not None and self.keep(model, choices)
        for go_on, give_up in waiting:
            (go_on if mapped else give_up)()

    def _choices(
        self, session: Session, model: str, categories: Sequence[str]
    ) -> dict[str, Choice] | None:
        """Return what a model's categories shall become, None where the person would rather not."""
        names, own = usable_categories(categories), self.desk.categories()
        mapped = session.category_map(model)
        earlier = None if mapped is None else present(mapped, own)
        if not self.asks:
            return preset(names, own, earlier)
        dialog = CategoryMapDialog(self.desk.window, _name(model), names, own, earlier)
        choices = dialog.choices() if dialog.exec() else None
        dialog.deleteLater()
        return choices

    def keep(self, model: str, choices: dict[str, Choice]) -> bool:
        """Create what is to be created and store the map of a model, by its id."""
        session = self.desk.session
        if session is None:
            return False
        wanted = [choice for choice in choices.values() if isinstance(choice, str)]
        made = self._create(wanted)
        if made is None:
            return False
        mapping: dict[str, int | None] = {}
        for name, choice in choices.items():
            mapping[name] = made[choice.casefold()] if isinstance(choice, str) else choice
        try:
            session.set_category_map(model, mapping)
        except UserError as error:
            self.desk.problem(str(error))
            return False
        return True

    def _create(self, names: Sequence[str]) -> dict[str, int] | None:
        """Return the ids of categories of these names, new ones made by one edit."""
        categories = self.desk.categories()
        ids = {one.name.casefold(): one.id for one in categories}
        colors = fresh_colors(one.color for one in categories)
        order = 1 + max((one.order for one in categories), default=-1)
        changes: list[Change] = []
        for name in names:
            if name.casefold() in ids:
                continue
            category = Category(self.desk.new_id(), name, next(colors), order + len(changes))
            ids[name.casefold()] = category.id
            changes.append(Change(None, category))
        if not changes:
            return ids
        label = "Add category" if len(changes) == 1 else f"Add {len(changes)} categories"
        return ids if self.desk.apply(Edit(label, None, tuple(changes))) else None


def _name(model: str) -> str:
    """Return a model's name, as its id begins with it (`models.model_id`)."""
    return model.rpartition(" ")[0]
