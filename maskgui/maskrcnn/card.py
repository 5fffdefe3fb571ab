"""A model's card: what its weights are, written as TOML beside them."""

import msgspec

from maskgui.maskrcnn.config import Config


class Card(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything a person or the program must know about a weights file of the same stem.

    `categories` are the network's 1..K in order; `category_ids` the ids they had in the data set
    that the model was trained on. `figures` are AP as fractions, measured as `measured_on` says.
    """

    name: str
    title: str
    config: Config
    categories: tuple[str, ...]
    sha256: str = ""
    category_ids: tuple[int, ...] = ()
    score_threshold: float = 0.5
    figures: dict[str, float] = {}
    measured_on: str = ""
    data: str = ""
    licence: str = ""
    generator: str = ""
    command: str = ""
    parameters: int = 0
