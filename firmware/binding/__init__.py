"""The domain: what a settlement binding is, what makes it valid, how it is changed."""
