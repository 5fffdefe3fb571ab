"""Errors that a person can cause or must hear of."""

import re

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


class UserError(Exception):
    """One sentence for the person: what happened, where (file, annotation id), what to do.

    The text is shown as it is, in the window and on the command line; a traceback goes to the
    log only. Raise a subclass where a caller must tell cases apart. Line breaks and control
    characters, which names in files may hold, become spaces.
    """

    def __init__(self, sentence: str = "") -> None:
        super().__init__(_CONTROL.sub(" ", sentence))


class Failure(UserError):
    """What was asked for is sound, but this machine could not do it: disk full, network down."""


class Cancelled(Exception):
    """A long piece of work stopped because it was asked to, between two of its stages."""
