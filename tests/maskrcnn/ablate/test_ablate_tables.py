"""The paper's tables are whole, say what mask-rcnn.md says, and every row can be built."""

import msgspec
import pytest

from maskgui.core.errors import UserError
from maskgui.maskrcnn.ablate.plan import recipe_key
from maskgui.maskrcnn.ablate.tables import NETWORKS, TABLES, chosen_tables, recipe_of
from maskgui.maskrcnn.config import Recipe, check, read_toml
from maskgui.paths import models_dir
from tests.maskrcnn.ablate.fakes import PLAN

CONFIGS = models_dir() / "configs"
BASES = sorted(CONFIGS.glob("ablation-*.toml"))


@pytest.mark.parametrize("size", ["small", "paper"])
@pytest.mark.parametrize("base", BASES, ids=lambda path: path.stem)
def test_every_row_goes_together(base, size) -> None:
    recipe = read_toml(base, Recipe)
    for table in TABLES.values():
        trained = [recipe_of(row, size, recipe, 11) for row in table.rows]
        for found in filter(None, trained):
            check(found.model)
            assert found.train == recipe.train
            assert found.model.categories == 11
        assert sum(found is not None for found in trained) >= 2


def test_the_papers_own_networks_are_all_there() -> None:
    assert all(network.paper for name, network in NETWORKS.items() if name != "slim-FPN")


def test_figures_are_the_papers() -> None:
    told = {(table, row.name): row.figures for table, whole in TABLES.items() for row in whole.rows}
    assert told["backbone", "X101-FPN"] == (36.7, 59.5, 38.9)
    assert told["backbone", "R50-FPN"] == told["head", "FCN"]
    assert (
        told["backbone", "R50-C4"]
        == told["masks", "sigmoid"]
        == told["roi-c4", "RoIAlign, ave"]
        == told["agnostic", "class-specific"]
    )
    assert told["roi-c5", "RoIPool"] == (23.6, 46.5, 21.6)


def test_pairs_are_in_the_papers_order() -> None:
    for table in TABLES.values():
        figures = {row.name: row.figures[0] for row in table.rows}
        for better, worse in table.pairs:
            above, below = figures[better], figures[worse]
            assert above is not None
            assert below is None or above > below


def test_rows_that_train_the_same_share_their_key() -> None:
    keys = {
        (table, row.name): recipe_key(PLAN, row)
        for table, whole in TABLES.items()
        for row in whole.rows
    }
    assert keys["backbone", "R50-C4"] == keys["roi-c4", "RoIAlign, ave"] == keys["masks", "sigmoid"]
    assert keys["backbone", "R50-FPN"] == keys["head", "FCN"] == keys["multitask", "Mask R-CNN"]
    assert keys["backbone", "R101-C4"] is None
    assert len(set(keys.values()) - {None}) == 16


def test_the_key_follows_what_decides_the_figures() -> None:
    row = TABLES["masks"].rows[0]
    others = [
        msgspec.structs.replace(PLAN, base=Recipe()),
        msgspec.structs.replace(PLAN, val_images=5),
        msgspec.structs.replace(PLAN, size="paper"),
    ]
    assert recipe_key(PLAN, row) not in {recipe_key(plan, row) for plan in others}
    renamed = msgspec.structs.replace(PLAN, command="another", seeds=5)
    assert recipe_key(PLAN, row) == recipe_key(renamed, row)


def test_an_unknown_table_is_named() -> None:
    with pytest.raises(UserError, match="no table “rpn”; choose backbone"):
        chosen_tables("rpn")
