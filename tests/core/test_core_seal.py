"""A command knows its own work again, as long as nobody changed it."""

import json
from pathlib import Path

import pytest

from maskgui.core.seal import (
    PIECE,
    Standing,
    author_of,
    require_own,
    require_place,
    write_sealed_html,
    write_sealed_json,
)

CONTENT = json.dumps({"images": [{"file_name": "ä.png"}], "annotations": []}).encode()


def sealed(path: Path, content: bytes = CONTENT, author: str = "segment") -> Path:
    write_sealed_json(path, content, author)
    return path


def test_a_sealed_file_is_still_json_with_one_member_more(tmp_path: Path) -> None:
    found = json.loads(sealed(tmp_path / "a.json").read_bytes())
    assert found.pop("maskgui")["written_by"] == "segment"
    assert found == json.loads(CONTENT)


def test_a_sealed_page_ends_in_a_comment(tmp_path: Path) -> None:
    write_sealed_html(tmp_path / "a.html", b"<p>1</p>\n", "evaluate")
    assert (tmp_path / "a.html").read_bytes().startswith(b"<p>1</p>\n<!-- ")
    assert author_of(tmp_path / "a.html") == "evaluate"


@pytest.mark.parametrize("size", [1, 500, 2000, PIECE, 3 * PIECE + 17])
def test_files_of_any_size_are_known_again_and_every_change_is_seen(
    tmp_path: Path, size: int
) -> None:
    path = sealed(tmp_path / "a.json", b'{"a": "' + b"x" * size + b'"}', "export of 3f")
    assert author_of(path) == "export of 3f"
    whole = path.read_bytes()
    for at in {7, 7 + size // 2, len(whole) - 80, len(whole) - 10}:
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert author_of(path) is None
    for changed in (whole + b" ", whole[1:], whole[:-1], b"", b"{}"):
        path.write_bytes(changed)
        assert author_of(path) is None


def test_only_the_own_work_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    assert require_own(path, ["segment"], "its own") is None
    sealed(path)
    assert require_own(path, ["segment"], "its own") == "segment"
    with pytest.raises(Standing, match="is there already and is not its own"):
        require_own(path, ["export"], "its own")
    edited = json.loads(path.read_bytes())
    edited["annotations"].append({"id": 1})
    path.write_text(json.dumps(edited), "utf-8")
    with pytest.raises(Standing, match="--overwrite"):
        require_own(path, ["segment"], "its own")
    path.write_text("[1, 2]", "utf-8")
    with pytest.raises(Standing):
        require_own(path, ["segment"], "its own")


@pytest.mark.parametrize("write", [write_sealed_json, write_sealed_html])
def test_writing_looks_again_whose_work_it_replaces(tmp_path: Path, write) -> None:
    path = tmp_path / "a"
    require_place(path, "segment", overwrite=False)
    write(path, CONTENT, "segment")
    write(path, CONTENT, "segment")
    path.write_bytes(b"corrected meanwhile")
    with pytest.raises(Standing):
        write(path, CONTENT, "segment")
    assert path.read_bytes() == b"corrected meanwhile"
    assert list(tmp_path.iterdir()) == [path]
    write(path, CONTENT, "segment", overwrite=True)
    assert author_of(path) == "segment"


def test_an_empty_file_that_reserves_a_name_may_be_written(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.touch()
    assert require_own(path, ["segment"], "its own") is None
