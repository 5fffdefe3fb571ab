"""Measurements of MaskGUI beside a peer, each in one run; see README.md."""
