"""One module per command of `etalage`; each builds what it needs and prints for a person."""
