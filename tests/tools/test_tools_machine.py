"""All tools in one hand: any order of pointer, wheel, keys, tools, commands, late image work, undo.

Whatever happens, the document is valid, Esc leads back to idle with nothing changed, and undoing
everything gives the start.
"""

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from maskgui.core.shape import Polygon
from maskgui.tools.commands import COMMANDS
from maskgui.tools.toolbox import TOOLS
from tests.tools.toolkit import HEIGHT, WIDTH, Bench, assert_sound, instance, square

places = st.tuples(st.integers(-8, 108), st.integers(-8, 88)).map(
    lambda p: (p[0] * 1.0, p[1] * 1.0)
)
modifiers = st.sampled_from(["", "", "", "shift", "ctrl", "alt", "alt shift"])
keys = st.sampled_from(
    ["enter", "n", "backspace", "delete", "tab", "backtab", "left", "down", "[", "]"]
)
scales = st.sampled_from([0.25, 1.0, 1.0, 4.0])


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


Hands.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestHands = Hands.TestCase
