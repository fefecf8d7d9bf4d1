"""Booting whole Debians takes minutes and root: it runs only when this folder is asked for by name (`make test-install`)."""

from __future__ import annotations

from pathlib import Path

import pytest


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave this folder out unless it is named on the command line."""
    asked = [Path(argument.split("::")[0]).resolve() for argument in config.invocation_params.args if not argument.startswith("-")]
    here = Path(__file__).parent.resolve()
    return None if any(path == here or here in path.parents for path in asked) else True
