"""The house's own measure counts what it says."""

from __future__ import annotations

from pathlib import Path

from tests.house import measure


def test_statements_types_imports_and_openings_are_counted_and_docstrings_are_no_statements(tmp_path: Path) -> None:
    room = tmp_path / "rules"
    room.mkdir()
    (room / "one.py").write_text(
        '"""One."""\n\nfrom typing import Any\n\n\nclass Offer:\n    """What is offered."""\n\n    worth: Any = 1\n'
    )
    (room / "two.py").write_text(
        'from rules.one import Offer as Made\n\n\nclass Offer:\n    """What is offered."""\n\n\n'
        'def find() -> None:\n    """Which one it is."""\n\n\ndef take() -> None:\n    """Take it."""\n'
    )
    house = measure(tmp_path)
    assert (house.modules, house.statements, house.any) == (2, 3 + 4, 1)
    assert house.doubles == {"Offer": {"rules.one", "rules.two"}}
    assert house.widest == ("rules.two", 1)
    assert (house.questions, house.docstrings) == (1, 2)
    assert house.aliases == ["rules.two: Offer as Made"]
