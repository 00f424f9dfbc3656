"""The acquirer's command line: `make acquirer ARGS='COMMAND …'`; `--help` lists the commands.

Only arguments and words live here; every deed is the office's. Without arguments of its own it
takes those in the variable ARGS, quoted as for a shell: so make passes them on untouched. Exit
status: 0 done, 1 cannot be done (the error says what to do), 2 the command line was wrong. May
import: office, bank_list, keys, server, rich.
"""

import argparse
import asyncio
import contextlib
import datetime
import json
import logging
import os
import shlex
import signal
import sys
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table

from tools import command_line
from tools.acquirer import bank_list, keys, office, rules
from tools.acquirer.server import DEFAULT_PORT, Acquirer
from tools.toolchain.progress import Progress

_TABLES = {
    "merchants": (
        "merchant",
        "names",
        "licence",
        "policy",
        "cvv2",
        "owner_confirms",
        "hold_days",
        "contact",
    ),
    "terminals": (
        "terminal",
        "merchant",
        "serial",
        "ikid",
        "counter",
        "pending",
        "records",
        "locked",
        "revoked_at",
    ),
    "bindings": ("terminal", "slot", "kind", "holder", "number", "token", "since", "application"),
    "history": ("terminal", "slot", "kind", "holder", "number", "token", "since", "until"),
    "applications": (
        "application",
        "terminal",
        "slot",
        "action",
        "number",
        "status",
        "stage",
        "due",
        "response_code",
        "message",
        "created_at",
    ),
    "messages": ("terminal", "application", "contact", "event", "due", "at"),
    "records": ("terminal", "log", "sequence", "at", "event", "operator", "outcome", "detail"),
    "gaps": ("terminal", "log", "first", "last"),
    "marks": ("terminal", "kind", "subject", "detail", "count", "first_at", "last_at"),
    "resets": ("terminal", "operator", "verified_by", "reason", "at"),
}
_ENDLESS = 10_000  # columns
_TIMES = ("since", "until", "at", "due", "created_at", "first_at", "last_at", "revoked_at")
# What a mark means, and what to do about it.
_MEANING = {
    "old counter": "a right MAC under a counter that was used: the terminal's memory was set back,"
    " or a copy of its keys speaks. Once: it goes on by itself. Again and again: `revoke`, look at"
    " the terminal, `enroll` it anew",
    "new log": "the terminal's log began anew: its flash was erased or exchanged. Look at it, then"
    " `enroll` it anew: its records are taken as a second log",
    "other record": "a record is not the one that was stored: the flash was set back, or somebody"
    " changed it. Look at the terminal, then `enroll` it anew",
    "wrong chain": "a record does not follow from the one before: the log was changed, or damaged",
    "failed attempts": "passwords, or responses, were tried at the keypad until it locked (times:"
    " how often it was told). Call the shop; a right one, the supervisor or `reset-code` ends it",
    "gap": "records were lost before they were sent: a damaged flash, or somebody removed them",
}


def _init(args):
    new = office.init(args.home, args.server_name)
    name = office.Home(args.home).about()["server_name"]
    print(f"{'made' if new else 'kept'} the acquirer {name} in {args.home}")


def _enroll(args):
    new = not office.Home(args.home).exists
    again = not new and office.is_enrolled(args.home, args.terminal)
    path = office.enroll(
        args.home,
        args.terminal,
        args.merchant,
        args.out,
        names=args.name,
        licence=args.licence,
        serial=args.serial,
        review=args.review,
        owner_confirms=args.owner_confirms,
        contact=args.contact,
        account=args.account,
        cnaps=args.cnaps,
        holder=args.holder,
        kind=args.type,
        bank=args.bank,
    )
    if new:
        print(f"made a new acquirer in {args.home}")
    if again:
        print(
            f"terminal {args.terminal} was enrolled already: it has a new IKID, certificate, token"
            " key and service key, and bundles written before are void"
        )
    if args.licence and not office.licence_is_regular(args.licence):
        print(f"note: the check character of {args.licence} is wrong (some early codes' is)")
    print(f"bundle of terminal {args.terminal} in {path}")


def _serve(args):
    logging.basicConfig(
        level=logging.INFO if args.verbose else logging.WARNING,
        format="%(asctime)s %(levelname)s %(message)s",
    )
    asyncio.run(_run_server(args))


async def _run_server(args):
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):  # no signal handlers on Windows' loop
            loop.add_signal_handler(number, stopped.set)
    acquirer = Acquirer(args.home, on_event=_announce if args.verbose else None)
    try:
        port = await acquirer.start(args.host, args.port)
    except OSError as error:
        raise office.OfficeError(
            f"cannot listen on {args.host}:{args.port} ({error.strerror}): stop what uses it, or"
            " choose another with --host and --port"
        ) from error
    print(f"acquirer ready on {args.host}:{port}", flush=True)
    await stopped.wait()
    await acquirer.stop()
    print("acquirer stopped", flush=True)


def _announce(name, info):
    if name == "replied":
        print(
            f"{info['terminal']} {info['mti']} stan {info['stan']} -> {info['code']}", flush=True
        )


def _books(args):
    books = office.read_books(args.home)
    if args.json:
        escaped = not sys.stdout.encoding.lower().startswith("utf")
        print(json.dumps(books, ensure_ascii=escaped, indent=2))
        return
    console = Console()
    for title, columns in _TABLES.items():
        if not books[title]:
            console.print(f"[bold]{title}[/bold]: none")
            continue
        rows = [
            [escape(_shown(_cell(column, row.get(column)))) for column in columns]
            for row in books[title]
        ]
        heads = [column.replace("_", " ") for column in columns]
        table = _table(title, heads, rows)
        endless = console.options.update(max_width=_ENDLESS)
        if Measurement.get(console, endless, table).maximum <= console.width:
            console.print(table)
            continue
        console.print(f"[bold]{title}[/bold]")  # too wide: each row becomes a list of its cells
        for row in rows:
            console.print(_list(heads, row))


def _table(title, heads, rows):
    table = Table(title=title, title_justify="left", title_style="bold")
    for head in heads:
        table.add_column(head)
    for row in rows:
        table.add_row(*row)
    return table


def _list(heads, row):
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for head, cell in zip(heads, row, strict=True):
        if cell:
            grid.add_row(f"  {head}", cell)
    grid.add_row("")
    return grid


def _cell(column, value):
    if value is None:
        return ""
    if column in _TIMES:
        at = datetime.datetime.fromtimestamp(value, rules.SHANGHAI)
        return f"{at:%Y-%m-%d %H:%M:%S}"
    return ", ".join(value) if isinstance(value, list) else str(value)


def _shown(text):
    """The text as stdout can say it, so that its columns are as wide as they will be."""
    encoding = sys.stdout.encoding
    return text.encode(encoding, "backslashreplace").decode(encoding)


def _decide(args):
    for number in office.decide(
        args.home, args.verdict == "accept", args.application, args.reason, args.code
    ):
        print(f"application {number}: {args.verdict}ed; the terminal hears of it when it asks")


def _answer_as_owner(args):
    row = office.answer_as_owner(
        args.home, args.command == "confirm", args.application, args.terminal
    )
    if row["status"] == rules.REJECTED:
        became = "refused by the owner"
        if row["code"] != rules.ENDED:
            became = f"rejected ({row['message']})"
    elif row["stage"] == rules.HELD:
        became = f"confirmed, and true from {_cell('due', row['due'])} on"
    elif row["stage"] == rules.PEOPLE:
        became = "confirmed, and waits for a decision: `decide`"
    else:
        became = "confirmed and accepted"
    print(f"application {row['number']}: {became}; the terminal hears of it when it asks")


def _reset_code(args):
    first, *others = office.reset_code(
        args.home, args.terminal, args.operator, args.challenge, args.verified_by, args.reason
    )
    print(first)
    for response in others:
        print(f"{response}, if that is wrong: it was enrolled anew, and may have its new keys")


def _import_banks(args):
    done = 0

    def tell(banks):
        nonlocal done
        done = banks

    try:
        with Progress("banks", lambda: f"{done} taken" if done else "reading"):
            count = bank_list.import_file(args.home, args.file, tell)
    except bank_list.BadLines as error:
        for line, why in error.lines:
            print(f"line {line}: {why}", file=sys.stderr)
        raise
    print(f"the directory has {count} banks, those of {args.file}")


def _owner_code(args):
    code, seconds = office.owner_code(args.home, args.terminal)
    print(f"{code} (for {seconds} s)")


def _policy(args):
    office.set_policy(
        args.home,
        args.merchant,
        args.review,
        args.cvv2,
        args.name,
        args.licence,
        args.owner_confirms,
        args.hold,
        args.contact,
    )
    rows = office.read_books(args.home)["merchants"]
    row = next(row for row in rows if row["merchant"] == args.merchant)
    print(
        f"merchant {args.merchant}: changes {row['policy']}, CVV2"
        f" {'wanted' if row['cvv2'] else 'not wanted'}, names {', '.join(row['names'])},"
        f" licence {row['licence']}, owner {row['contact'] or 'without a phone'}"
        f" {'confirms' if row['owner_confirms'] else 'only told'}, hold {row['hold_days']} days"
    )


def _notify(args):
    if args.records:
        office.want_records(args.home, args.records)
        print(f"terminal {args.records} will be asked for its records at its next sync")
    else:
        office.renumber(args.home, *args.new_number)
        old, new = args.new_number
        print(f"merchant {old} is now {new}; its terminals learn it at their next sync")


def _bind(args):
    token = office.bind(
        args.home,
        args.terminal,
        args.account,
        slot=args.slot,
        cnaps=args.cnaps or office.DEFAULT_CNAPS,
        holder=args.holder,
        kind=args.type or "corporate",
        bank=args.bank,
    )
    print(f"slot {args.slot} of terminal {args.terminal} bound anew, token {token}")


def _unbind(args):
    office.unbind(args.home, args.terminal, args.slot)
    print(f"slot {args.slot} of terminal {args.terminal} has no binding any more")


def _unlock(args):
    was = office.unlock(args.home, args.terminal)
    print(f"terminal {args.terminal} {'may change bindings again' if was else 'was not locked'}")


class _OnOff(argparse.Action):
    """An option that is on or off."""

    def __init__(self, *args, **options):
        super().__init__(*args, choices=("on", "off"), **options)

    def __call__(self, parser, namespace, value, option_string=None):
        setattr(namespace, self.dest, value == "on")


def _revoke(args):
    if office.revoke(args.home, args.terminal):
        print(
            f"terminal {args.terminal} is let in no more, its bindings stay; if they are not to,"
            " `unbind` them; `enroll` makes it a terminal again"
        )
    else:
        print(f"terminal {args.terminal} was revoked already")


def _owner(args):
    office.new_owner_secret(args.home, args.terminal, args.out)
    print(
        f"the owner's new secret for terminal {args.terminal} is in {args.out}: hand it over and"
        " delete the file; codes of the former one are wrong from now on"
    )


def _marks(args):
    rows = office.marks(args.home, args.terminal)
    if not rows:
        print("nothing came that should not have")
    for row in rows:
        first, last = _cell("first_at", row["first_at"]), _cell("last_at", row["last_at"])
        times = f"{row['count']} times from {first} to {last}" if row["count"] > 1 else first
        print(f"terminal {row['terminal']}: {row['kind']}, {row['subject']}, {times}")
        print(_shown(f"  {row['detail']}. {_MEANING.get(row['kind'], '')}").rstrip())


def _number(given):
    """A number that is nobody's business: from the file named, or from the keyboard or a pipe.

    A command line is seen by everybody on the machine while it runs.
    """
    if given.isdigit() and not Path(given).exists():
        raise argparse.ArgumentTypeError(
            "an account number stands on no command line, where others see it: give `-` and type"
            " it, or the name of a file that holds it"
        )
    if given != "-":
        try:
            return Path(given).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise argparse.ArgumentTypeError(f"{given} cannot be read: {error}") from error
    if sys.stdin.isatty():
        print("account number: ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip()


def _account_options(command, required):
    command.add_argument(
        "--account",
        type=_number,
        required=required,
        metavar="FILE",
        help="that holds an account number, 8 to 32 digits; `-` reads it from the keyboard",
    )
    command.add_argument("--cnaps", help=f"opening bank (default {office.DEFAULT_CNAPS})")
    command.add_argument("--holder", help="account name (default the merchant's first name)")
    command.add_argument("--type", choices=("corporate", "personal"), help="default corporate")
    command.add_argument("--bank", help="bank name")


def _merchant_options(command):
    command.add_argument(
        "--name", action="append", help="an account name the merchant may use; repeat for more"
    )
    command.add_argument("--licence", help="unified social credit code, 18 characters")
    which = command.add_mutually_exclusive_group()
    which.add_argument(
        "--review", action="store_true", default=None, help="changes wait for a decision"
    )
    which.add_argument(
        "--auto", dest="review", action="store_false", help="no decision by the acquirer's people"
    )
    command.add_argument(
        "--owner-confirms",
        action=_OnOff,
        help="changes wait until the owner confirms them on the phone (default on)",
    )
    command.add_argument("--contact", help="the owner's phone, to which every change is told")


def _parser():
    parser = command_line.Parser(prog="acquirer", description="The acquirer's host and its books.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name, deed, words):
        made = commands.add_parser(name, help=words, description=words)
        made.add_argument(
            "--home",
            type=command_line.path,
            default=office.DEFAULT_HOME,
            help="its folder (HOME_DIR/acquirer)",
        )
        made.set_defaults(deed=deed)
        return made

    made = command("init", _init, "make an acquirer: CA, keys, empty books (again: no change)")
    made.add_argument("--server-name", help=f"default {office.DEFAULT_SERVER_NAME}")

    made = command("enroll", _enroll, "enrol a terminal and write its bundle")
    made.add_argument("-T", "--terminal", required=True, help="DE 41: up to 8 letters and digits")
    made.add_argument("-M", "--merchant", required=True, help="DE 42: 15 letters or digits")
    made.add_argument(
        "-o", "--out", type=command_line.path, required=True, help="folder for the bundle"
    )
    made.add_argument("--serial", help="serial number of the device, up to 20 characters")
    _merchant_options(made)
    _account_options(made, required=False)

    made = command("serve", _serve, "serve terminals until stopped")
    made.add_argument("--host", default="127.0.0.1", help="address to listen on")
    made.add_argument(
        "--port", type=command_line.port, default=DEFAULT_PORT, help="0: any free one, printed"
    )
    made.add_argument("-v", "--verbose", action="store_true", help="a line for every message")

    made = command("books", _books, "show what the books hold, numbers masked")
    made.add_argument("--json", action="store_true", help="all of it, for machines")

    made = command("decide", _decide, "settle what is under review")
    which = made.add_mutually_exclusive_group(required=True)
    which.add_argument("--application", help="its number, reference number or UUID")
    which.add_argument("--pending", action="store_true", help="every one under review")
    made.add_argument("verdict", choices=("accept", "reject"))
    made.add_argument("--reason", help="words for the merchant")
    made.add_argument(
        "--code", default=office.DEFAULT_REJECTION, help="response code of a rejection"
    )

    for name, words in (
        ("confirm", "confirm a change as the owner does on the phone"),
        ("refuse", "refuse a change as the owner does, or stop one that is held"),
    ):
        made = command(name, _answer_as_owner, words)
        which = made.add_mutually_exclusive_group(required=True)
        which.add_argument("--application", help="its number, reference number or UUID")
        which.add_argument("-T", "--terminal", help="whose pending change it is")

    made = command("reset-code", _reset_code, "answer the challenge on a terminal's screen")
    made.add_argument("-T", "--terminal", required=True)
    what = made.add_mutually_exclusive_group(required=True)
    what.add_argument("--operator", help="whose password is reset, 2 digits")
    what.add_argument(
        "--console",
        dest="operator",
        action="store_const",
        const=keys.CONSOLE,
        help="the challenge is that of the console on USB",
    )
    made.add_argument("--challenge", required=True, help="the 8 digits on its screen")
    made.add_argument(
        "--verified-by", required=True, help="who made sure that they may have it; kept"
    )
    made.add_argument(
        "--reason", default=office.DEFAULT_RESET_REASON, help="why it is asked for; kept"
    )

    made = command("banks", _import_banks, "fill the directory of banks")
    made.add_argument("action", choices=("import",), help="have the banks of a file, no others")
    made.add_argument(
        "file",
        type=command_line.path,
        help="CSV: CNAPS number, name, area (else the number's); UTF-8, GB18030",
    )

    made = command("owner-code", _owner_code, "what the owner's authenticator shows now")
    made.add_argument("-T", "--terminal", required=True)

    made = command("policy", _policy, "show or change what is asked of a merchant")
    made.add_argument("-M", "--merchant", required=True)
    _merchant_options(made)
    made.add_argument(
        "--cvv2", action=argparse.BooleanOptionalAction, help="want CVV2 with a card"
    )
    made.add_argument(
        "--hold", type=int, metavar="DAYS", help="that a change of slot 1 waits before it is true"
    )

    made = command("notify", _notify, "put a notice in the terminals' next sync")
    which = made.add_mutually_exclusive_group(required=True)
    which.add_argument("--records", metavar="TERMINAL", help="ask for its audit records")
    which.add_argument(
        "--new-number", nargs=2, metavar=("MERCHANT", "NEW"), help="give a merchant a new number"
    )

    made = command("bind", _bind, "change a binding at the acquirer, as a bank would")
    made.add_argument("-T", "--terminal", required=True)
    made.add_argument("--slot", type=int, default=1, choices=(1, 2, 3, 4))
    _account_options(made, required=True)

    made = command("unbind", _unbind, "end a slot's binding at the acquirer, as a bank would")
    made.add_argument("-T", "--terminal", required=True)
    made.add_argument("--slot", type=int, default=1, choices=(1, 2, 3, 4))

    made = command("unlock", _unlock, "allow changes again after ten wrong one-time codes")
    made.add_argument("-T", "--terminal", required=True)

    made = command("revoke", _revoke, "let a lost, stolen or copied terminal in no more")
    made.add_argument("-T", "--terminal", required=True)

    made = command("owner", _owner, "another secret for the owner's authenticator (a lost phone)")
    made.add_argument("-T", "--terminal", required=True)
    made.add_argument("--new-secret", action="store_true", required=True, help="make it")
    made.add_argument(
        "-o", "--out", type=command_line.path, required=True, help="file for the secret"
    )

    made = command("marks", _marks, "what came and should not have: copies, memory set back")
    made.add_argument("-T", "--terminal", help="of one terminal only")
    return parser


def _given():
    if len(sys.argv) > 1:
        return sys.argv[1:]
    try:
        return shlex.split(os.environ.get("ARGS", ""))
    except ValueError as error:
        raise office.OfficeError(f"ARGS cannot be read ({error}): close every quote") from error


def main(arguments=None):
    """Run one command. Returns the exit status."""
    try:
        args = _parser().parse_args(_given() if arguments is None else arguments)
        args.deed(args)
        sys.stdout.flush()
    except BrokenPipeError:  # who was reading has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except office.OfficeError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(
            f"error: {args.home} cannot be used ({error}): check that the disk has room and that"
            " the folder and its files are yours",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
