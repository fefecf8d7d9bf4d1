"""Promises: issued from a decision, announced, redeemed, expired. Nothing here decides what to offer."""
