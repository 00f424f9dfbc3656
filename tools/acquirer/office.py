"""The acquirer's back office: what people do to the books, and the folder they live in.

Every function here takes the home folder, does one thing in one transaction, and raises
OfficeError with a sentence that says what to do. The command line, the simulator's page and
scenarios all come through this room; a running server sees the effect at the next message. May
import: banks, books, keys, pki, message, rules, tlv, tools.command_line, tools.private,
python-stdnum.
"""

import contextlib
import datetime
import fcntl
import ipaddress
import itertools
import json
import os
import secrets
import sqlite3
import time
import unicodedata
from pathlib import Path

from stdnum.cn import uscc
from stdnum.iso7064 import mod_11_10

from tools.acquirer import keys, message, pki, rules, tlv
from tools.acquirer.banks import Directory, DirectoryHeld
from tools.acquirer.books import PATIENCE_S, Books, BooksHeld
from tools.command_line import is_host
from tools.private import FOLDER, keep_private, write_private

DEFAULT_HOME = Path(os.environ.get("HOME_DIR") or "build/home") / "acquirer"
DEFAULT_SERVER_NAME = "acquirer.rebind"
DEFAULT_NAMES = ("上海示例商贸有限公司", "张三")
DEFAULT_LICENCE = "91350100M000100Y43"
DEFAULT_CONTACT = "13800138000"
DEFAULT_CNAPS = "102100099996"
DEFAULT_REJECTION = "63"
DEFAULT_REASON = "审核未通过"
DEFAULT_RESET_REASON = "forgotten password"
_MAX_SERVER_NAME = 64  # of a certificate's common name
_PERSON_MAX = 60  # bytes of a person's name at the provider
_MAX_NAMES = 800  # bytes of all names: they travel in one 0810
_TYPES = {"corporate": 1, "personal": 2}
_PASSWORD_DIGITS = 8
_LONGEST_HOLD = 30  # days
# Characters that count as printable and leave the place empty: fillers, selectors of a variant.
_BLANK = {
    *map(chr, range(0xFE00, 0xFE10)),
    *"\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u2800\u3164\uffa0",
}


class OfficeError(Exception):
    """What was asked cannot be done; the text says why and what to do."""


class BooksInUse(OfficeError):
    """Another program holds the books."""


class Home:
    """The acquirer's folder: CA, server certificate, base key, the books and their key."""

    def __init__(self, path=DEFAULT_HOME):
        self.path = Path(path)
        self.ca_path = self.path / "ca.pem"
        self.ca_key_path = self.path / "ca.key.pem"
        self.server_path = self.path / "server.pem"
        self.server_key_path = self.path / "server.key.pem"
        self.base_key_path = self.path / "base.key"
        self.books_key_path = self.path / "books.key"
        self.books_path = self.path / "books.sqlite3"
        self.banks_path = self.path / "banks.sqlite3"
        self.about_path = self.path / "acquirer.json"
        self.revoked_path = self.path / "revoked.pem"

    @property
    def exists(self):
        return self.about_path.exists()

    def check(self):
        """Raise OfficeError when there is no acquirer here."""
        if not self.exists:
            raise OfficeError(
                f"there is no acquirer in {self.path}: `init` makes one, `enroll` too"
            )

    def about(self):
        """{"server_name", "base_id"}"""
        self.check()
        with self._whole(self.about_path):
            return json.loads(self.about_path.read_text())

    def base_key(self):
        with self._whole(self.base_key_path):
            return bytes.fromhex(self.base_key_path.read_text())

    def open_books(self, patience_s=PATIENCE_S):
        """See Books for the patience. Raises OfficeError."""
        self.check()
        with self._whole(self.books_key_path):
            key = bytes.fromhex(self.books_key_path.read_text())
        with self.using_books():
            return Books(self.books_path, keys.Vault(key), patience_s)

    def open_banks(self):
        """The directory of banks. Raises OfficeError."""
        with self.using_banks():
            return Directory(self.banks_path)

    @contextlib.contextmanager
    def using_banks(self):
        """Say what keeps the directory of banks from being used. Raises OfficeError."""
        try:
            yield
        except DirectoryHeld as error:
            raise OfficeError(
                f"another import into {self.banks_path} is under way: try again when it has ended"
            ) from error
        except sqlite3.Error as error:
            raise OfficeError(
                f"{self.banks_path} cannot be used ({error}): check that the disk has room and"
                " that it is yours, or move it away and import the banks again"
            ) from error

    def authority(self):
        with self._whole(self.ca_path, self.ca_key_path):
            return pki.Authority.load(self.ca_path, self.ca_key_path)

    def publish_revoked(self, books):
        """Sign the list of revoked certificates anew; a server takes it at the next handshake."""
        revoked = self.authority().revocations(books.revoked_certificates())
        write_private(self.revoked_path, pki.certificate_pem(revoked))

    @contextlib.contextmanager
    def reading(self):
        """The books, to look something up."""
        books = self.open_books()
        try:
            with self.using_books():
                yield books
        finally:
            books.close()

    @contextlib.contextmanager
    def using_books(self):
        """Say what keeps the books from being used. Raises OfficeError."""
        try:
            yield
        except sqlite3.Error as error:
            raise OfficeError(
                f"{self.books_path} cannot be used ({error}): check that the disk has room and"
                " that the folder and its files are yours"
            ) from error
        except BooksHeld as error:
            raise BooksInUse(
                f"another program holds {self.books_path}: try again when it has ended"
            ) from error

    @contextlib.contextmanager
    def _whole(self, *paths):
        try:
            yield
        except (FileNotFoundError, ValueError) as error:
            names = " or ".join(str(path) for path in paths)
            raise OfficeError(f"{names} is missing or damaged: restore it") from error

    @contextlib.contextmanager
    def writing(self):
        """The books inside one transaction."""
        with self.reading() as books, books.transaction():
            yield books

    @contextlib.contextmanager
    def deciding(self, now):
        """The same, to settle what is under review: whose time was over before `now` has ended,
        whatever becomes of the rest.
        """
        with self.writing() as books:
            books.pass_time(now)
        with self.writing() as books:
            yield books


def init(home=DEFAULT_HOME, server_name=None):
    """Make an acquirer, or finish one that was begun. Returns True when it is new.

    What is there is kept. The last file written is the one that says the home is complete. Any
    number of processes may do so at once: one makes it, the others find it.
    """
    home = Home(home)
    if server_name is not None:
        checked_server_name(server_name)
    if home.exists:
        return _init(home, server_name)
    home.path.mkdir(parents=True, exist_ok=True, mode=FOLDER)
    with (home.path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _init(home, server_name)


def _init(home, server_name):
    if home.exists:
        keep_private(home.path)
        named = home.about()["server_name"]
        if server_name is not None and server_name != named:
            raise OfficeError(
                f"the acquirer in {home.path} is named {named}, and bundles out there say so:"
                " use another --home for another name"
            )
        return False
    if home.books_path.exists() and not home.books_key_path.exists():
        raise OfficeError(
            f"{home.books_path} has lost its key {home.books_key_path.name}: restore the key, or"
            " move the folder away"
        )
    if not home.ca_key_path.exists() or not home.ca_path.exists():
        pki.Authority.create().save(home.ca_path, home.ca_key_path)
    server_name = server_name or DEFAULT_SERVER_NAME
    certificate, key = home.authority().server(server_name)
    write_private(home.server_key_path, pki.key_pem(key))
    home.server_path.write_bytes(pki.certificate_pem(certificate))
    for path, size in ((home.base_key_path, 16), (home.books_key_path, 32)):
        if not path.exists():
            write_private(path, os.urandom(size).hex().encode())
    home.books_path.touch(0o600)
    with home.using_books():
        vault = keys.Vault(bytes.fromhex(home.books_key_path.read_text()))
        with contextlib.closing(Books(home.books_path, vault)) as books:
            home.publish_revoked(books)
    about = {"server_name": server_name, "base_id": os.urandom(4).hex()}
    write_private(home.about_path, json.dumps(about).encode())
    return True


# What people enter. Each check returns it in the form in which it is kept, or raises OfficeError.


def checked_server_name(name):
    """The name of an acquirer's host: a DNS name without a port, or an IP address."""
    with contextlib.suppress(ValueError):
        if "%" not in name:  # a zone means something on one machine alone
            ipaddress.ip_address(name)
            return name
    wanted = "a server name is one like acquirer.example, or an IP address"
    if not name:
        raise OfficeError(f"{wanted}; this one is empty")
    for at, character in enumerate(name):
        if not (character.isascii() and (character.isalnum() or character in "-.")):
            why = "a port does not belong to it" if character == ":" else "write it as DNS does"
            raise OfficeError(f"{wanted}: {why}, position {at + 1} is {_called(character)}")
    if len(name) > _MAX_SERVER_NAME:
        raise OfficeError(
            f"{wanted}, of up to {_MAX_SERVER_NAME} characters; this one has {len(name)}"
        )
    if not is_host(name):
        raise OfficeError(
            f"{wanted}: {name} has a part that is empty, too long, or ends in a hyphen"
        )
    if name.rpartition(".")[2].isdigit():
        raise OfficeError(f"{wanted}: {name} is neither")
    return name


def _called(character):
    """A character as an error can name it, seen or not."""
    name = unicodedata.name(character, "which has no name")
    return f"U+{ord(character):04X} ({name})"


def _is_unseen(value, at):
    """Whether the character at this place can't be seen: a space at an end, or worse."""
    character = value[at]
    if character == " ":
        return at in (0, len(value) - 1)
    return not character.isprintable() or character in _BLANK


def _checked_text(value, longest, what):
    """Words that people read. longest: bytes of UTF-8."""
    if not value:
        raise OfficeError(f"{what} is empty")
    for at in range(len(value)):
        if _is_unseen(value, at):
            raise OfficeError(
                f"{what} has {_called(value[at])} at position {at + 1}, which can't be seen there:"
                " take it out"
            )
    fitting = len(value.encode()[:longest].decode("utf-8", "ignore"))
    if fitting < len(value):
        raise OfficeError(
            f"{what} has {len(value)} characters, at most {fitting} of these fit"
            f" ({longest} bytes of UTF-8)"
        )
    return value


def _checked_digits(value, least, most, what):
    wanted = f"{what} has {least if least == most else f'{least} to {most}'} digits"
    for at, character in enumerate(value):
        if character not in "0123456789":
            raise OfficeError(f"{wanted}: at position {at + 1} is {_called(character)}")
    if not least <= len(value) <= most:
        raise OfficeError(f"{wanted}, not {len(value)}")
    return value


def _checked_letters(value, least, most, what):
    """Letters and digits of ASCII, as numbers of terminals and merchants have them."""
    wanted = f"{what} has {most if least == most else f'up to {most}'} ASCII letters and digits"
    for at, character in enumerate(value):
        if not (character.isascii() and character.isalnum()):
            raise OfficeError(f"{wanted}: at position {at + 1} is {_called(character)}")
    if not least <= len(value) <= most:
        raise OfficeError(f"{wanted}, {value!r} has {len(value)}")
    return value


def _checked_terminal(number):
    return _checked_letters(number, 1, 8, "a terminal number")


def _checked_merchant(number):
    return _checked_letters(number, 15, 15, "a merchant number")


def _checked_names(names):
    names = list(dict.fromkeys(names))
    for name in names:
        _checked_text(name, rules.NAME_MAX, "an account name")
    size = sum(len(tlv.put(rules.NAME_TAG, name.encode())) for name in names)
    if size > _MAX_NAMES:
        raise OfficeError(
            f"the names of a merchant take {size} bytes together, at most {_MAX_NAMES} fit (three"
            " for each, and its UTF-8): leave some out"
        )
    return names


def _checked_licence(licence):
    """Kept in capitals: a terminal's keypad has no others."""
    return _checked_letters(licence, 18, 18, "a unified social credit code").upper()


def _checked_serial(serial):
    if not serial.isascii() or not rules.serial_is_allowed(serial.encode()):
        raise OfficeError(
            f"a serial number has up to 20 printable ASCII characters, not {serial!r}"
        )
    return serial


def _checked_contact(contact):
    """The owner's phone, to which every change is told."""
    return _checked_digits(contact, 5, 15, "a contact (a phone number)")


def checked_bank(number, name, area=""):
    """A branch of the directory of banks: its CNAPS number, its name, and its area, by default the
    one in the number.
    """
    _checked_digits(number, 12, 12, "a CNAPS number")
    if not mod_11_10.is_valid(number):
        raise OfficeError(f"the check digit of CNAPS number {number} is wrong")
    _checked_text(name, rules.BANK_MAX, "a bank's name")
    return number, name, _checked_digits(area or number[3:7], 4, 4, "an area")


def licence_is_regular(licence):
    """Whether the check character is right; some early codes fail it and are still valid."""
    return uscc.is_valid(licence)


def _binding(holder, account, cnaps, kind, licence, bank):
    """The TLVs of an account binding, from what a person typed, as a terminal would send them."""
    _checked_text(holder, rules.NAME_MAX, "an account name")
    _checked_digits(account, 8, 32, "an account number")
    _checked_digits(cnaps, 12, 12, "a CNAPS number")
    if not mod_11_10.is_valid(cnaps):
        raise OfficeError(f"the check digit of CNAPS number {cnaps} is wrong: compare it again")
    if kind not in _TYPES:
        raise OfficeError(f"an account is {' or '.join(_TYPES)}, not {kind!r}")
    pairs = {
        rules.NAME_TAG: holder.encode(),
        rules.ACCOUNT_TAG: account.encode(),
        rules.CNAPS_TAG: cnaps.encode(),
        rules.TYPE_TAG: bytes([_TYPES[kind]]),
        rules.LICENCE_TAG: licence.upper().encode(),
    }
    if bank:
        pairs[rules.BANK_TAG] = _checked_text(bank, rules.BANK_MAX, "a bank name").encode()
    try:
        rules.check_binding(pairs)
    except tlv.TlvError as error:  # a licence from before it was checked
        raise OfficeError(f"no terminal could send this binding: {error}") from error
    return tlv.join(sorted(pairs.items()))


def _terminal(books, number):
    terminal = books.terminal(number)
    if terminal is None:
        raise OfficeError(f"terminal {number} is not enrolled: `books` lists those that are")
    return terminal


def _merchant(books, number):
    merchant = books.merchant(number)
    if merchant is None:
        raise OfficeError(f"there is no merchant {number}: `books` lists those there are")
    return merchant


def enroll(
    home,
    terminal,
    merchant,
    out,
    *,
    names=None,
    licence=None,
    serial=None,
    review=None,
    owner_confirms=None,
    contact=None,
    account=None,
    cnaps=None,
    holder=None,
    kind=None,
    bank=None,
):
    """Enrol a terminal (again) and write its bundle into the folder `out`. Returns its path.

    Where there is no acquirer in `home` one is made, once everything given has been checked. A
    merchant not in the books yet is added, with default names, licence and contact where none are
    given, and its owner confirms changes unless that is False; for one that is, what is given
    changes it. account, cnaps, holder, kind (corporate or
    personal) and bank describe a first binding for slot 1; a slot already bound is left alone. A
    terminal already enrolled, be it revoked, gets a new IKID and certificate, token key and
    service key; the owner's secret stays. The bundle has first passwords for operators 00 and 01,
    drawn anew each time and kept nowhere else.
    """
    home, out = Home(home), Path(out)
    _checked_terminal(terminal)
    if not home.exists:
        _checked_merchant(merchant)
    if serial is not None:
        _checked_serial(serial)
    if account is None and any((cnaps, holder, kind, bank)):
        raise OfficeError(
            "--cnaps, --holder, --type and --bank describe an --account: give it too"
        )
    names = _checked_names(names) if names else None
    licence = _checked_licence(licence) if licence else None
    contact = _checked_contact(contact) if contact is not None else None
    cnaps, kind = cnaps or DEFAULT_CNAPS, kind or "corporate"
    if account is not None:
        known = (names or DEFAULT_NAMES)[0], licence or DEFAULT_LICENCE
        _binding(holder or known[0], account, cnaps, kind, known[1], bank)
    _check_out(out, terminal)
    init(home.path)
    certificate, key = home.authority().terminal(terminal)
    with home.writing() as books:
        merchant_row = _enroll_merchant(
            books, merchant, names, licence, review, owner_confirms, contact
        )
        row = _enroll_terminal(home, books, terminal, merchant_row, serial)
        books.add_certificate(row, certificate.serial_number)
        if account is not None and books.binding(row, 1) is None:
            holder = holder or books.names(merchant_row)[0]
            licence = merchant_row["licence"]
            tlvs = _binding(holder, account, cnaps, kind, licence, bank)
            books.bind(row, 1, tlvs, int(time.time()))
        try:
            _write_bundle(home, books, row, merchant_row, certificate, key, out)
        except OSError as error:
            raise OfficeError(f"the bundle cannot be written: {error}") from error
    return out


def _check_out(out, terminal):
    """Raise OfficeError when a bundle of this terminal may or can not be written there."""
    try:
        held = json.loads((out / "keys.json").read_text(encoding="utf-8"))["terminal"]
    except (OSError, ValueError, KeyError, TypeError):
        held = None
    if held not in (None, terminal):
        raise OfficeError(
            f"{out} holds the bundle of terminal {held}, which is kept nowhere else: give another"
            " folder"
        )
    folder = out.absolute()
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    if not (folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)):
        raise OfficeError(
            f"the bundle cannot be written: {folder} is not a folder that is yours: give another"
        )


def _enroll_merchant(books, number, names, licence, review, owner_confirms, contact):
    if books.merchant(number) is None:
        books.add_merchant(
            _checked_merchant(number),
            names or list(DEFAULT_NAMES),
            licence or DEFAULT_LICENCE,
            bool(review),
            owner_confirms is not False,
            contact or DEFAULT_CONTACT,
        )
    else:
        books.set_merchant(
            number, names, licence, review, owner_confirms=owner_confirms, contact=contact
        )
    return books.merchant(number)


def _enroll_terminal(home, books, number, merchant, serial):
    row = books.terminal(number)
    ikid = bytes.fromhex(home.about()["base_id"])
    ikid += (books.initial_key_count() + 1).to_bytes(4, "big")
    if row is None:
        made = (keys.new_key(), keys.new_key(), keys.new_code_secret().encode())
        books.add_terminal(number, merchant, serial or f"RB{number}", ikid, made, int(time.time()))
    elif row["merchant"] != merchant["id"]:
        raise OfficeError(
            f"terminal {number} belongs to merchant {books.merchant_of(row)['number']}:"
            " use another terminal number"
        )
    else:
        made = keys.new_key(), keys.new_key()
        books.renew_terminal(row, serial or row["serial"], ikid, made, int(time.time()))
        books.retire_former_number(row)  # the bundle carries the merchant's number of today
    return books.terminal(number)


def _write_bundle(home, books, terminal, merchant, certificate, key, out):
    out.mkdir(mode=FOLDER, parents=True, exist_ok=True)
    authority = home.authority().certificate
    (out / "ca.pem").write_bytes(pki.certificate_pem(authority))
    (out / "ca.der").write_bytes(pki.certificate_der(authority))
    (out / "terminal.pem").write_bytes(pki.certificate_pem(certificate))
    (out / "terminal.der").write_bytes(pki.certificate_der(certificate))
    write_private(out / "terminal.key.pem", pki.key_pem(key))
    write_private(out / "terminal.key.der", pki.key_der(key))
    ikid = terminal["ikid"]
    known = {
        "terminal": terminal["number"],
        "merchant": merchant["number"],
        "serial": terminal["serial"],
        "server_name": home.about()["server_name"],
        "ikid": ikid.hex(),
        "ik": keys.initial_key(home.base_key(), ikid).hex(),
        "token_key": books.token_key(terminal).hex(),
        "service_key": books.service_key(terminal).hex(),
        "totp_secret": books.code_secret(terminal),
        "names": books.names(merchant),
        "licence": merchant["licence"],
        "first_passwords": first_passwords(),
    }
    text = json.dumps(known, ensure_ascii=False, indent=2) + "\n"
    write_private(out / "keys.json", text.encode())


def first_passwords():
    """{operator: password} for a terminal that has no operators yet; two, and not the same."""
    supervisor, operator = _drawn_password(), _drawn_password()
    while operator == supervisor:
        operator = _drawn_password()
    return {"00": supervisor, "01": operator}


def _drawn_password():
    """Eight random digits that nobody would try first: no runs, no repeats."""
    while True:
        drawn = f"{secrets.randbelow(10**_PASSWORD_DIGITS):0{_PASSWORD_DIGITS}d}"
        if not _is_simple(drawn):
            return drawn


def _is_simple(password):
    """Few different digits, the same half twice, or three in a row that are equal or count."""
    steps = [int(b) - int(a) for a, b in itertools.pairwise(password)]
    return (
        len(set(password)) < 5
        or password[:4] == password[4:]
        or any(step == then and abs(step) <= 1 for step, then in itertools.pairwise(steps))
    )


def is_enrolled(home, terminal):
    """Whether the terminal is in the books already."""
    with Home(home).reading() as books:
        return books.terminal(terminal) is not None


def read_books(home=DEFAULT_HOME):
    """The books as plain data: merchants, terminals, bindings, history, applications, records."""
    with Home(home).reading() as books:
        return books.snapshot()


def decide(home, accept, application=None, reason=None, code=DEFAULT_REJECTION, at=None):
    """Settle an application under review, or all that wait for a decision. Returns their numbers.

    application: its number, reference or UUID; None for every one that waits for the acquirer's
    people. accept: bool; one accepted may be held still, and one that waits for its owner or is
    held can only be rejected. reason: words for the merchant; code: the response code of a
    rejection; at: Unix time, else now.
    """
    if code not in rules.REFUSAL_CODES:
        raise OfficeError(f"a rejection has one of the codes {', '.join(rules.REFUSAL_CODES)}")
    words = _checked_text(reason or DEFAULT_REASON, rules.REASON_MAX, "a reason")
    now = int(time.time() if at is None else at)
    with Home(home).deciding(now) as books:
        if application is None:
            chosen = books.under_review(rules.PEOPLE)
            if not chosen:
                raise OfficeError("no application waits for a decision: `books` shows them all")
        else:
            chosen = [_under_review(books, application)]
        for row in chosen:
            if not accept:
                kind = rules.decided_kind(code)
                books.reject(row, code, rules.reason(0, words), kind, now)
            elif row["stage"] == rules.OWNER:
                raise OfficeError(f"{row['number']} waits for its owner: `confirm` or `refuse` it")
            elif row["stage"] == rules.HELD:
                raise OfficeError(
                    f"{row['number']} is held until {_moment(row['due'])} and then true: it can"
                    " only be rejected"
                )
            elif books.replaced_token_stands(row):
                books.move_on(row, now)
            else:
                raise OfficeError(
                    f"the binding that {row['number']} would replace has changed since: reject it,"
                    " and let the merchant apply again"
                )
        return [row["number"] for row in chosen]


def answer_as_owner(home, confirms, application=None, terminal=None, at=None):
    """Confirm, or refuse, a change as the owner does on the phone. Returns its row, now.

    application: its number, reference or UUID; or terminal: what is under review there. A change
    that was confirmed can still be refused until it is true. at: Unix time, else now.
    """
    now = int(time.time() if at is None else at)
    with Home(home).deciding(now) as books:
        if application is not None:
            row = _under_review(books, application)
        else:
            row = books.pending(_terminal(books, terminal))
            if row is None:
                raise OfficeError(
                    f"no change of terminal {terminal} waits: `books` shows them all"
                )
        if not confirms:
            books.refuse(row, rules.Refused("owner"), now)
        elif row["stage"] == rules.OWNER:
            books.move_on(row, now)
        else:
            raise OfficeError(f"{row['number']} does not wait for its owner any more")
        return books.application_by_id(row["id"])


def _moment(at):
    """A Unix time as people say it, in China."""
    return f"{datetime.datetime.fromtimestamp(at, rules.SHANGHAI):%Y-%m-%d %H:%M:%S}"


def _under_review(books, number):
    row = books.find_application(number)
    if row is None:
        raise OfficeError(f"there is no application {number}: `books` lists them")
    if row["status"] != rules.REVIEW:
        ended = "accepted" if row["status"] == rules.ACTIVE else f"refused ({row['code']})"
        raise OfficeError(f"application {number} is settled already: {ended}")
    return row


def set_policy(
    home,
    merchant,
    review=None,
    cvv2=None,
    names=None,
    licence=None,
    owner_confirms=None,
    hold_days=None,
    contact=None,
):
    """Change what the acquirer asks of a merchant; None leaves a thing as it is.

    It goes for what comes from now on, and for the stages that a change under review has not
    reached yet.
    """
    names = _checked_names(names) if names else None
    licence = _checked_licence(licence) if licence else None
    contact = _checked_contact(contact) if contact is not None else None
    if hold_days is not None and not 0 <= hold_days <= _LONGEST_HOLD:
        raise OfficeError(f"a change is held for 0 to {_LONGEST_HOLD} days, not {hold_days}")
    with Home(home).writing() as books:
        _merchant(books, merchant)
        books.set_merchant(
            merchant, names, licence, review, cvv2, owner_confirms, hold_days, contact
        )


def want_records(home, terminal):
    """Ask a terminal, at its next sync, for its audit records."""
    with Home(home).writing() as books:
        books.want_records(_terminal(books, terminal), True)


def renumber(home, merchant, new):
    """Give a merchant a new number; its terminals hear of it at their next sync."""
    _checked_merchant(new)
    with Home(home).writing() as books:
        _merchant(books, merchant)
        if books.merchant(new) is not None:
            raise OfficeError(f"merchant number {new} is taken")
        books.renumber(merchant, new)


def bind(
    home,
    terminal,
    account,
    *,
    slot=1,
    cnaps=DEFAULT_CNAPS,
    holder=None,
    kind="corporate",
    bank=None,
):
    """Change a binding at the acquirer, as a bank would; the terminal hears of it when it syncs.

    Returns the new token in hex.
    """
    _check_slot(slot)
    with Home(home).writing() as books:
        row = _terminal(books, terminal)
        merchant = books.merchant_of(row)
        holder = holder or books.names(merchant)[0]
        tlvs = _binding(holder, account, cnaps, kind, merchant["licence"], bank)
        return books.bind(row, slot, tlvs, int(time.time())).hex().upper()


def unbind(home, terminal, slot=1):
    """End a slot's binding at the acquirer; the terminal hears of it when it syncs."""
    _check_slot(slot)
    with Home(home).writing() as books:
        row = _terminal(books, terminal)
        if books.binding(row, slot) is None:
            raise OfficeError(f"nothing is bound in slot {slot} of terminal {terminal}")
        books.unbind(row, slot, int(time.time()))


def _check_slot(slot):
    if slot not in (1, 2, 3, 4):
        raise OfficeError("a slot is 1, 2, 3 or 4")


def unlock(home, terminal):
    """Let a terminal change bindings again after too many wrong one-time codes.

    The row of wrong codes begins anew in any case. Returns whether it was locked.
    """
    with Home(home).writing() as books:
        row = _terminal(books, terminal)
        books.unlock(row)
        return books.is_locked(row)


def revoke(home, terminal):
    """Let a terminal in no more: a lost or stolen one, or one whose keys somebody has copied.

    Its certificates are refused at the handshake from now on; on connections still open, and under
    keys whose certificate an acquirer of a former version did not note, it is answered 97. Its
    bindings stay. Only `enroll` makes it a terminal again. Returns whether it was let in before.
    """
    home = Home(home)
    with home.writing() as books:
        row = _terminal(books, terminal)
        if row["revoked_at"] is not None:
            return False
        books.revoke(row, int(time.time()))
        home.publish_revoked(books)  # and not for this alone if what follows fails
    return True


def new_owner_secret(home, terminal, out):
    """Give the owner another secret for the authenticator: the phone was lost, or somebody saw it.

    Codes of the former secret are wrong from now on. The new one is in the file `out`, which must
    not exist, as the address that authenticators read (otpauth://), and in the books alone.
    """
    home, out = Home(home), Path(out)
    if out.exists():
        raise OfficeError(f"{out} exists, and may be all there is of a secret: give another file")
    secret = keys.new_code_secret()
    with home.writing() as books:
        row = _terminal(books, terminal)
        books.set_code_secret(row, secret)
        address = keys.code_address(secret, terminal, home.about()["server_name"])
        try:
            write_private(out, f"{address}\n".encode())
        except OSError as error:
            raise OfficeError(f"{out} cannot be written ({error}): nothing has changed") from error


def marks(home, terminal=None):
    """What came to the acquirer and should not have: the marks of one terminal, or of all."""
    with Home(home).reading() as books:
        if terminal is not None:
            _terminal(books, terminal)
        rows = books.snapshot()["marks"]
    return [row for row in rows if terminal in (None, row["terminal"])]


def reset_code(home, terminal, operator, challenge, verified_by, reason=DEFAULT_RESET_REASON):
    """The responses to the challenge on a terminal's screen, 8 digits each, given once: one, or
    as long as a terminal that was enrolled anew has not spoken one for each of the keys that it
    may have, the oldest first.

    operator: whose password it is for, 2 digits, or keys.CONSOLE: it opens the console on USB.
    verified_by: who has made sure that whoever asks may have it; reason: why they ask. Both are
    kept, and a challenge that was answered before is refused: it may be somebody else who asks.
    """
    if operator != keys.CONSOLE:
        _checked_digits(operator, 2, 2, "an operator number")
    _checked_digits(challenge, 8, 8, "the challenge on the terminal's screen")
    _checked_text(verified_by, _PERSON_MAX, "the name of who verified it")
    _checked_text(reason, rules.REASON_MAX, "a reason")
    with Home(home).writing() as books:
        row = _terminal(books, terminal)
        before = books.reset(row, operator, challenge)
        if before is not None:
            at = time.strftime("%Y-%m-%d %H:%M", time.localtime(before["at"]))
            raise OfficeError(
                f"challenge {challenge} was answered at {at} ({before['verified_by']}), and no"
                " response is given twice: have the terminal make a new challenge"
            )
        books.add_reset(row, operator, challenge, verified_by, reason, int(time.time()))
        number = message.padded_terminal(row["number"])
        return [
            keys.reset_code(service_key, number, operator, challenge)
            for service_key in books.service_keys(row)
        ]


def owner_code(home, terminal, at=None):
    """(code, seconds it still holds): what the owner's authenticator shows for this terminal."""
    at = time.time() if at is None else at
    with Home(home).reading() as books:
        secret = books.code_secret(_terminal(books, terminal))
    step = int(at) // keys.CODE_PERIOD_S
    return keys.one_time_code(secret, step), keys.CODE_PERIOD_S - int(at) % keys.CODE_PERIOD_S
