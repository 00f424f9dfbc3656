"""Makes what goes onto the device: compiled modules, font and texts, as one file-system root.

What always holds: the result depends on the sources alone; a file is remade only when what it is
made from changed; files appear whole; only files that the build made are ever removed.
Of the device it imports only `firmware.ui.text`, which defines the format of the texts.
"""
