"""Any sequence of pointer and key events: Esc is a way back, and what is left is always sound."""

from hypothesis import given, settings
from hypothesis import strategies as st

from maskgui.core.shape import Polygon
from maskgui.tools.toolbox import TOOLS
from tests.tools.toolkit import Bench, assert_sound, instance, square

coordinates = st.integers(-3, 27).map(lambda n: n * 4.0)
modifiers = st.sampled_from(["", "", "", "shift", "ctrl", "alt", "alt shift"])
mouse = st.tuples(
    st.sampled_from(["press", "move", "move", "release", "double"]),
    coordinates,
    coordinates,
    modifiers,
)
NAMES = [
    "enter",
    "n",
    "backspace",
    "delete",
    "tab",
    "backtab",
    "left",
    "right",
    "up",
    "down",
    "escape",
    "z",
    "[",
    "]",
    "release-left",
    "release-up",
]
keys = st.tuples(st.just("key"), st.sampled_from(NAMES), modifiers)
events = st.lists(st.one_of(mouse, mouse, mouse, keys), max_size=40)


def bench_with(tool: str, seed: int) -> Bench:
    bench = Bench(
        instance(1, Polygon(square(12, 12, 40), [square(20, 20, 16)])),
        instance(2, Polygon(square(60, 8, 20)), Polygon([(60, 40), (80, 40), (72, 72)])),
        instance(3, Polygon(square(28, 28, 8))),
        tool=tool,
    )
    bench.move_freely = bool(seed & 1)
    bench.draw_category = 7 if seed & 2 else None
    bench.selection = frozenset({1, 2}) if seed & 4 else frozenset()
    return bench


def play(bench: Bench, event) -> None:
    if event[0] == "key":
        _, name, held = event
        if name.startswith("release-"):
            bench.key_up(name.removeprefix("release-"))
        else:
            bench.key(name, held)
    else:
        kind, x, y, held = event
        if kind == "double":
            bench.press(x, y, held, clicks=2)
        else:
            getattr(bench, kind)(x, y, held)


@settings(max_examples=300)
@given(st.sampled_from(sorted(TOOLS)), st.integers(0, 7), events)
def test_escape_is_a_way_back_and_nothing_unsound_is_left(tool, seed, sequence):
    bench = bench_with(tool, seed)
    start = bench.state()
    for event in sequence:
        before, done = bench.state(), len(bench.edits)
        play(bench, event)
        if len(bench.edits) == done:
            assert bench.state() == before
        assert len(bench.edits) <= done + 1
    for one in bench.instances():
        assert_sound(one.shape)
    before, done = bench.state(), len(bench.edits)
    if bench.tool.busy:
        bench.key("escape")
    assert not bench.tool.busy
    assert bench.state() == before
    assert len(bench.edits) == done
    for edit in reversed(bench.edits):
        bench.document.apply(edit.inverse())
    assert bench.state() == start
