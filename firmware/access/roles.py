"""Who is who on a terminal. Imports nothing."""

SUPERVISOR = b"00"
FIRST = (SUPERVISOR, b"01")  # whom a terminal begins with
