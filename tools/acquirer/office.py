"""The acquirer's back office: what people do to the books, and the folder they live in.

Every function here takes the home folder, does one thing in one transaction, and raises
OfficeError with a sentence that says what to do. The command line, the simulator's page and
scenarios all come through this room; a running server sees the effect at the next message. May
import: books, keys, pki, message, rules, tlv, python-stdnum.
"""

import contextlib
import json
import os
import time
from pathlib import Path

from stdnum.cn import uscc
from stdnum.iso7064 import mod_11_10

from tools.acquirer import keys, message, pki, rules, tlv
from tools.acquirer.books import Books

DEFAULT_HOME = Path("build/home/acquirer")
DEFAULT_SERVER_NAME = "acquirer.rebind"
DEFAULT_NAMES = ("上海示例商贸有限公司", "张三")
DEFAULT_LICENCE = "91350100M000100Y43"
DEFAULT_CNAPS = "102100099996"
DEFAULT_REJECTION = "63"
_MAX_NAMES = 800  # bytes of all names: they travel in one 0810
_TYPES = {"corporate": 1, "personal": 2}


class OfficeError(Exception):
    """What was asked cannot be done; the text says why and what to do."""


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
        self.about_path = self.path / "acquirer.json"

    @property
    def exists(self):
        return self.about_path.exists()

    def check(self):
        """Raise OfficeError when there is no acquirer here."""
        if not self.exists:
            raise OfficeError(
                f"there is no acquirer in {self.path}: run `python -m tools.acquirer init"
                f" --home {self.path}` first"
            )

    def about(self):
        """{"server_name", "base_id"}"""
        self.check()
        return json.loads(self.about_path.read_text())

    def base_key(self):
        return bytes.fromhex(self.base_key_path.read_text())

    def open_books(self):
        self.check()
        return Books(self.books_path, keys.Vault(bytes.fromhex(self.books_key_path.read_text())))

    def authority(self):
        return pki.Authority.load(self.ca_path, self.ca_key_path)

    @contextlib.contextmanager
    def reading(self):
        """The books, to look something up."""
        books = self.open_books()
        try:
            yield books
        finally:
            books.close()

    @contextlib.contextmanager
    def writing(self):
        """The books inside one transaction."""
        with self.reading() as books, books.transaction():
            yield books


def init(home=DEFAULT_HOME, server_name=None):
    """Make an acquirer, or finish one that was begun. Returns True when it is new.

    What is there is kept. The last file written is the one that says the home is complete.
    """
    home = Home(home)
    if home.exists:
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
    home.path.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not home.ca_key_path.exists() or not home.ca_path.exists():
        pki.Authority.create().save(home.ca_path, home.ca_key_path)
    server_name = server_name or DEFAULT_SERVER_NAME
    certificate, key = home.authority().server(server_name)
    pki.write_private(home.server_key_path, pki.key_pem(key))
    home.server_path.write_bytes(pki.certificate_pem(certificate))
    for path, size in ((home.base_key_path, 16), (home.books_key_path, 32)):
        if not path.exists():
            pki.write_private(path, os.urandom(size).hex().encode())
    home.books_path.touch(0o600)
    Books(home.books_path, keys.Vault(bytes.fromhex(home.books_key_path.read_text()))).close()
    about = {"server_name": server_name, "base_id": os.urandom(4).hex()}
    pki.write_private(home.about_path, json.dumps(about).encode())
    return True


def _identifier(value, size, what):
    if not 1 <= len(value) <= size or not value.isascii() or not value.isalnum():
        raise OfficeError(f"a {what} has up to {size} ASCII letters and digits, not {value!r}")
    return value


def _checked_names(names):
    names = list(dict.fromkeys(names))
    for name in names:
        if not 1 <= len(name.encode()) <= 60 or not name.isprintable():
            raise OfficeError(f"an account name has 1 to 60 bytes of UTF-8: {name!r} has not")
    if sum(len(name.encode()) + 3 for name in names) > _MAX_NAMES:
        raise OfficeError(f"the names of a merchant may have {_MAX_NAMES} bytes together")
    return names


def _checked_licence(licence):
    if len(licence) != 18 or not licence.isascii() or not licence.isalnum():
        raise OfficeError(f"a unified social credit code has 18 characters, {licence!r} has not")
    return licence


def licence_is_regular(licence):
    """Whether the check character is right; some early codes fail it and are still valid."""
    return uscc.is_valid(licence)


def _binding(holder, account, cnaps, kind, licence, bank):
    """The TLVs of an account binding, from what a person typed."""
    if not account.isascii() or not account.isdigit() or not 8 <= len(account) <= 32:
        raise OfficeError("an account number has 8 to 32 digits")
    if not cnaps.isascii() or not cnaps.isdigit() or len(cnaps) != 12:
        raise OfficeError(f"a CNAPS number has 12 digits, {cnaps!r} has not")
    if not mod_11_10.is_valid(cnaps):
        raise OfficeError(f"the check digit of CNAPS number {cnaps} is wrong: compare it again")
    if kind not in _TYPES:
        raise OfficeError(f"an account is {' or '.join(_TYPES)}, not {kind!r}")
    pairs = {
        rules.NAME_TAG: holder.encode(),
        rules.ACCOUNT_TAG: account.encode(),
        0xDF32: cnaps.encode(),
        rules.TYPE_TAG: bytes([_TYPES[kind]]),
        rules.LICENCE_TAG: licence.encode(),
    }
    if bank:
        pairs[0xDF33] = bank.encode()
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
    account=None,
    cnaps=None,
    holder=None,
    kind=None,
    bank=None,
):
    """Enrol a terminal (again) and write its bundle into the folder `out`. Returns its path.

    A merchant not in the books yet is added, with default names and licence where none are given;
    for one that is, what is given changes it. account, cnaps, holder, kind (corporate or
    personal) and bank describe a first binding for slot 1; a slot already bound is left alone. A
    terminal already enrolled gets a new IKID and certificate; its token, service and
    one-time-code keys stay.
    """
    home = Home(home)
    _identifier(terminal, 8, "terminal number")
    _identifier(merchant, 15, "merchant number")
    if serial is not None and not (1 <= len(serial) <= 20 and serial.isascii()):
        raise OfficeError(f"a serial number has up to 20 ASCII characters, not {serial!r}")
    if account is None and any((cnaps, holder, kind, bank)):
        raise OfficeError(
            "--cnaps, --holder, --type and --bank describe an --account: give it too"
        )
    names = _checked_names(names) if names else None
    licence = _checked_licence(licence) if licence else None
    certificate, key = home.authority().terminal(terminal)
    with home.writing() as books:
        merchant_row = _enroll_merchant(books, merchant, names, licence, review)
        row = _enroll_terminal(home, books, terminal, merchant_row, serial)
        if account is not None and books.binding(row, 1) is None:
            holder = holder or books.names(merchant_row)[0]
            licence = merchant_row["licence"]
            tlvs = _binding(
                holder, account, cnaps or DEFAULT_CNAPS, kind or "corporate", licence, bank
            )
            books.bind(row, 1, tlvs, int(time.time()))
        out = Path(out)
        try:
            _write_bundle(home, books, row, merchant_row, certificate, key, out)
        except OSError as error:
            raise OfficeError(f"the bundle cannot be written: {error}") from error
    return out


def _enroll_merchant(books, number, names, licence, review):
    if books.merchant(number) is None:
        books.add_merchant(
            number, names or list(DEFAULT_NAMES), licence or DEFAULT_LICENCE, bool(review)
        )
    else:
        books.set_merchant(number, names, licence, review)
    return books.merchant(number)


def _enroll_terminal(home, books, number, merchant, serial):
    row = books.terminal(number)
    ikid = bytes.fromhex(home.about()["base_id"])
    ikid += (books.initial_key_count() + 1).to_bytes(4, "big")
    if row is None:
        secrets = (keys.new_key(), keys.new_key(), keys.new_code_secret().encode())
        books.add_terminal(
            number, merchant, serial or f"RB{number}", ikid, secrets, int(time.time())
        )
    elif row["merchant"] != merchant["id"]:
        raise OfficeError(
            f"terminal {number} belongs to merchant {books.merchant_of(row)['number']}:"
            " use another terminal number"
        )
    else:
        books.renew_terminal(row, serial or row["serial"], ikid)
        books.retire_former_number(row)  # the bundle carries the merchant's number of today
    return books.terminal(number)


def _write_bundle(home, books, terminal, merchant, certificate, key, out):
    out.mkdir(parents=True, exist_ok=True)
    authority = home.authority().certificate
    (out / "ca.pem").write_bytes(pki.certificate_pem(authority))
    (out / "ca.der").write_bytes(pki.certificate_der(authority))
    (out / "terminal.pem").write_bytes(pki.certificate_pem(certificate))
    (out / "terminal.der").write_bytes(pki.certificate_der(certificate))
    pki.write_private(out / "terminal.key.pem", pki.key_pem(key))
    pki.write_private(out / "terminal.key.der", pki.key_der(key))
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
    }
    text = json.dumps(known, ensure_ascii=False, indent=2) + "\n"
    pki.write_private(out / "keys.json", text.encode())


def is_enrolled(home, terminal):
    """Whether the terminal is in the books already."""
    with Home(home).reading() as books:
        return books.terminal(terminal) is not None


def read_books(home=DEFAULT_HOME):
    """The books as plain data: merchants, terminals, bindings, history, applications, records."""
    with Home(home).reading() as books:
        return books.snapshot()


def decide(home, accept, application=None, reason=None, code=DEFAULT_REJECTION):
    """Settle an application under review, or all of them. Returns their numbers.

    application: its number, reference or UUID; None for every one that is pending. accept: bool;
    reason: words for the merchant; code: the response code of a rejection.
    """
    if code not in rules.REFUSAL_CODES:
        raise OfficeError(f"a rejection has one of the codes {', '.join(rules.REFUSAL_CODES)}")
    now = int(time.time())
    with Home(home).writing() as books:
        if application is None:
            chosen = books.under_review()
            if not chosen:
                raise OfficeError("no application is under review: `books` shows them all")
        else:
            chosen = [_under_review(books, application)]
        for row in chosen:
            if not accept:
                books.reject(row, code, rules.reason(0, reason or "审核未通过"), now)
            elif books.replaced_token_stands(row):
                books.accept(row, now)
            else:
                raise OfficeError(
                    f"the binding that {row['number']} would replace has changed since: reject it,"
                    " and let the merchant apply again"
                )
        return [row["number"] for row in chosen]


def _under_review(books, number):
    row = books.find_application(number)
    if row is None:
        raise OfficeError(f"there is no application {number}: `books` lists them")
    if row["status"] != rules.REVIEW:
        raise OfficeError(f"application {number} is settled already")
    return row


def set_policy(home, merchant, review=None, cvv2=None, names=None, licence=None):
    """Change what the acquirer asks of a merchant; None leaves a thing as it is."""
    names = _checked_names(names) if names else None
    licence = _checked_licence(licence) if licence else None
    with Home(home).writing() as books:
        _merchant(books, merchant)
        books.set_merchant(merchant, names, licence, review, cvv2)


def want_records(home, terminal):
    """Ask a terminal, at its next sync, for its audit records."""
    with Home(home).writing() as books:
        books.want_records(_terminal(books, terminal), True)


def renumber(home, merchant, new):
    """Give a merchant a new number; its terminals hear of it at their next sync."""
    _identifier(new, 15, "merchant number")
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
    if slot not in (1, 2, 3, 4):
        raise OfficeError("a slot is 1, 2, 3 or 4")
    with Home(home).writing() as books:
        row = _terminal(books, terminal)
        merchant = books.merchant_of(row)
        holder = holder or books.names(merchant)[0]
        tlvs = _binding(holder, account, cnaps, kind, merchant["licence"], bank)
        return books.bind(row, slot, tlvs, int(time.time())).hex().upper()


def reset_code(home, terminal, operator, challenge):
    """The response to the challenge on a terminal's screen: 8 digits."""
    if not (operator.isascii() and operator.isdigit() and len(operator) == 2):
        raise OfficeError("an operator number has 2 digits")
    if not (challenge.isascii() and challenge.isdigit() and len(challenge) == 8):
        raise OfficeError("a challenge has 8 digits: read it from the terminal's screen again")
    with Home(home).reading() as books:
        row = _terminal(books, terminal)
        number = message.padded_terminal(row["number"])
        return keys.reset_code(books.service_key(row), number, operator, challenge)


def owner_code(home, terminal, at=None):
    """(code, seconds it still holds): what the owner's authenticator shows for this terminal."""
    at = time.time() if at is None else at
    with Home(home).reading() as books:
        secret = books.code_secret(_terminal(books, terminal))
    step = int(at) // keys.CODE_PERIOD_S
    return keys.one_time_code(secret, step), keys.CODE_PERIOD_S - int(at) % keys.CODE_PERIOD_S
