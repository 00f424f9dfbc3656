"""Command line: `python -m tools.device flash|partition|provision|selftest|verify --port PORT`."""

import argparse
import contextlib
import sys
from pathlib import Path

from serial.tools import list_ports

from tools import command_line
from tools.build.tree import BuildError
from tools.device import provision, selftest
from tools.device.flash import flash
from tools.device.link import DeviceError
from tools.device.partition import Loader, partition
from tools.device.verify import verify

ROOT = Path(__file__).resolve().parents[2]

_LISTEN_S = 8  # a start that fails has said so by then


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.device", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    copy = commands.add_parser("flash", help="copy the build onto a board")
    copy.add_argument("--port", help="a serial device, or socket://host:port")
    copy.add_argument("--build", type=command_line.path, default=ROOT / "build/xtensawin")
    copy.add_argument(
        "--config", type=command_line.path, help="a folder with config.json and certs/*.der"
    )
    copy.add_argument("--dry", action="store_true", help="only say what would be done")
    copy.set_defaults(run=_flash)
    table = commands.add_parser("partition", help="give a board its partition `journal`")
    table.add_argument("--port", help="a serial device")
    table.set_defaults(run=_partition)
    compare = commands.add_parser("verify", help="compare a board, or an image, with the build")
    compare.add_argument("--port", help="a serial device, or socket://host:port")
    compare.add_argument(
        "--image", type=command_line.path, help="what `make image` made, instead of a board"
    )
    compare.add_argument("--build", type=command_line.path, default=ROOT / "build/xtensawin")
    compare.set_defaults(run=_verify)
    provision.add_command(commands)
    selftest.add_command(commands)
    options = parser.parse_args()
    try:
        if not options.port and not getattr(options, "image", None):
            raise DeviceError(f"which board? PORT=…; {_ports()}")
        return options.run(options)
    except (BuildError, DeviceError) as error:
        print(f"{options.command}: {error}", file=sys.stderr)
        return 1


def _flash(options: argparse.Namespace) -> int:
    started = flash(options.port, options.build, options.config, options.dry, _LISTEN_S)
    return 0 if started else 1


def _partition(options: argparse.Namespace) -> int:
    with contextlib.closing(Loader(options.port)) as chip:
        partition(chip, _agreed, ROOT / "build/partition-table.bin", options.port)
    return 0


def _verify(options: argparse.Namespace) -> int:
    return 0 if verify(options.port, options.image, options.build) else 1


def _agreed() -> bool:
    try:
        return input("Type yes to go on: ").strip() == "yes"
    except EOFError:
        return False


def _ports() -> str:
    found = [port.device for port in list_ports.comports() if port.vid is not None]
    return "there are " + ", ".join(found) if found else "no serial device is plugged in"


if __name__ == "__main__":
    sys.exit(main())
