"""The first entry of a file that has another form, told by key, place and what is allowed."""

from typing import Annotated, Any, Literal

import msgspec
import pytest

from maskgui.core.errors import Failure, UserError
from maskgui.core.forms import first_fault


class Inner(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    steps: Annotated[int, msgspec.Meta(gt=0)] = 1
    share: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.5
    flip: bool = True
    kind: Literal["slim", "resnet18"] = "slim"
    widths: tuple[int, int] = (1, 2)


class Outer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    train: Inner = Inner()
    rows: list[Inner] = []
    names: dict[str, str | None] = {}
    mask: list[list[float]] | dict[str, int] | None = None


def test_a_sentence_stays_on_one_line_whatever_a_file_names() -> None:
    assert str(UserError("“a\nb\x1b[2J\u2028c” is bad.")) == "“a b [2J c” is bad."
    assert isinstance(Failure("x"), UserError)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"name": "a", "train": {"share": 1}, "rows": [{}], "names": {"b": None}}, ""),
        ({"name": "a", "train": {"widths": (1, 2)}}, ""),
        ({}, "the file has no “name”"),
        ([], "the file must be keys with values, not a list of 0"),
        ({"name": 3}, "“name” must be text, not 3"),
        ({"nam": "a"}, "the file takes no “nam” (did you mean “name”?)"),
        ({"steps": 3}, "the file takes no “steps”; it belongs in [train]"),
        ({"train": {"stepz": 3}}, "[train] takes no “stepz” (did you mean “steps”?)"),
        ({"train": {"x": 3}}, "[train] takes no “x”; it takes steps, share, flip, kind, widths"),
        ({"train": {"steps": 0}}, "“steps” in [train] must be a whole number above 0, not 0"),
        ({"train": {"steps": True}}, "“steps” in [train] must be a whole number above 0, not true"),
        ({"train": {"share": 2}}, "“share” in [train] must be a number from 0 to 1, not 2"),
        ({"train": {"flip": 1}}, "“flip” in [train] must be true or false, not 1"),
        (
            {"train": {"kind": "resnet19"}},
            '“kind” in [train] must be one of "resnet18", "slim", not "resnet19" '
            '(did you mean "resnet18"?)',
        ),
        (
            {"train": {"widths": [1]}},
            "“widths” in [train] must be a list of 2, each a whole number, not a list of 1",
        ),
        (
            {"train": {"widths": [1, "b"]}},
            'entry 2 of “widths” in [train] must be a whole number, not "b"',
        ),
        ({"rows": [{}, {"z": 1, "flip": 1}]}, "entry 2 of “rows” takes no “z”; it takes"),
        ({"mask": [[1, "x"]]}, 'entry 2 of entry 1 of “mask” must be a number, not "x"'),
        ({"mask": {"a": "x"}}, '“a” in [mask] must be a whole number, not "x"'),
        ({"name": "a", "names": {"b": 3}}, "“b” in [names] must be text or null, not 3"),
    ],
)
def test_the_first_fault_is_told(content: Any, said: str) -> None:
    fault = first_fault(content, Outer)
    assert fault == said or (said.endswith("takes") and fault.startswith(said))
    try:
        msgspec.convert(content, Outer)
    except msgspec.ValidationError:
        assert fault
    else:
        assert not fault
