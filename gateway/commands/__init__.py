"""One module per command of `etalage`; each builds what it needs and prints for a person."""


class CommandError(Exception):
    """A command can't go on; `str()` is one line per fault: what, where, and what to do."""
