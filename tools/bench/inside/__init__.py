"""The parts of the measurements that run inside MicroPython, on the firmware's own modules."""
