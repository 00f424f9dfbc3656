"""What a person sees and presses: glyphs, words, canvas, and pages that an errand awaits.

Knows a panel (a FrameBuffer with `flush`) and a keypad (with `key` and `get`), both given through
constructors; nothing of the business and nothing of the hardware.
"""
