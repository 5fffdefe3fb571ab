"""The evaluation as one HTML file: nothing is loaded from elsewhere, light and dark.

Every text that comes from a data set goes through `html.escape`, and the page's own policy
forbids scripts.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from maskgui.assist.evaluation.charts import CURVES, curve_chart
from maskgui.assist.evaluation.crops import Crops, chosen
from maskgui.assist.evaluation.report import Report
from maskgui.core.words import counted
from maskgui.maskrcnn.evaluate import BOUNDARY, Mistake

LABELS = {"segm": "masks", "bbox": "boxes", BOUNDARY: "mask boundaries"}

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_EXPLAINED = {
    "missed": "Objects that nothing was found for, the largest first.",
    "spurious": "Detections where there is no object, or a second time on one; the surest first.",
    "wrong category": "Well placed, but called something else; the surest first.",
    "poor mask": "Meant for the object, but overlapping by less than half; the poorest first.",
}


def page(report: Report, images: Path | None = None) -> str:
    """Return the HTML; pictures show the images found in `images` or beside the truth."""
    title = f"{report.predictions} on {report.gt.name}"
    style = (Path(__file__).parent / "style.css").read_text(encoding="utf-8")
    body = "".join(
        (
            _top(report),
            _curves(report),
            _figures(report),
            _categories(report),
            _mistakes(report, Crops(report.truth, report.gt, images)),
            _foot(report),
        )
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{style}</style></head><body><main>{body}</main>"
        "</body></html>\n"
    )


def number(value: float) -> str:
    """Return a fraction with three decimals; a dash where there was nothing to measure."""
    return "–" if value < 0 else f"{value:.3f}"


def _kinds(report: Report) -> dict[str, dict[str, float]]:
    """Return the kinds that were scored, masks first, with their figures."""
    found = report.scored.evaluation
    tables = {"segm": found.segm, BOUNDARY: found.boundary, "bbox": found.bbox}
    return {kind: table for kind, table in tables.items() if table}


def _top(report: Report) -> str:
    kinds = _kinds(report)
    main = next(iter(kinds))
    heads = [(f"{LABELS[main]}, {key}", number(kinds[main][key])) for key in _head_keys()]
    if main != "bbox":
        heads.append(("boxes, AP", number(kinds["bbox"]["AP"])))
    heads += [
        ("precision", number(report.mistakes.precision)),
        ("recall", number(report.mistakes.recall)),
    ]
    cells = "".join(
        f'<div class="head{" main" if place == 0 else ""}"><b>{value}</b><span>{label}</span></div>'
        for place, (label, value) in enumerate(heads)
    )
    notes = "".join(f'<p class="note">{escape(note)}</p>' for note in report.notes)
    return (
        f"<header><h1>{escape(report.predictions)}</h1>"
        f'<p class="under-title">scored against {escape(report.gt.name)} · '
        f"{counted(len(report.truth.images), 'image')}, {counted(report.objects, 'object')} in "
        f"{counted(len(report.truth.names), 'category', 'categories')}, "
        f"{counted(len(report.rows), 'detection')}</p>{notes}"
        f'<div class="heads">{cells}</div><p class="dim">Precision and recall at the score with '
        f"the highest F1, {report.mistakes.score:.2f}, and IoU 0.50.</p></header>"
    )


def _head_keys() -> tuple[str, ...]:
    return ("AP", "AP50", "AP75")


def _curves(report: Report) -> str:
    charts = "".join(
        f"<div><h3>{LABELS[kind].capitalize()}</h3>"
        f"{curve_chart(report.scored.precision[kind], LABELS[kind])}</div>"
        for kind in _kinds(report)
    )
    keys = "".join(
        f'<li><svg viewBox="0 0 24 8"><path class="curve {style}" d="M0,4H24"/></svg>{name}</li>'
        for name, style in CURVES
    )
    return (
        "<section><h2>Precision over recall</h2>"
        '<p class="dim">How many detections are right while more and more objects are found, '
        f'averaged over the categories.</p><div class="charts">{charts}</div>'
        f'<ul class="keys">{keys}</ul></section>'
    )


def _figures(report: Report) -> str:
    kinds = _kinds(report)
    names = list(next(iter(kinds.values())))
    rows = (
        _cells(LABELS[kind].capitalize(), (number(table[name]) for name in names))
        for kind, table in kinds.items()
    )
    return (
        f'<section><h2>Figures</h2><div class="scroll">{_table(["", *names], rows)}</div></section>'
    )


def _categories(report: Report) -> str:
    truth = report.truth
    if not truth.names:
        return "<section><h2>Categories</h2><p>The ground truth has no categories.</p></section>"
    kinds = _kinds(report)
    main = next(iter(kinds))
    table = report.scored.evaluation.per_category[main]
    boxes = report.scored.evaluation.per_category["bbox"]
    objects = Counter(
        truth.names[row["category_id"] - 1] for row in truth.rows if not row["iscrowd"]
    )
    known = sorted((name for name in truth.names if objects[name]), key=lambda n: table[n]["AP"])
    last = list(table[known[0]])[-1] if known else "AR"
    rows = (
        _cells(
            escape(name),
            (
                f"{objects[name]:,}",
                number(table[name]["AP"]) + _bar(table[name]["AP"]),
                *(number(table[name][key]) for key in ("AP50", "AP75", last)),
                number(boxes[name]["AP"]),
            ),
            name,
        )
        for name in known
    )
    head = ["category", "objects", f"AP of {LABELS[main]}", "AP50", "AP75", last, "AP of boxes"]
    unseen = [name for name in truth.names if not objects[name]]
    without = (
        f'<details><summary class="dim">{counted(len(unseen), "category", "categories")} without '
        f"objects in the ground truth</summary><p>{escape(', '.join(unseen))}</p></details>"
        if unseen
        else ""
    )
    listed = f'<div class="tall">{_table(head, rows)}</div>' if known else ""
    return (
        '<section><h2>Categories</h2><p class="dim">The weakest first.</p>'
        f"{listed}{without}</section>"
    )


def _mistakes(report: Report, crops: Crops) -> str:
    mistakes = report.mistakes
    counts = {kind: len(entries) for kind, entries in mistakes.of_kind.items()}
    shares = [
        ("right", "right", mistakes.right),
        ("poor", "poor mask", counts["poor mask"]),
        ("wrong", "wrong category", counts["wrong category"]),
        ("missed", "missed", counts["missed"]),
    ]
    bar = "".join(f'<i class="{style}" style="flex:{n}"></i>' for style, _, n in shares if n)
    keys = "".join(f'<li><i class="{style}"></i>{n:,} {name}</li>' for style, name, n in shares)
    keys += f'<li><i class="spurious"></i>{counts["spurious"]:,} spurious, beside them</li>'
    groups = "".join(
        _group(kind, entries, report, crops) for kind, entries in mistakes.of_kind.items()
    )
    return (
        '<section><h2>What became of the objects</h2><p class="dim">Detections from score '
        f"{mistakes.score:.2f} on, matched at IoU 0.50; crowd regions count neither way.</p>"
        f'<div class="share">{bar}</div><ul class="keys">{keys}</ul></section>'
        "<section><h2>The worst mistakes</h2>"
        '<ul class="keys"><li><svg viewBox="0 0 24 8"><path class="truth" d="M0,4H24"/></svg>'
        'ground truth</li><li><svg viewBox="0 0 24 8"><path class="found" d="M0,4H24"/></svg>'
        f"detection</li></ul>{_blank(crops)}{groups}</section>"
    )


def _blank(crops: Crops) -> str:
    """Say why pictures show outlines only."""
    if not crops.without:
        return ""
    return (
        f'<p class="note">{crops.without} of {crops.asked} pictures are without their image: it '
        "was not found, or has another size; name its folder with --images.</p>"
    )


def _group(kind: str, entries: Sequence[Mistake], report: Report, crops: Crops) -> str:
    if not entries:
        return f'<div class="kind"><h3>{kind.capitalize()}</h3><p class="dim">None.</p></div>'
    shown = chosen(entries)
    figures = "".join(
        f"<figure>{crops.picture(entry)}<figcaption>{_caption(entry, report)}</figcaption></figure>"
        for entry in shown
    )
    of = f"{len(shown)} of {len(entries):,}" if len(shown) < len(entries) else f"{len(entries)}"
    return (
        f'<div class="kind"><h3>{kind.capitalize()} <span class="dim">{of}</span></h3>'
        f'<p class="dim">{_EXPLAINED[kind]}</p><div class="crops">{figures}</div></div>'
    )


def _caption(mistake: Mistake, report: Report) -> str:
    rows = [row for row in (mistake.truth, mistake.found) if row is not None]
    names = [report.truth.names[row["category_id"] - 1] for row in rows]
    said = " → ".join(dict.fromkeys(names))
    facts = []
    if mistake.found is not None:
        facts.append(f"score {mistake.found['score']:.2f}")
    if mistake.iou:
        facts.append(f"overlap {mistake.iou:.2f}")
    if mistake.found is None:
        facts.append(f"{rows[0]['area']:,.0f} px")
    image = report.truth.images[rows[0]["image_id"] - 1]
    where = image.file_name or f"image {image.id}"
    lines = ((said, said, ""), (", ".join(facts), "", "dim"), (_short(where), where, "dim"))
    return "".join(
        f'<span class="{style}" title="{escape(full)}">{escape(text)}</span>'
        for text, full, style in lines
    )


def _short(name: str) -> str:
    """Return a file's name, its middle left out where it is long: the ends tell files apart."""
    base = name.replace("\\", "/").rpartition("/")[2]
    return base if len(base) <= 24 else f"{base[:8]}…{base[-15:]}"


def _foot(report: Report) -> str:
    last = list(report.scored.evaluation.bbox)[-1].removeprefix("AR")
    boundary = (
        " Mask boundaries: the lower of mask IoU and the IoU of bands as wide as 2 % of the "
        "image’s diagonal (Cheng et al. 2021)."
        if report.scored.evaluation.boundary
        else ""
    )
    return (
        "<footer><p>COCO’s rules. AP is the mean over IoU 0.50, 0.55 … 0.95 and the categories; "
        "S, M and L are objects up to 32², up to 96² and above, in pixels of area; AR is the "
        f"recall at so many detections an image and category, at most {last}. All images of the "
        f"ground truth count; crowd regions are ignored. A dash: nothing to measure.{boundary}</p>"
        "</footer>"
    )


def _table(head: Sequence[str], rows: Iterable[str]) -> str:
    cells = "".join(f'<th scope="col">{name}</th>' for name in head)
    return f"<table><thead><tr>{cells}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _cells(name: str, values: Iterable[str], title: str = "") -> str:
    hint = f' title="{escape(title)}"' if title else ""
    cells = "".join(f"<td>{value}</td>" for value in values)
    return f'<tr><th scope="row"{hint}>{name}</th>{cells}</tr>'


def _bar(value: float) -> str:
    return f'<span class="bar"><i style="width:{100 * max(value, 0):.1f}%"></i></span>'
