"""The window: everything of Qt lives here, and nothing of torch."""
