"""Command line: `python -m tools.simulator demo | run | scenario FILE…`; `--help` says more."""

import asyncio
import sys
import tempfile

from tools import command_line
from tools.acquirer import OfficeError
from tools.simulator import demo, scenario, server, workplace
from tools.simulator.interpreter import NoInterpreter


def main():
    parser = command_line.Parser(prog="python -m tools.simulator", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    playing = commands.add_parser(
        "demo", help="change an account, then to a card, from log-in to a restart"
    )
    playing.add_argument(
        "--home",
        type=command_line.path,
        default=workplace.DEMO_HOME,
        help="where it is left (HOME_DIR)",
    )
    playing.add_argument("--heap", type=int, default=workplace.HEAP, help="bytes of Python memory")
    playing.add_argument("--quiet", action="store_true", help="show no screens")
    files = commands.add_parser("scenario", help="play scenario files, each on a fresh workplace")
    files.add_argument("files", nargs="+", type=command_line.path, metavar="FILE")
    files.add_argument("--heap", type=int, default=workplace.HEAP, help="bytes of Python memory")
    files.add_argument("--quiet", action="store_true", help="show no screens")
    server.add_arguments(commands.add_parser("run", help="the terminal in a browser page"))
    options = parser.parse_args()
    if options.command == "run":
        return server.main(options)
    if options.command == "demo":
        return demo.run(options.home, options.heap, options.quiet)
    return _scenarios(options.files, options.heap, options.quiet)


def _scenarios(paths, heap, quiet):
    failed = 0
    for path in paths:
        try:
            statements = scenario.load(path)
            with tempfile.TemporaryDirectory(prefix="rebind-") as home:
                asyncio.run(_play(home, statements, heap, quiet))
        except (scenario.ScenarioError, OSError) as error:
            failed += 1
            print(f"FAILED {path}\n{error}\n")
        except (NoInterpreter, OfficeError, workplace.BuildFailed) as error:
            print(error, file=sys.stderr)
            return 1
        else:
            print(f"passed {path}")
    print(f"{len(paths) - failed} of {len(paths)} scenarios passed")
    return 1 if failed else 0


async def _play(home, statements, heap, quiet):
    identity = workplace.prepare(home)
    echo = None if quiet else lambda text: print(text, flush=True)
    async with workplace.at_work(home, identity, heap, echo) as stage:
        await stage.play(statements)


if __name__ == "__main__":
    sys.exit(main())
