"""The scorer is run by path, so its modules stand beside it; tests find them the same way."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
