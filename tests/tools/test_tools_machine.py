"""All tools in one hand: any order of pointer, wheel, keys, tools, commands, late image work, undo.

Whatever happens, the document is valid, Esc and the key of undo lead back to idle with nothing
changed, what a gesture is for may go and nothing comes in its place, drafts come back from a file,
and undoing everything gives the start.
"""

import msgspec
import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from maskgui.core.shape import Polygon
from maskgui.tools.base import Key, Response, Runs
from maskgui.tools.commands import COMMANDS
from maskgui.tools.commit import deleted
from maskgui.tools.picking import editable
from maskgui.tools.pointing import PointingTool
from maskgui.tools.toolbox import TOOLS, Toolbox
from maskgui.tools.tracing import TracingTool
from tests.tools.toolkit import HEIGHT, WIDTH, Bench, assert_sound, instance, square

places = st.tuples(st.integers(-8, 108), st.integers(-8, 88)).map(
    lambda p: (p[0] * 1.0, p[1] * 1.0)
)
modifiers = st.sampled_from(["", "", "", "shift", "ctrl", "alt", "alt shift"])
keys = st.sampled_from(
    ["enter", "n", "backspace", "delete", "tab", "backtab", "left", "down", "[", "]"]
)
scales = st.sampled_from([0.25, 1.0, 1.0, 4.0])


UNDO = Key("z", frozenset({"ctrl"}))


class Hands(RuleBasedStateMachine):
    """A person who does anything."""

    @initialize(selected=st.booleans(), category=st.booleans(), waits=st.booleans())
    def open_image(self, selected, category, waits):
        self.bench = Bench(
            instance(1, Polygon(square(12, 12, 40), [square(20, 20, 16)])),
            instance(2, Polygon(square(60, 8, 20)), Polygon([(60, 40), (80, 40), (72, 72)])),
            instance(3, Polygon(square(28, 28, 8))),
            instance(4, Polygon(square(52, 12, 8))),
        )
        rng = np.random.default_rng(0)
        self.bench.pixels = rng.integers(0, 255, (HEIGHT // 8, WIDTH // 4, 3), np.uint8)
        self.bench.pixels = np.kron(self.bench.pixels, np.ones((8, 4, 1), np.uint8))
        self.bench.selection = frozenset({1}) if selected else frozenset()
        self.bench.draw_category = 7 if category else None
        self.bench.waits = waits
        self.start = self.bench.state()

    @rule(name=st.sampled_from(sorted(TOOLS)))
    def take(self, name):
        self.bench.toolbox.use(name)

    @rule(at=places, held=modifiers, scale=scales, twice=st.booleans())
    def press(self, at, held, scale, twice):
        self.bench.press(*at, held, scale=scale, clicks=2 if twice else 1)

    @rule(at=places, held=modifiers, scale=scales)
    def move(self, at, held, scale):
        self.bench.move(*at, held, scale=scale)

    @rule(at=places, held=modifiers, scale=scales)
    def release(self, at, held, scale):
        self.bench.release(*at, held, scale=scale)

    @rule(points=st.lists(places, min_size=2, max_size=8), held=modifiers)
    def draw(self, points, held):
        self.bench.trace(points, held)

    @rule(name=keys, held=modifiers)
    def key(self, name, held):
        self.bench.key(name, held)

    @rule(name=st.sampled_from(["left", "down"]))
    def key_up(self, name):
        self.bench.key_up(name)

    @rule(notches=st.sampled_from([-3.0, -0.5, 1.0, 5.0]), at=places)
    def wheel(self, notches, at):
        self.bench.wheel(notches, *at)

    @rule(share=st.floats(0, 1), data=st.data())
    def set_option(self, share, data):
        options = self.bench.tool.options()
        if options:
            option = data.draw(st.sampled_from(options))
            value = option.low + share * (min(option.high, 60.0) - option.low)
            self.bench.tool.set_option(option.name, value)
            kept = {one.name: one.value for one in self.bench.tool.options()}[option.name]
            assert option.low <= kept <= option.high

    @rule(numbers=st.frozensets(st.integers(1, 4), max_size=3))
    def select(self, numbers):
        self.bench.selection = frozenset(i for i in numbers if self.bench.instance(i) is not None)

    @rule(numbers=st.frozensets(st.integers(1, 4), max_size=1))
    def lock(self, numbers):
        self.bench.locked_ids = numbers

    @precondition(lambda self: not self.bench.tool.busy)
    @rule(name=st.sampled_from(sorted(COMMANDS)))
    def command(self, name):
        self.bench.follow(COMMANDS[name](self.bench))

    @precondition(lambda self: self.bench.requests)
    @rule()
    def image_work_is_done(self):
        self.bench.work()

    @precondition(lambda self: self.bench.requests)
    @rule()
    def image_work_is_lost(self):
        self.bench.requests.pop(0)

    @precondition(lambda self: self.bench.edits)
    @rule()
    def undo(self):
        self.bench.document.apply(self.bench.edits.pop().inverse())
        self.bench.selection = frozenset(
            i for i in self.bench.selection if self.bench.instance(i) is not None
        )
        self.bench.toolbox.active.look(self.bench)

    @rule()
    def go_away_and_come_back(self):
        before = self.bench.state()
        self.bench.toolbox.enter(2)
        assert not self.bench.tool.busy
        self.bench.toolbox.enter(1)
        assert self.bench.state() == before

    @rule()
    def close_and_open_again(self):
        drafts = self.bench.toolbox.drafts
        raw = msgspec.msgpack.encode([(*key, runs) for key, runs in drafts.items()])
        rows = msgspec.msgpack.decode(raw, type=list[tuple[int, str, Runs]])
        self.bench.toolbox = Toolbox()
        self.bench.toolbox.recall({(at, name): runs for at, name, runs in rows})
        self.bench.toolbox.enter(1)
        assert self.bench.toolbox.drafts == drafts

    @rule()
    def take_back(self):
        """The key of undo, once: a step less, and the history as it was."""
        before, done, busy = self.bench.state(), len(self.bench.edits), self.bench.tool.busy
        points = sum(map(len, self.bench.tool.draft or []))
        assert self.bench.toolbox.wants(UNDO) == busy
        assert self.bench.key("z", "ctrl").handled == busy
        assert not busy or not self.bench.tool.busy or self.bench.tool.step
        assert sum(map(len, self.bench.tool.draft or [])) < points or not points
        assert self.bench.state() == before
        assert len(self.bench.edits) == done

    @rule()
    def redo_key(self):
        before, busy = self.bench.state(), self.bench.tool.busy
        assert self.bench.key("z", "ctrl shift").handled == busy
        assert self.bench.tool.busy == busy
        assert self.bench.state() == before

    @precondition(lambda self: isinstance(self.bench.tool, TracingTool | PointingTool))
    @precondition(lambda self: self.bench.tool.busy)
    @rule(at=places)
    def what_a_drag_is_for_is_deleted(self, at):
        tool, gesture = self.bench.tool, getattr(self.bench.tool, "gesture", None)
        aim = getattr(tool, "aim", None) or {one.id for one in getattr(gesture, "before", ())}
        if not aim or tool.name == "freehand":
            return
        self.bench.follow(Response(edit=deleted(editable(self.bench, aim), self.bench)))
        before = self.bench.state()
        self.bench.release(*at)
        locked = aim & self.bench.locked_ids  # these are still there, and may be unlocked again
        assert locked or self.bench.state() == before

    @rule()
    def escape(self):
        before, done = self.bench.state(), len(self.bench.edits)
        self.bench.key("escape")
        assert not self.bench.tool.busy
        assert self.bench.state() == before
        assert len(self.bench.edits) == done

    @invariant()
    def the_document_is_valid(self):
        if hasattr(self, "bench"):
            for one in self.bench.instances():
                assert_sound(one.shape)

    def teardown(self):
        if hasattr(self, "bench"):
            for edit in reversed(self.bench.edits):
                self.bench.document.apply(edit.inverse())
            assert self.bench.state() == self.start


Hands.TestCase.settings = settings(max_examples=60, stateful_step_count=40)
TestHands = Hands.TestCase
