"""What is said of surviving mutants is read as written."""

from __future__ import annotations

import pytest

from tests.survivors import REASONS, change_in, reasons, survivors

DIFF = """--- gateway/a.py
+++ gateway/a.py
@@ -1,3 +1,3 @@
 def f():
-    return x <= 1
+    return x < 1
"""


def test_a_change_is_its_line_as_written_and_as_mutated() -> None:
    assert change_in(DIFF) == ("return x <= 1", "return x < 1")


def test_only_what_survived_is_a_survivor() -> None:
    assert survivors("    a.x_f__mutmut_1: survived\n    a.x_f__mutmut_2: timeout\n    a.x_f__mutmut_3: no tests\n") == [
        "a.x_f__mutmut_1",
        "a.x_f__mutmut_3",
    ]


def test_each_reason_is_a_line_with_both_changes() -> None:
    assert reasons("# said\nreturn x <= 1 => return x < 1 # because x is never 1\n") == {
        ("return x <= 1", "return x < 1"): "x is never 1"
    }
    assert reasons(REASONS.read_text()) is not None
    with pytest.raises(ValueError, match="not `written"):
        reasons("x => y")
