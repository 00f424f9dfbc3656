"""The board as software: the terminal's firmware on a real MicroPython, its chips as models."""
