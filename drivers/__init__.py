"""The parts on the board, one file each: the only room that knows the hardware."""
