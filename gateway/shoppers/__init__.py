"""Who: consent, identities, profiles, journey and everything that is owed to the people behind them."""
