from __future__ import annotations

import subprocess
import sys

COUNT = """
import gateway
import os
import numpy as np
many = np.ones((600, 600))
many @ many
print(len(os.listdir("/proc/self/task")))
"""


def test_whatever_imports_the_gateway_before_numpy_computes_in_one_thread() -> None:
    counted = subprocess.run([sys.executable, "-c", COUNT], capture_output=True, text=True, check=True, timeout=60)
    assert counted.stdout.strip() == "1"
