"""Memory that ends at any call of the firmware."""
