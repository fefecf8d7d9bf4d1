"""The ledger of promises: what was decided becomes a promise, and a promise is kept."""
