"""Gets what the project needs and pip cannot install into `.toolchain/`.

- `.toolchain/bin/micropython`: the interpreter the simulator and the on-device tests run on,
  `.toolchain/micropython.json`: what it is (`version`, `bits`, `mpy_arch`, `command`);
- `.toolchain/lib/ssd1306.py`: the OLED driver of micropython-lib;
- `.toolchain/fonts/wenquanyi_9pt.pcf`: the 12 px Chinese bitmap font;
- `.toolchain/bin/micropython-clock`: the interpreter at the time that a file says, where that can
  be had.

What always holds: nothing is installed on the machine and no root is needed; every download is
checked against a signature or a pinned digest; a part is wholly there or absent, so an interrupted
run is completed by the next; one run works at a time. `python -m tools.toolchain` does it all and
returns at once when nothing is missing.

Imports the standard library and, to download the driver, pypi-simple.
"""

from pathlib import Path

HOME = Path(__file__).resolve().parents[2] / ".toolchain"
"""Where the parts are kept: `.toolchain` at the top of the repository."""
