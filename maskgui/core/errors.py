"""Errors that a person can cause or must hear of."""


class UserError(Exception):
    """One sentence for the person: what happened, where (file, annotation id), what to do.

    The text is shown as it is, in the window and on the command line; a traceback goes to the
    log only. Raise a subclass where a caller must tell cases apart.
    """


class Failure(UserError):
    """What was asked for is sound, but this machine could not do it: disk full, network down."""


class Cancelled(Exception):
    """A long piece of work stopped because it was asked to, between two of its stages."""
