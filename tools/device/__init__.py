"""A real board on the desk: copies the build onto it and changes its partition table.

What always holds: a board is asked what it is before anything on it is changed; files are complete
and verified on the board before the first of the old ones is replaced; an interrupted run is
finished by the next. Speaks to the board through mpremote's transport. May import tools.build and
tools.toolchain.
"""
