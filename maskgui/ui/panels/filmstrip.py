"""The filmstrip: thumbnails with the review state as a corner mark, a filter at the left."""

from collections.abc import Callable, Mapping, Sequence

from PySide6.QtCore import (
    QItemSelectionModel,
    QModelIndex,
    QPoint,
    QRect,
    QSize,
    QStringListModel,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QPixmap
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QToolTip,
    QVBoxLayout,
    QWidget,
)

from maskgui.core.entities import ImageRecord, Review
from maskgui.ui import icons
from maskgui.ui.names import one_line, shortened
from maskgui.ui.panels.common import Index, rule
from maskgui.ui.panels.stripview import StripView
from maskgui.ui.panels.topbar import REVIEW_TEXT, review_color
from maskgui.ui.theme import CAPTION_PX, DARK, Theme, text_font

SIDE = 96
TALL = 72
CELL = QSize(SIDE + 12, TALL + 30)
HEIGHT = CELL.height() + 16
FILTER_WIDTH = 184
PROBLEMS = "problems"
NONE_FITS = "No image fits the filter."

FILTERS = (
    ("all", "All images"),
    (Review.NEW.value, "New"),
    (Review.IN_PROGRESS.value, "In progress"),
    (Review.REVIEWED.value, "Reviewed"),
    (PROBLEMS, "With problems"),
)


class ImageModel(QStringListModel):
    """The images that the filter lets through, in the project's order, as their paths.

    A view asks something of every row when it lays them out or looks for a name, so Qt's own model
    answers: each answer in Python costs a folder of 100,000 images a fifth of a second.
    """

    def __init__(self) -> None:
        super().__init__()
        self._all: Sequence[int] = ()
        self._paths: Sequence[str] = ()
        self._shown: Sequence[int] = ()
        self._images: Mapping[int, ImageRecord] = {}
        self._rows: dict[int, int] = {}  # of images that were asked for
        self.problems: Mapping[int, str] = {}
        self._state = "all"
        self._needle = ""

    def show(
        self,
        order: Sequence[int],
        paths: Sequence[str],
        images: Mapping[int, ImageRecord],
        problems: Mapping[int, str],
    ) -> None:
        """List images in an order, with their paths and what is wrong with some.

        The mappings are read again whenever a row is drawn: a record may change in its place, and
        stays in view even when the filter no longer fits.
        """
        self.problems = problems
        self._all, self._paths, self._images = order, paths, images
        self._sift()

    def sift(self, state: str, needle: str) -> None:
        """Show only images in a review state whose path contains `needle`."""
        self._state, self._needle = state, needle.casefold().strip()
        self._sift()

    def _sift(self) -> None:
        self._rows = {}
        if self._state == "all" and not self._needle:
            self._shown = self._all
            self.setStringList(self._paths)
            return
        found = [one for image_id in self._all if (one := self._images.get(image_id))]
        found = [one for one in found if self._fits(one)]
        self._shown = [one.id for one in found]
        self.setStringList([one.path for one in found])

    def _fits(self, record: ImageRecord) -> bool:
        if self._needle and self._needle not in record.path.casefold():
            return False
        if self._state == PROBLEMS:
            return record.id in self.problems
        return self._state in ("all", record.review.value)

    @property
    def shows_problems(self) -> bool:
        """Whether only images with problems are in view."""
        return self._state == PROBLEMS

    @property
    def shown(self) -> Sequence[int]:
        """Ids of the images in view."""
        return self._shown

    @property
    def total(self) -> int:
        """How many images the project has."""
        return len(self._all)

    def record(self, index: Index) -> ImageRecord | None:
        """Return the record of a row, None where its image has just left the project."""
        return self._images.get(self._shown[index.row()]) if index.isValid() else None

    def row_of(self, image_id: int | None) -> int:
        """Return the row of an image, -1 when the filter hides it."""
        if image_id is None:
            return -1
        if image_id not in self._rows:
            self._rows[image_id] = self._shown.index(image_id) if image_id in self._shown else -1
        return self._rows[image_id]

    def tip(self, index: Index) -> str:
        """Return all there is to know of a row."""
        record = self.record(index)
        if record is None:
            return ""
        lines = [one_line(record.path), REVIEW_TEXT[record.review]]
        if record.width:
            lines[1] = f"{record.width} × {record.height}, {lines[1]}"
        if record.id in self.problems:
            lines.append(self.problems[record.id])
        return "\n".join(lines)


class ThumbnailDelegate(QStyledItemDelegate):
    """Draws a thumbnail in its frame with the name below."""

    def __init__(self, parent: QWidget, model: ImageModel) -> None:
        super().__init__(parent)
        self._model = model
        self.theme = DARK
        self.picture: Callable[[ImageRecord], QPixmap | None] = lambda _: None

    def sizeHint(self, option, index) -> QSize:
        """Return one size for all cells."""
        return CELL

    def helpEvent(self, event, view, option, index: Index) -> bool:
        """Tell of the image below the pointer."""
        QToolTip.showText(event.globalPos(), self._model.tip(index), view)
        return True

    def paint(self, painter: QPainter, option, index: Index) -> None:
        """Draw one cell."""
        record = self._model.record(index)
        if record is None:
            return
        painter.save()
        painter.setRenderHints(
            QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform
        )
        rect = option.rect
        frame = QRect(rect.left() + 6, rect.top() + 6, SIDE, TALL)
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        hot = bool(option.state & QStyle.StateFlag.State_MouseOver)
        picture_rect = self._picture(painter, frame, record)
        if chosen or hot:
            color = self.theme.accent if chosen else self.theme.edge
            painter.setPen(QPen(QColor(color), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(picture_rect.adjusted(-2, -2, 2, 2), 5, 5)
        self._mark(painter, picture_rect, record)
        self._name(painter, QRect(frame.left(), frame.bottom() + 4, SIDE, 16), record, chosen)
        painter.restore()

    def _picture(self, painter: QPainter, frame: QRect, record: ImageRecord) -> QRect:
        problem = record.id in self._model.problems
        picture = None if problem else self.picture(record)
        if picture is None:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(self.theme.raised))
            painter.drawRoundedRect(frame, 4, 4)
            name, color = (
                ("warning", self.theme.warning) if problem else ("image", self.theme.faint)
            )
            symbol = icons.pixmap(name, color, 22, painter.device().devicePixelRatio())
            painter.drawPixmap(frame.center() - QPoint(10, 10), symbol)
            return frame
        size = picture.deviceIndependentSize().scaled(
            frame.size().toSizeF(), Qt.AspectRatioMode.KeepAspectRatio
        )
        target = QRect(QPoint(0, 0), size.toSize())
        target.moveCenter(frame.center())
        clip = QPainterPath()
        clip.addRoundedRect(target, 4, 4)
        painter.setClipPath(clip)
        painter.drawPixmap(target, picture)
        painter.setClipping(False)
        return target

    def _mark(self, painter: QPainter, rect: QRect, record: ImageRecord) -> None:
        if record.review is Review.NEW:
            return
        center = QPoint(rect.right() - 8, rect.bottom() - 8)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self.theme.panel))
        painter.drawEllipse(center, 7, 7)
        painter.setBrush(QColor(review_color(record.review, self.theme)))
        if record.review is Review.REVIEWED:
            painter.drawEllipse(center, 5, 5)
        else:
            painter.drawPie(QRect(center - QPoint(5, 5), QSize(10, 10)), 90 * 16, 180 * 16)
            painter.setPen(QPen(painter.brush().color(), 1.2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(center, 4, 4)

    def _name(self, painter: QPainter, rect: QRect, record: ImageRecord, chosen: bool) -> None:
        painter.setFont(text_font(CAPTION_PX))
        painter.setPen(QColor(self.theme.text if chosen else self.theme.dim))
        name = record.path.rsplit("/", 1)[-1]
        shown = shortened(name, painter.fontMetrics(), rect.width())
        painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, shown)


class Filmstrip(QWidget):
    """Filter at the left, thumbnails at its right."""

    chosen = Signal(object)  # image id
    menu_asked = Signal(object, object)  # image id, global QPoint
    sifted = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("filmstrip")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.rows = ImageModel()
        self.view = StripView()
        self._delegate = ThumbnailDelegate(self.view, self.rows)
        self.state = QComboBox()
        self.field = QLineEdit()
        self.count = QLabel()
        self._current: int | None = None
        self._mark = QTimer(self, singleShot=True, interval=0)
        self._mark.timeout.connect(self._mark_current)
        self._lay_out()
        self._connect()
        self.set_theme(theme)

    def _lay_out(self) -> None:
        for value, text in FILTERS:
            self.state.addItem(text, value)
        self.state.setAccessibleName("Show images")
        self.field.setPlaceholderText("Find by name")
        self.field.setAccessibleName("Find by name")
        self.field.setClearButtonEnabled(True)
        self.count.setObjectName("caption")
        side = QWidget()
        side.setFixedWidth(FILTER_WIDTH)
        column = QVBoxLayout(side)
        column.setContentsMargins(12, 12, 12, 8)
        column.setSpacing(8)
        for widget in (self.state, self.field, self.count):
            column.addWidget(widget)
        column.addStretch(1)
        view = self.view
        view.setModel(self.rows)
        view.setItemDelegate(self._delegate)
        view.setFlow(QListView.Flow.LeftToRight)
        view.setWrapping(False)
        view.setUniformItemSizes(True)
        view.setMouseTracking(True)
        view.setAutoScroll(False)  # to the current row: `show_current` does
        view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        view.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        view.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        view.setAccessibleName("Images")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(side)
        row.addWidget(rule(vertical=True))
        row.addWidget(view, 1)
        self.setFixedHeight(HEIGHT + 10)

    def _connect(self) -> None:
        self.state.currentIndexChanged.connect(lambda _: self._sift())
        self.field.textChanged.connect(lambda _: self._sift())
        self.view.selectionModel().currentChanged.connect(lambda now, _: self._tell(now))
        self.view.customContextMenuRequested.connect(self._menu)

    def set_theme(self, theme: Theme) -> None:
        """Draw in the theme's colours."""
        self._delegate.theme = theme
        self.view.viewport().update()

    def set_pictures(self, picture: Callable[[ImageRecord], QPixmap | None]) -> None:
        """Take the function that has a thumbnail, or None and a repaint later."""
        self._delegate.picture = picture

    def show_images(
        self,
        order: Sequence[int],
        paths: Sequence[str],
        images: Mapping[int, ImageRecord],
        problems: Mapping[int, str],
    ) -> None:
        """Show the project's images, in an order and with their paths."""
        self.rows.show(order, paths, images, problems)
        self._count()
        self.show_current(self._current)

    def show_problems(self, problems: Mapping[int, str]) -> None:
        """Show what is wrong with some images."""
        self.rows.problems = problems
        if self.rows.shows_problems:
            self._sift()
        self.repaint_thumbnails()

    def show_current(self, image_id: int | None) -> None:
        """Mark the image on the canvas soon, without telling of it."""
        self._current = image_id
        self._mark.start()

    def _mark_current(self) -> None:
        """Qt lays out all rows for this where they are new: so it has a turn of its own."""
        row = self.rows.row_of(self._current)
        flags = QItemSelectionModel.SelectionFlag.ClearAndSelect
        index = self.rows.index(row) if row >= 0 else QModelIndex()
        self.view.selectionModel().setCurrentIndex(index, flags)
        if row >= 0:
            self.view.scrollTo(index, QAbstractItemView.ScrollHint.EnsureVisible)

    def repaint_thumbnails(self) -> None:
        """Draw again: a thumbnail has come, or an image's record has changed."""
        self.view.viewport().update()

    def _sift(self) -> None:
        self.rows.sift(str(self.state.currentData()), self.field.text())
        self._count()
        self.show_current(self._current)
        self.sifted.emit()

    def _count(self) -> None:
        total, shown = self.rows.total, self.rows.rowCount()
        words = f"{total} image{'' if total == 1 else 's'}"
        self.count.setText(words if shown == total else f"{shown} of {words}")
        self.view.empty = NONE_FITS if total and not shown else ""

    def _tell(self, index: Index) -> None:
        record = self.rows.record(index)
        if record is not None and record.id != self._current:
            self._current = record.id
            self.chosen.emit(record.id)

    def _menu(self, place: QPoint) -> None:
        record = self.rows.record(self.view.indexAt(place))
        if record is not None:
            self.menu_asked.emit(record.id, self.view.viewport().mapToGlobal(place))
