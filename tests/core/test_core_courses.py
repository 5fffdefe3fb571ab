"""New courses for pieces of rings."""

import numpy as np

from maskgui.core.courses import rerouted


def test_a_course_from_vertex_to_vertex_leaves_no_vertex_twice() -> None:
    """A place on an edge's end is the vertex but for rounding; moved, both would be the same."""
    rng = np.random.default_rng(4)
    for _ in range(300):
        angles = np.sort(rng.uniform(0, 2 * np.pi, 9))
        ring = 100 + rng.uniform(20, 60, (9, 1)) * np.column_stack([np.cos(angles), np.sin(angles)])
        first, last = ring[2], ring[5]
        square_to_edge = 0.01 * (ring[3] - first)[::-1] * (1, -1)  # its foot is the vertex
        way = np.array([first + square_to_edge, (first + last) / 2 + 3, last])
        made = rerouted(ring, way)
        steps = np.hypot(*(made - np.roll(made, 1, axis=0)).T)
        assert steps.min() > 1e-6
