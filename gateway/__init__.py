"""Etalage: the in-store gateway between beacons on the air and offers in the store app."""

from os import environ

__version__ = "0.1.0"

# The tracker's matrices are small: a second thread of OpenBLAS costs more in waking up than it computes, and takes the core that
# the writer and the courier need. numpy reads this when it is loaded, so whatever computes (the product, tests, benchmarks, the
# scorer) imports this package before numpy. Nowhere else is it set.
environ.setdefault("OPENBLAS_NUM_THREADS", "1")
