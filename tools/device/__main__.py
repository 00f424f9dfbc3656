"""Command line: `python -m tools.device flash|provision --port PORT`."""

import argparse
import sys
from pathlib import Path

from tools.build.tree import BuildError
from tools.device import provision
from tools.device.flash import flash
from tools.device.link import DeviceError

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.device", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    copy = commands.add_parser("flash", help="copy the build onto a board")
    copy.add_argument("--port", required=True, help="a serial device, or socket://host:port")
    copy.add_argument("--build", type=Path, default=ROOT / "build/xtensawin")
    copy.add_argument("--config", type=Path, help="a folder with config.json and certs/*.der")
    copy.add_argument("--dry", action="store_true", help="only say what would be done")
    copy.add_argument("--listen", type=float, default=8, help="seconds of boot log to show")
    copy.set_defaults(run=_flash)
    provision.add_command(commands)
    options = parser.parse_args()
    try:
        return options.run(options)
    except (BuildError, DeviceError) as error:
        print(f"{options.command}: {error}", file=sys.stderr)
        return 1


def _flash(options: argparse.Namespace) -> int:
    started = flash(options.port, options.build, options.config, options.dry, options.listen)
    return 0 if started else 1


if __name__ == "__main__":
    sys.exit(main())
