"""The local web page and the HTTP API: the one door for FastAPI, and nothing of the domain's own rules."""


class DashboardError(Exception):
    """The dashboard can't be served; `str()` is one line: what, where, and what to do."""
