"""Who may do what: operators, their passwords, lock-out and the session."""
