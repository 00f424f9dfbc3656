"""Who is who on a terminal. Imports nothing."""

SUPERVISOR = b"00"
