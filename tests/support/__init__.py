"""What tests of several rooms share: clocks to set, books to bend, a shop to run. Typed, imported by name; no tests."""
