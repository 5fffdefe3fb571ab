"""Canvas tools: one small state machine each, in image coordinates, without Qt."""
