"""torchrun: each process takes its share, both end alike, the first one writes."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from maskgui.maskrcnn.train.record import read_rows

REPOSITORY = Path(__file__).resolve().parents[3]
PROGRAM = """
import hashlib, json, os, sys
from pathlib import Path
import torch
torch.set_num_threads(1)
from maskgui.maskrcnn.train import TrainOptions, engine, loader, loop, record
folder, rank = Path(sys.argv[1]), os.environ["RANK"]
places, digests, writes, reports = [], [], [], []
make_view, step = loader._view, engine.Engine.step
def spy(data, recipe, place):
    places.append([place, data.samples[loader_index(data, recipe, place)].image_id])
    return make_view(data, recipe, place)
def loader_index(data, recipe, place):
    import numpy as np
    epoch, position = divmod(place, len(data))
    order = np.random.default_rng((recipe.train.seed, 1, epoch)).permutation(len(data))
    return int(order[position])
def watch(self, *given):
    found = step(self, *given)
    values = b"".join(v.numpy().tobytes() for v in self.module.state_dict().values())
    digests.append(hashlib.sha256(values).hexdigest())
    return found
loader._view, engine.Engine.step = spy, watch
write = loop.write_state
loop.write_state = lambda path, state: (writes.append(str(path)), write(path, state))
options = TrainOptions(
    folder / "data.json", folder, folder / "recipe.toml", folder / "out/model", device="cpu"
)
loop.train(options, reports.append, on_note=writes.append)
(folder / f"rank{rank}.json").write_text(json.dumps({
    "places": places, "digests": digests, "writes": writes, "reports": len(reports),
    "validation": reports[-1].validation if reports else {},
}))
"""


def test_two_processes_share_the_images_and_agree(toy: Any) -> None:
    toy.use(steps=20, batch=2, hold_out=2, save_minutes=1e-6, validate_minutes=1e-6)
    (toy.folder / "program.py").write_text(PROGRAM)
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
    launch = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone"]
    subprocess.run(
        [sys.executable, *launch, str(toy.folder / "program.py"), str(toy.folder)],
        env=environment, cwd=REPOSITORY, check=True, timeout=300, capture_output=True,
    )  # fmt: skip
    first, second = (json.loads((toy.folder / f"rank{n}.json").read_text()) for n in (0, 1))
    assert first["digests"] == second["digests"]
    assert len(set(first["digests"])) == 20
    seen = dict(first["places"]) | dict(second["places"])
    assert not set(dict(first["places"])) & set(dict(second["places"]))
    assert sorted(seen) == list(range(80))
    images = sorted(seen[place] for place in range(6))
    assert len(set(images)) == 6
    for epoch in range(1, 13):
        assert sorted(seen[place] for place in range(epoch * 6, epoch * 6 + 6)) == images
    assert first["reports"] >= 2
    assert second["reports"] == 0
    assert second["writes"] == []
    checkpoints = [written for written in first["writes"] if written.endswith(".checkpoint")]
    assert len(checkpoints) == 2
    rows = read_rows(toy.folder / "out/model.log.csv")
    assert [row["step"] for row in rows if "total" in row] == [10, 20]
    assert [row["step"] for row in rows if "AP" in row] == [10, 20, 20]
    assert set(first["validation"]) >= {"AP", "AP50"}
    assert (toy.folder / "out/model.safetensors").is_file()
