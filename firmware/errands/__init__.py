"""One module per errand a person runs. Each has `async run(desk)`; see firmware.terminal for the
desk.
"""
