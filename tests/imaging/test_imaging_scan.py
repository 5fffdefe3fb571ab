"""Folders: what is found, in which order, and what is passed over."""

import os
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskgui.core.files import shown_name
from maskgui.imaging import IMAGE_SUFFIXES, ImageError, files_by_name, natural_key, scan_folder


def touch(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


def test_natural_order_and_posix_paths(tmp_path: Path) -> None:
    names = ["img2.png", "img10.png", "IMG1.jpg", "b/x10.tif", "b/x9.TIFF", "a2/z.bmp", "a10/z.bmp"]
    touch(tmp_path, *names)
    assert scan_folder(tmp_path) == [
        "a2/z.bmp",
        "a10/z.bmp",
        "b/x9.TIFF",
        "b/x10.tif",
        "IMG1.jpg",
        "img2.png",
        "img10.png",
    ]
    assert scan_folder(str(tmp_path), recursive=False) == ["IMG1.jpg", "img2.png", "img10.png"]


names = st.text(st.sampled_from("aAbB0129.-_ ²٣é"), min_size=1, max_size=8)
files = st.lists(names, min_size=1, max_size=4).map("/".join)  # no file's path has an empty name


@settings(max_examples=300)
@given(files, files)
def test_the_sort_key_compares_as_texts_and_numbers_do(one: str, other: str) -> None:
    def pieces(path: str) -> tuple[object, str]:
        found = []
        for part in path.casefold().split("/"):
            split: list[str | int] = list(re.split(r"(\d+)", part))
            split[1::2] = [int(digits) for digits in split[1::2]]
            found.append(split)
        return found, path

    assert (natural_key(one) < natural_key(other)) == (pieces(one) < pieces(other))


def test_names_that_differ_in_case_or_zeros_have_one_order(tmp_path: Path) -> None:
    touch(tmp_path, "a01.png", "a1.png", "A1.png", "a001.png", "²3.png", "٣.png", "1.png", "-.png")
    first = scan_folder(tmp_path)
    assert len(first) == len(list(tmp_path.iterdir()))
    assert first == scan_folder(tmp_path)


def test_what_is_left_out(tmp_path: Path) -> None:
    touch(tmp_path, "keep.webp", ".hidden.png", "._keep.webp", ".cache/x.png", "notes.txt", "png")
    touch(tmp_path, "set.maskgui", "set.maskgui-backups/x.png", "data.json", "keep.png.part")
    (tmp_path / "folder.png").mkdir()
    touch(tmp_path, "folder.png/inner.jpg")
    assert scan_folder(tmp_path) == ["folder.png/inner.jpg", "keep.webp"]


def test_odd_names_are_found_as_they_are(tmp_path: Path) -> None:
    names = {"사진 1.png", "a#b%20c.jpg", "😀.tif", "new\nline.png", "-o.png"}
    touch(tmp_path, *names)
    assert set(scan_folder(tmp_path)) == names


@pytest.mark.skipif(os.name == "nt", reason="names are text on Windows")
def test_names_that_are_no_text_are_left_out_and_told(tmp_path: Path) -> None:
    touch(tmp_path, "good.png")
    try:
        for name in (b"bad\xff.png", b"bad\xff.txt"):
            Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_bytes(b"")
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")).mkdir()
    except OSError:
        pytest.skip("this file system takes text only")
    refused: list[str] = []
    assert scan_folder(tmp_path, on_refused=refused.append) == ["good.png"]
    assert sorted(map(shown_name, refused)) == ["bad�.png", "caf�"]


def test_a_link_to_itself_is_no_file_and_stops_nothing(tmp_path: Path) -> None:
    touch(tmp_path, "good.png")
    (tmp_path / "loop.png").symlink_to("loop.png")
    (tmp_path / "round").symlink_to("round", target_is_directory=True)
    assert scan_folder(tmp_path) == ["good.png"]
    assert list(files_by_name(tmp_path)) == ["good.png"]


def test_links_do_not_loop_and_what_is_real_lends_the_name(tmp_path: Path) -> None:
    root = tmp_path / "root"
    touch(root, "b/deep/one.png", "b/two.png")
    touch(tmp_path, "three.png", "four.jpg")
    (root / "b/deep/up").symlink_to(root, target_is_directory=True)
    (root / "a_link").symlink_to(root / "b", target_is_directory=True)
    (root / "a_link.png").symlink_to(root / "b/two.png")
    (root / "dead.png").symlink_to(root / "gone.png")
    for name in ("y.png", "x.png", "b/z.png"):
        (root / name).symlink_to(tmp_path / "three.png")
    (root / "four.jpg").symlink_to(tmp_path / "four.jpg")
    assert scan_folder(root) == ["b/deep/one.png", "b/two.png", "b/z.png", "four.jpg"]


def test_a_hard_link_is_a_file_of_its_own(tmp_path: Path) -> None:
    touch(tmp_path, "one.png")
    (tmp_path / "two.png").hardlink_to(tmp_path / "one.png")
    assert scan_folder(tmp_path) == ["one.png", "two.png"]


def test_a_linked_folder_outside_is_entered_once(tmp_path: Path) -> None:
    touch(tmp_path, "outside/x.png", "inside/y.png")
    for name in ("first", "second"):
        (tmp_path / "inside" / name).symlink_to(tmp_path / "outside", target_is_directory=True)
    found = scan_folder(tmp_path / "inside")
    assert len(found) == 2
    assert found[-1] == "y.png"


def test_what_cannot_be_scanned(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="gone"):
        scan_folder(tmp_path / "gone")
    touch(tmp_path, "file.png")
    with pytest.raises(ImageError):
        scan_folder(tmp_path / "file.png")


def test_an_unreadable_folder_inside_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path, "closed/x.png", "open/y.png")
    real = os.scandir

    def scandir(path: str) -> object:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert scan_folder(tmp_path) == ["open/y.png"]


def test_the_formats_asked_for_are_known() -> None:
    assert {".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".bmp"} <= IMAGE_SUFFIXES
