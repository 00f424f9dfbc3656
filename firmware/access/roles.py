"""Who is who on a terminal. Imports nothing."""

SUPERVISOR = b"00"  # approves, looks after the operators; enters no change
ADMINISTRATOR = b"99"  # network and host; no bindings
