"""Talking to the acquirer: one exchange, what its answers mean, and keeping in step with it."""
