"""The terminal's firmware: it knows the business, never the hardware."""
