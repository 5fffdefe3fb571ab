"""Dialogs: asked for by the person, or questions where something would be lost."""
