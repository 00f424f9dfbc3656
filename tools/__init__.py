"""Everything that runs on the host: the simulator, the acquirer, the build and their own tools.

Tools may import `firmware` and `drivers`; nothing on the device imports tools.
"""
