"""MicroPython's `micropython` module for CPython: marks stay, effects are the plain ones."""

import builtins


def const(value):
    """Return `value`: a mark for MicroPython's compiler."""
    return value


def native(function):
    """Return `function`: CPython compiles it in its own way."""
    return function


viper = native

# The types of a viper function exist everywhere in it, like builtins. An address is its buffer.
builtins.ptr8 = builtins.ptr16 = builtins.ptr32 = lambda buf: buf


def heap_lock():
    """Do nothing: allocation is only proven under MicroPython."""


def heap_unlock():
    """Do nothing, as deep as MicroPython's lock would be."""
    return 0


def schedule(function, argument):
    """Call `function` at once: there is no interrupt to leave first."""
    function(argument)


def opt_level(level=None):
    """Accept any optimisation level."""
    return 0


def mem_info(verbose=None):
    """Print nothing: CPython has another heap."""


def kbd_intr(char):
    """Accept any interrupt character."""


def alloc_emergency_exception_buf(size):
    """Reserve nothing: CPython does not need it."""
