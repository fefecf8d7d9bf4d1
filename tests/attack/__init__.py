"""Attacks on a running gateway, with a backend and a scanner of their own that share no code with the product or its simulator."""
