"""What an export may replace: its own earlier work, and nobody's labels or images."""

import json
from pathlib import Path

import pytest
from PIL import Image

from maskgui.assist.exporting import ExportOptions, export_coco
from maskgui.assist.importing import import_coco
from maskgui.assist.session import Session
from maskgui.core.errors import UserError
from maskgui.core.seal import Standing

PLAIN = ExportOptions()
COPIES = ExportOptions(copy_images=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a.png and turned.jpg, which EXIF turns."""
    folder = tmp_path / "images"
    folder.mkdir()
    Image.new("RGB", (20, 16), "red").save(folder / "a.png")
    exif = Image.Exif()
    exif[274] = 6
    Image.new("RGB", (20, 16), "blue").save(folder / "turned.jpg", exif=exif)
    return folder


@pytest.fixture
def session(folder: Path, tmp_path: Path):
    with Session.create(tmp_path / "p.maskgui", folder) as session:
        session.look_through()
        yield session


def export(session: Session, target: Path, options: ExportOptions = PLAIN):
    return export_coco(session.project, target, options)


def test_an_earlier_export_is_replaced_until_somebody_changes_it(session, tmp_path) -> None:
    out = tmp_path / "out.json"
    export(session, out)
    export(session, out)
    edited = json.loads(out.read_bytes())
    edited["annotations"] = [{"id": 1}]
    out.write_text(json.dumps(edited))
    with pytest.raises(Standing, match="is not an earlier export of this project"):
        export(session, out)
    assert json.loads(out.read_bytes()) == edited
    export(session, out, ExportOptions(overwrite=True))
    assert json.loads(out.read_bytes())["annotations"] == []


def test_the_export_of_another_project_stays(session, folder, tmp_path) -> None:
    out = tmp_path / "out"
    export(session, out)
    before = (out / "instances.json").read_bytes()
    with Session.create(tmp_path / "other.maskgui", folder) as other, pytest.raises(Standing):
        export(other, out)
    assert (out / "instances.json").read_bytes() == before


def test_the_seal_of_an_imported_export_does_not_come_along(session, folder, tmp_path) -> None:
    export(session, tmp_path / "out.json")
    with Session.create(tmp_path / "other.maskgui", folder) as other:
        import_coco(other, tmp_path / "out.json", folder)
        export(other, tmp_path / "again.json")
        export(other, tmp_path / "again.json")
    first, again = (json.loads((tmp_path / f"{n}.json").read_bytes()) for n in ("out", "again"))
    assert first.pop("maskgui") != again.pop("maskgui")
    assert first == again


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_copy_never_takes_the_place_of_its_image(session, folder, tmp_path, overwrite) -> None:
    before = {path: path.read_bytes() for path in folder.iterdir()}
    options = ExportOptions(copy_images=True, overwrite=overwrite)
    with pytest.raises(UserError, match="is an image of the project itself"):
        export(session, tmp_path / "labels.json", options)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    assert not (tmp_path / "labels.json").exists()


def test_only_copies_of_an_earlier_export_are_replaced(session, tmp_path) -> None:
    out = tmp_path / "out"
    (out / "images").mkdir(parents=True)
    (out / "images" / "a.png").write_bytes(b"of another data set")
    export(session, out)
    with pytest.raises(Standing, match=r"a\.png” is there already"):
        export(session, out, COPIES)
    assert (out / "images" / "a.png").read_bytes() == b"of another data set"
    (out / "images" / "a.png").unlink()
    assert export(session, out, COPIES).copied == 2
    assert export(session, out).copied == 0
    assert export(session, out, COPIES).copied == 2
