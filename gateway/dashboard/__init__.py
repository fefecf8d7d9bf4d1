"""The local web page and the HTTP API: the one door for FastAPI, and nothing of the domain's own rules."""
