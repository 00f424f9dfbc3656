"""What survives power loss: the journal on raw flash and the state kept in it."""
