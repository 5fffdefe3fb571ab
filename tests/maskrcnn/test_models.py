"""The catalogue: shipped, published and own models, and files that must not be believed."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
import torch
from torchvision.models import get_weight

from maskgui.core.errors import Failure, UserError
from maskgui.maskrcnn import load, models
from maskgui.maskrcnn.builder import build
from maskgui.maskrcnn.card import Card
from maskgui.maskrcnn.checkpoint import save_model
from maskgui.maskrcnn.config import COCO_V2, Config
from maskgui.maskrcnn.foreign import coco_categories
from maskgui.maskrcnn.models import (
    PUBLISHED,
    Origin,
    Published,
    add_model,
    fetch_model,
    find_model,
    list_models,
    model_id,
    usable_categories,
)

TINY = Config(categories=2, min_side=64, max_side=96)


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Caches, the person's models and the shipped ones of this test alone."""
    monkeypatch.setenv("MASKGUI_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(models, "own_dir", lambda: tmp_path / "own")
    monkeypatch.setattr(models, "models_dir", lambda: tmp_path / "shipped")


def ship(tmp_path: Path, name: str = "parts") -> Path:
    path = tmp_path / "shipped" / f"{name}.safetensors"
    save_model(path, build(TINY), Card(name, "Machine parts", TINY, ("nut", "bolt")))
    return path


def test_the_list_and_its_names(tmp_path: Path) -> None:
    ship(tmp_path)
    found = {model.name: model for model in list_models()}
    assert list(found) == ["parts", "coco-v1", "coco-v2"]
    assert found["parts"].title == "Machine parts"
    assert [model.state for model in found.values()] == ["shipped", "to fetch", "to fetch"]
    assert found["coco-v1"].to_dict()["ready"] is False
    assert "nut" in found["parts"].card_text()
    assert found["coco-v2"].card().config == COCO_V2


def test_listing_imports_no_torch() -> None:
    code = (
        "import sys; from maskgui.maskrcnn.models import *; list_models();"
        "from maskgui.assist import segment, jobs; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_shipped_model_loads_and_knows_its_id(tmp_path: Path) -> None:
    path = ship(tmp_path)
    model = find_model("parts")
    module, card = model.load()
    assert not module.training
    assert card.categories == ("nut", "bolt")
    assert model.model_id == model_id(card) == f"parts {card.sha256[:12]}"
    assert find_model(str(path)).load()[1] == card
    assert find_model(str(path.with_suffix(".toml"))).load()[1] == card


def test_an_unknown_name_names_what_there_is() -> None:
    with pytest.raises(UserError, match="no model or file “coco”; choose coco-v1, coco-v2"):
        find_model("coco")


def test_the_published_files_are_torchvisions() -> None:
    for published in PUBLISHED.values():
        assert get_weight(published.weights).url.endswith("/" + published.file)
    names = coco_categories()
    assert len(names) == 90
    assert names.count("N/A") == 10
    assert (names[0], names[89]) == ("person", "toothbrush")


def small_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let coco-v1 be a small network; return its weights file, named after its sha256."""
    config = msgspec.structs.replace(TINY, categories=90)
    torch.manual_seed(0)
    torch.save(build(config).state_dict(), tmp_path / "weights")
    digest = hashlib.sha256((tmp_path / "weights").read_bytes()).hexdigest()
    file = (tmp_path / "weights").rename(tmp_path / f"net-{digest[:8]}.pth")
    changed = Published(file.name, PUBLISHED["coco-v1"].weights, "Small", config, {})
    monkeypatch.setitem(PUBLISHED, "coco-v1", changed)
    return file


def test_a_dropped_in_file_is_checked_and_used_offline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = small_published(tmp_path, monkeypatch)
    target = find_model("coco-v1").path
    assert target.parent == tmp_path / "cache" / "models"
    target.parent.mkdir(parents=True)
    shutil.copy(file, target)
    model = find_model("coco-v1")
    assert model.state == "fetched"
    assert fetch_model("coco-v1") == target
    _, card = model.load()
    assert card.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert model.model_id == model_id(card)
    assert usable_categories(card.categories)[:2] == ("person", "bicycle")
    assert len(usable_categories(card.categories)) == 80


def test_a_damaged_dropped_in_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = small_published(tmp_path, monkeypatch)
    target = find_model("coco-v1").path
    target.parent.mkdir(parents=True)
    target.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(Failure, match="damaged or another file"):
        find_model("coco-v1").load()


def test_own_weights_with_a_card(tmp_path: Path) -> None:
    torch.manual_seed(0)
    module = build(TINY)
    torch.save(module.state_dict(), tmp_path / "mine.pth")
    slim = '[config]\nbackbone = "slim"\nmin_side = 64\nmax_side = 96\n'
    (tmp_path / "mine.toml").write_text(slim)
    loaded, card = find_model(str(tmp_path / "mine.pth")).load()
    assert card.config == TINY
    assert card.categories == ("category 1", "category 2")
    name, tensor = next(iter(module.state_dict().items()))
    assert torch.equal(loaded.state_dict()[name], tensor)

    (tmp_path / "mine.toml").write_text(f'categories = ["cat", "dog"]\ntitle = "Pets"\n{slim}')
    with pytest.raises(UserError, match=r"has no card yet; `models add` makes one"):
        find_model(str(tmp_path / "mine.pth")).card_text()
    added = add_model(tmp_path / "mine.pth")
    assert (added.name, added.title, added.origin) == ("mine", "Pets", Origin.OWN)
    assert added.description == "Pets: slim-FPN, RoIAlign, 2 categories"
    assert added.card_text().startswith("# slim-FPN, RoIAlign, 2 categories\nname =")
    assert [model.name for model in list_models()][-1] == "mine"
    assert find_model("mine").load()[1].categories == ("cat", "dog")

    (tmp_path / "mine.toml").write_text(f'categories = ["cat"]\n{slim}')
    with pytest.raises(UserError, match=r"names 1 categories, but “mine\.pth” has 2"):
        find_model(str(tmp_path / "mine.pth")).load()
    (tmp_path / "mine.toml").write_text('[config]\nbackbone = "vgg"\n')
    with pytest.raises(UserError, match=r"mine\.toml cannot be used: .*vgg.*mend that entry"):
        find_model(str(tmp_path / "mine.pth")).load()


def test_safetensors_without_a_full_card_are_a_state_dict(tmp_path: Path) -> None:
    save_model(tmp_path / "net", build(TINY), Card("net", "Net", TINY, ("a", "b")), half=False)
    (tmp_path / "net.toml").write_text(
        '[config]\nbackbone = "slim"\nmin_side = 64\nmax_side = 96\n'
    )
    assert load(tmp_path / "net.safetensors")[1].config == TINY
    (tmp_path / "net.toml").unlink()
    with pytest.raises(UserError, match=r"put the card .* beside it as net\.toml"):
        load(tmp_path / "net.safetensors")


def test_adding_a_file_that_is_not_there_needs_no_torch(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from maskgui.core.errors import UserError\n"
        "from maskgui.maskrcnn import load, models\n"
        "from pathlib import Path\n"
        "for use in (lambda: models.add_model(Path('nosuch.pth')), lambda: load('nosuch.pth')):\n"
        "    try: use()\n"
        "    except UserError: pass\n"
        "sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=False, env=_env())
    assert done.returncode == 0


def _env() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}


def test_a_name_that_ships_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ship(tmp_path).parent, tmp_path / "elsewhere")
    with pytest.raises(UserError, match="name of a model that ships"):
        add_model(tmp_path / "elsewhere" / "parts.safetensors")
