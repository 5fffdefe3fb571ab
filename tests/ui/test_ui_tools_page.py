"""docs/tools.md against the window: every tool and command with its key, options and pictures."""

import re
from pathlib import Path

import pytest
from PIL import Image

from maskgui.tools.toolbox import TOOLS
from maskgui.ui.actions import COMBINING, TABLE, TOOL_ACTIONS

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"
PAGE = (DOCS / "tools.md").read_text()
SPECS = {spec.name: spec for spec in TABLE}


def section(label: str, key: str) -> str:
    """Return what the page says under a tool's heading."""
    heading = f"### {label} · `{key}`\n"
    assert heading in PAGE
    return re.split(r"^##", PAGE.split(heading, 1)[1], maxsplit=1, flags=re.M)[0]


@pytest.mark.parametrize("action", TOOL_ACTIONS)
def test_a_tool_stands_with_its_key_its_options_and_its_pictures(action: str) -> None:
    name, spec = TOOL_ACTIONS[action], SPECS[action]
    text = section(spec.label, spec.keys[0])
    for option in TOOLS[name]().options():
        assert f"**{option.label}**" in text
    for theme in ("light", "dark"):
        picture = f"tools/{name}-{theme}.webp"
        assert picture in text
        with Image.open(DOCS / picture) as opened:
            assert opened.size == (960, 600)


@pytest.mark.parametrize("spec", COMBINING, ids=lambda spec: spec.name)
def test_a_command_stands_with_its_key(spec) -> None:
    assert f"| {spec.label} | `{spec.keys[0]}` |" in PAGE


def test_the_page_shows_no_other_picture() -> None:
    shown = set(re.findall(r'"tools/([^"]+)"', PAGE))
    assert shown == {path.name for path in (DOCS / "tools").iterdir()}
