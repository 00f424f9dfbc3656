"""One module per errand a person runs, and the parts that errands share. An errand has
`run(desk)`, to be awaited; see firmware.desk.
"""
