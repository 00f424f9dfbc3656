"""The acquirer's books: one SQLite file with everything it must never forget.

Merchants, terminals and their keys, bindings with their history, applications and the messages
about them to the owners, audit records and what is missing of them, marks of what should not have
come, passwords reset. One transaction a message (`with books.transaction():`): what was answered
was stored before, on disk (WAL,
synchronous=FULL), or nothing was. Keys and account data are sealed under a key kept outside this
file; `snapshot` shows what people may see, numbers masked. A file of an older version is brought
up to date when it is opened, wholly or not at all.
Other processes (the command line) may write to the same file at any time. May import: keys, rules
(to mask), sqlite3.
"""

import contextlib
import json
import sqlite3

from tools.acquirer import keys, rules

PATIENCE_S = 5

_SCHEMA_VERSION = 4
# What version 2 brought, as a part of the schema and of the way there.
_SINCE_2 = """
CREATE TABLE gaps (
    terminal INTEGER NOT NULL REFERENCES terminals,
    log INTEGER NOT NULL,
    first INTEGER NOT NULL,             -- records that the terminal has lost
    last INTEGER NOT NULL,
    chain BLOB NOT NULL,                -- behind the last, as the terminal says
    PRIMARY KEY (terminal, log, first)
) WITHOUT ROWID;
CREATE TABLE marks (
    terminal INTEGER NOT NULL REFERENCES terminals,
    kind TEXT NOT NULL,                 -- what came and should not have
    subject TEXT NOT NULL,              -- of which key, of which record
    detail TEXT NOT NULL,               -- in words, as it was the last time
    count INTEGER NOT NULL DEFAULT 1,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    PRIMARY KEY (terminal, kind, subject)
) WITHOUT ROWID;
"""
# What version 3 brought. Certificates are revoked one by one; of former token keys audit records
# are still verified. Changes wait for the owner (owner_confirms), who has a phone (contact);
# one of the slot that is paid waits for days (hold_days) more. An application has, while it is
# under review, the stage of that and when it will be over (due); refused, until when to wait
# (due), and its DF4B (kind). In a message to the owner, event is what the application waits for
# since then, until due, or how it ended.
_SINCE_3 = """
ALTER TABLE merchants ADD COLUMN owner_confirms INTEGER NOT NULL DEFAULT 1;
ALTER TABLE merchants ADD COLUMN hold_days INTEGER NOT NULL DEFAULT 0;
ALTER TABLE merchants ADD COLUMN contact TEXT NOT NULL DEFAULT '';
ALTER TABLE applications ADD COLUMN stage TEXT;
ALTER TABLE applications ADD COLUMN due INTEGER;
ALTER TABLE applications ADD COLUMN kind INTEGER;
UPDATE applications SET stage = 'people' WHERE status = 2;
CREATE TABLE messages (
    id INTEGER PRIMARY KEY,
    application INTEGER NOT NULL REFERENCES applications,
    contact TEXT NOT NULL,              -- the owner's, as it was before the application
    event TEXT NOT NULL,
    due INTEGER,
    at INTEGER NOT NULL
);
CREATE INDEX by_application ON messages (application);
ALTER TABLE terminals ADD COLUMN revoked_at INTEGER;
CREATE TABLE certificates (
    serial TEXT PRIMARY KEY,            -- number that the CA gave it, in hex
    terminal INTEGER NOT NULL REFERENCES terminals,
    revoked_at INTEGER                  -- NULL: it is let in
) WITHOUT ROWID;
CREATE TABLE former_token_keys (
    terminal INTEGER NOT NULL REFERENCES terminals,
    until INTEGER NOT NULL,             -- when the next one was made
    token_key BLOB NOT NULL             -- sealed
);
CREATE TABLE resets (
    terminal INTEGER NOT NULL REFERENCES terminals,
    operator TEXT NOT NULL,             -- who was given a new password
    challenge TEXT NOT NULL,            -- answered once, never again
    verified_by TEXT NOT NULL,          -- who made sure that they may have it
    reason TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (terminal, operator, challenge)
) WITHOUT ROWID;
"""
_SINCE_4 = """
CREATE TABLE former_service_keys (
    terminal INTEGER NOT NULL REFERENCES terminals,
    service_key BLOB NOT NULL           -- sealed; the terminal may have it until it uses a newer
);
"""
_SCHEMA = """
CREATE TABLE merchants (
    id INTEGER PRIMARY KEY,
    number TEXT NOT NULL UNIQUE,
    names TEXT NOT NULL,                -- JSON list: the account names the merchant may use
    licence TEXT NOT NULL,
    review INTEGER NOT NULL DEFAULT 0,  -- changes wait for a decision
    cvv2 INTEGER NOT NULL DEFAULT 0     -- CVV2 wanted with a card
);
CREATE TABLE terminals (
    id INTEGER PRIMARY KEY,
    number TEXT NOT NULL UNIQUE,
    merchant INTEGER NOT NULL REFERENCES merchants,
    former_merchant TEXT,               -- numbers still in use after the merchant got a new one
    serial TEXT NOT NULL,
    ikid BLOB NOT NULL,                 -- the current one; older ones stay in initial_keys
    token_key BLOB NOT NULL,            -- sealed
    service_key BLOB NOT NULL,          -- sealed
    code_secret BLOB NOT NULL,          -- sealed
    records_wanted INTEGER NOT NULL DEFAULT 0,
    log INTEGER NOT NULL DEFAULT 1,     -- which of its audit logs a terminal is writing
    log_may_restart INTEGER NOT NULL DEFAULT 0,
    enrolled_at INTEGER NOT NULL,
    last_step INTEGER NOT NULL DEFAULT 0,   -- of the owner's last right code: spent, as all before
    wrong_codes INTEGER NOT NULL DEFAULT 0  -- in a row
);
CREATE TABLE initial_keys (
    ikid BLOB PRIMARY KEY,
    terminal INTEGER NOT NULL REFERENCES terminals,
    counter INTEGER NOT NULL DEFAULT 0  -- the last one seen with a right MAC
);
CREATE TABLE bindings (
    id INTEGER PRIMARY KEY,
    terminal INTEGER NOT NULL REFERENCES terminals,
    slot INTEGER NOT NULL,
    tlvs BLOB NOT NULL,                 -- DF30-DF37 ascending, sealed
    token BLOB NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER,                      -- NULL: current
    application INTEGER REFERENCES applications
);
CREATE UNIQUE INDEX one_binding_a_slot ON bindings (terminal, slot) WHERE until IS NULL;
CREATE TABLE applications (
    id INTEGER PRIMARY KEY,
    terminal INTEGER NOT NULL REFERENCES terminals,
    uuid BLOB NOT NULL,
    number TEXT NOT NULL UNIQUE,        -- DF43
    reference TEXT NOT NULL UNIQUE,     -- DE 37
    merchant TEXT NOT NULL,             -- as in DE 42
    action INTEGER NOT NULL,
    slot INTEGER NOT NULL,
    reason INTEGER NOT NULL,
    operator TEXT NOT NULL,
    supervisor TEXT,
    serial TEXT NOT NULL,
    location TEXT,
    replaced TEXT,                      -- DE 102
    shown TEXT NOT NULL,                -- JSON, masked
    proposal BLOB,                      -- sealed; only while under review
    status INTEGER NOT NULL,
    code TEXT NOT NULL,
    message TEXT,                       -- DF41
    token BLOB,                         -- of the binding it made
    code_day TEXT,                      -- the day on which it reached the one-time-code check
    created_at INTEGER NOT NULL,
    settled_at INTEGER,
    told INTEGER NOT NULL DEFAULT 0,    -- the terminal was answered with the final state
    UNIQUE (terminal, uuid)
);
CREATE UNIQUE INDEX one_pending ON applications (terminal) WHERE status = 2;
CREATE INDEX by_day ON applications (terminal, code_day);
CREATE TABLE records (
    terminal INTEGER NOT NULL REFERENCES terminals,
    log INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    at INTEGER NOT NULL,
    event INTEGER NOT NULL,
    operator TEXT NOT NULL,
    outcome TEXT NOT NULL,
    chain BLOB NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (terminal, log, sequence)
) WITHOUT ROWID;
"""
# From the version before to each version.
_MIGRATIONS = {
    2: """
ALTER TABLE terminals ADD COLUMN last_step INTEGER NOT NULL DEFAULT 0;
ALTER TABLE terminals ADD COLUMN wrong_codes INTEGER NOT NULL DEFAULT 0;
UPDATE terminals SET last_step = coalesce(
    (SELECT max(step) FROM spent_steps WHERE terminal = terminals.id), 0);
DROP TABLE spent_steps;
UPDATE merchants SET licence = upper(licence);
"""
    + _SINCE_2,
    3: _SINCE_3,
    4: _SINCE_4,
}

_STATUS = {1: "active", 2: "review", 3: "rejected"}
_ACTION = {1: "account", 2: "card", 3: "restore", 4: "remove"}


class BooksHeld(Exception):
    """Another process holds the file; nothing was read or written."""


class Books:
    """The open books. One connection, used from one thread.

    patience_s: how long each use waits for another process that holds the file. Opening them, and
    everything that does so first in its transaction, raises BooksHeld after that.
    """

    def __init__(self, path, vault, patience_s=PATIENCE_S):
        self._vault = vault
        self._db = sqlite3.connect(path, isolation_level=None, timeout=PATIENCE_S)
        try:
            self._db.row_factory = sqlite3.Row
            self._execute("PRAGMA journal_mode = WAL")
            self._execute("PRAGMA synchronous = FULL")
            self._execute("PRAGMA foreign_keys = ON")
            self._lay_out()
            self._execute(f"PRAGMA busy_timeout = {round(1000 * patience_s)}")
        except BaseException:
            self._db.close()
            raise

    def _lay_out(self):
        """Make the tables of an empty file, bring an older file up to date; refuse a newer one."""
        if self._version() == _SCHEMA_VERSION:
            return
        with self.transaction():
            version = self._version()  # another process may have been faster
            if version == 0:
                self._run(_SCHEMA + _SINCE_2 + _SINCE_3 + _SINCE_4)
            elif version < _SCHEMA_VERSION:
                for newer in range(version + 1, _SCHEMA_VERSION + 1):
                    self._run(_MIGRATIONS[newer])
            elif version > _SCHEMA_VERSION:
                raise sqlite3.DatabaseError(f"books of version {version} are not understood")
            self._execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")

    def _run(self, script):
        for statement in script.split(";\n"):
            self._execute(statement)

    def _version(self):
        return self._one("PRAGMA user_version")[0]

    def close(self):
        self._db.close()

    @contextlib.contextmanager
    def transaction(self):
        """All or nothing, durable when it is left without an exception."""
        self._execute("BEGIN IMMEDIATE")
        try:
            yield
            self._execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:  # some errors have ended it
                self._execute("ROLLBACK")
            raise

    def _execute(self, query, values=()):
        try:
            return self._db.execute(query, values)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
                raise BooksHeld from error
            raise

    def _one(self, query, *values):
        return self._execute(query, values).fetchone()

    def _all(self, query, *values):
        return self._execute(query, values).fetchall()

    def _put(self, query, *values):
        return self._execute(query, values).lastrowid

    # Merchants

    def merchant(self, number):
        """The merchant with this number, now, as a row; None when there is none."""
        return self._one("SELECT * FROM merchants WHERE number = ?", number)

    def merchant_of(self, terminal):
        return self._one("SELECT * FROM merchants WHERE id = ?", terminal["merchant"])

    def names(self, merchant):
        """The account names that a merchant (a row) may use."""
        return json.loads(merchant["names"])

    def add_merchant(self, number, names, licence, review, owner_confirms=True, contact=""):
        self._put(
            "INSERT INTO merchants (number, names, licence, review, owner_confirms, contact)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            number,
            json.dumps(names, ensure_ascii=False),
            licence,
            review,
            owner_confirms,
            contact,
        )

    def set_merchant(
        self,
        number,
        names=None,
        licence=None,
        review=None,
        cvv2=None,
        owner_confirms=None,
        hold_days=None,
        contact=None,
    ):
        """Change what is given, leave the rest."""
        if names is not None:
            names = json.dumps(names, ensure_ascii=False)
        self._put(
            "UPDATE merchants SET names = coalesce(?, names),"
            " licence = upper(coalesce(?, licence)), review = coalesce(?, review),"
            " cvv2 = coalesce(?, cvv2), owner_confirms = coalesce(?, owner_confirms),"
            " hold_days = coalesce(?, hold_days), contact = coalesce(?, contact)"
            " WHERE number = ?",
            names,
            licence,
            review,
            cvv2,
            owner_confirms,
            hold_days,
            contact,
            number,
        )

    def renumber(self, number, new):
        """Give a merchant a new number; its terminals keep the old ones until they use the new."""
        merchant = self.merchant(number)
        self._put("UPDATE merchants SET number = ? WHERE id = ?", new, merchant["id"])
        self._put(
            "UPDATE terminals SET former_merchant ="
            " ltrim(coalesce(former_merchant, '') || ' ' || ?) WHERE merchant = ?",
            number,
            merchant["id"],
        )

    def retire_former_number(self, terminal):
        self._put("UPDATE terminals SET former_merchant = NULL WHERE id = ?", terminal["id"])

    # Terminals and their keys

    def terminal(self, number):
        return self._one("SELECT * FROM terminals WHERE number = ?", number)

    def terminals(self):
        return self._all("SELECT * FROM terminals ORDER BY number")

    def add_terminal(self, number, merchant, serial, ikid, secrets, at):
        """Enrol a terminal. secrets: (token key, service key, owner's code secret as bytes)."""
        sealed = [
            self._vault.seal(value, f"terminal/{number}/{name}")
            for name, value in zip(("token", "service", "code"), secrets, strict=True)
        ]
        identity = self._put(
            "INSERT INTO terminals (number, merchant, serial, ikid, token_key, service_key,"
            " code_secret, enrolled_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            number,
            merchant["id"],
            serial,
            ikid,
            *sealed,
            at,
        )
        self._put("INSERT INTO initial_keys (ikid, terminal) VALUES (?, ?)", ikid, identity)

    def renew_terminal(self, terminal, serial, ikid, secrets, at):
        """New keys for an enrolled terminal, which may be revoked until now; its counter begins
        again from 1, the tokens of its bindings are computed anew.

        secrets: (token key, service key). What is under review goes on against the new token.
        """
        number, identity = terminal["number"], terminal["id"]
        former = self._vault.seal(self.token_key(terminal), f"terminal/{number}/former")
        self._put("INSERT INTO former_token_keys VALUES (?, ?, ?)", identity, at, former)
        if self.counter(terminal["ikid"]):  # these it has, and none from before them
            self._put("DELETE FROM former_service_keys WHERE terminal = ?", identity)
        former = self._vault.seal(self.service_key(terminal), f"terminal/{number}/former service")
        self._put("INSERT INTO former_service_keys VALUES (?, ?)", identity, former)
        sealed = [
            self._vault.seal(value, f"terminal/{number}/{name}")
            for name, value in zip(("token", "service"), secrets, strict=True)
        ]
        self._put(
            "UPDATE terminals SET ikid = ?, serial = ?, token_key = ?, service_key = ?,"
            " log_may_restart = 1, revoked_at = NULL WHERE id = ?",
            ikid,
            serial,
            *sealed,
            identity,
        )
        self._put("INSERT INTO initial_keys (ikid, terminal) VALUES (?, ?)", ikid, identity)
        bound = self._all("SELECT * FROM bindings WHERE terminal = ? AND until IS NULL", identity)
        for row in bound:
            token = keys.binding_token(secrets[0], self.binding_tlvs(row))
            self._put("UPDATE bindings SET token = ? WHERE id = ?", token, row["id"])
            self._put(
                "UPDATE applications SET replaced = ?"
                " WHERE terminal = ? AND slot = ? AND status = ? AND replaced = ?",
                token.hex().upper(),
                identity,
                row["slot"],
                rules.REVIEW,
                row["token"].hex().upper(),
            )

    def add_certificate(self, terminal, serial):
        """Note a certificate that the terminal is given. serial: its number, an int."""
        self._put(
            "INSERT INTO certificates (serial, terminal) VALUES (?, ?)",
            f"{serial:x}",
            terminal["id"],
        )

    def revoke(self, terminal, at):
        """All keys and certificates that the terminal was ever given are void."""
        self._put("UPDATE terminals SET revoked_at = ? WHERE id = ?", at, terminal["id"])
        self._put(
            "UPDATE certificates SET revoked_at = ? WHERE terminal = ? AND revoked_at IS NULL",
            at,
            terminal["id"],
        )

    def revoked_certificates(self):
        """[(serial number, since when)] of all that are let in no more."""
        rows = self._all("SELECT * FROM certificates WHERE revoked_at IS NOT NULL ORDER BY serial")
        return [(int(row["serial"], 16), row["revoked_at"]) for row in rows]

    def initial_key_count(self):
        return self._one("SELECT count(*) FROM initial_keys")[0]

    def was_key_of(self, ikid, number):
        """Whether the terminal with this number has, or once had, the initial key `ikid`."""
        row = self._one(
            "SELECT 1 FROM initial_keys k JOIN terminals t ON t.id = k.terminal"
            " WHERE k.ikid = ? AND t.number = ?",
            ikid,
            number,
        )
        return row is not None

    def counter(self, ikid):
        return self._one("SELECT counter FROM initial_keys WHERE ikid = ?", ikid)[0]

    def set_counter(self, ikid, counter):
        self._put("UPDATE initial_keys SET counter = ? WHERE ikid = ?", counter, ikid)

    def token_key(self, terminal):
        return self._vault.unseal(terminal["token_key"], f"terminal/{terminal['number']}/token")

    def former_token_keys(self, terminal):
        """Those under which records may still come that were made before an enrolment."""
        rows = self._all("SELECT * FROM former_token_keys WHERE terminal = ?", terminal["id"])
        place = f"terminal/{terminal['number']}/former"
        return [self._vault.unseal(row["token_key"], place) for row in rows]

    def forget_former_token_keys(self, terminal):
        self._put("DELETE FROM former_token_keys WHERE terminal = ?", terminal["id"])

    def service_keys(self, terminal):
        """Those that the terminal may have, the oldest first: one, or all that were made since it
        has spoken last.
        """
        former = []
        if not self.counter(terminal["ikid"]):
            rows = self._all(
                "SELECT * FROM former_service_keys WHERE terminal = ? ORDER BY rowid",
                terminal["id"],
            )
            place = f"terminal/{terminal['number']}/former service"
            former = [self._vault.unseal(row["service_key"], place) for row in rows]
        return [*former, self.service_key(terminal)]

    def service_key(self, terminal):
        return self._vault.unseal(
            terminal["service_key"], f"terminal/{terminal['number']}/service"
        )

    def code_secret(self, terminal):
        place = f"terminal/{terminal['number']}/code"
        return self._vault.unseal(terminal["code_secret"], place).decode()

    def set_code_secret(self, terminal, secret):
        """Another secret for the owner's authenticator: codes of the former are wrong."""
        place = f"terminal/{terminal['number']}/code"
        sealed = self._vault.seal(secret.encode(), place)
        self._put("UPDATE terminals SET code_secret = ? WHERE id = ?", sealed, terminal["id"])

    # The owner's one-time codes

    def spend_step(self, terminal, step):
        """True when no right code came of this time step or a later one; it is spent now."""
        cursor = self._db.execute(
            "UPDATE terminals SET last_step = ?1, wrong_codes = 0"
            " WHERE id = ?2 AND last_step < ?1",
            (step, terminal["id"]),
        )
        return cursor.rowcount == 1

    def count_wrong_code(self, terminal):
        self._put(
            "UPDATE terminals SET wrong_codes = wrong_codes + 1 WHERE id = ?", terminal["id"]
        )

    def is_locked(self, terminal):
        """Whether so many wrong codes came in a row that changes wait for the provider."""
        return terminal["wrong_codes"] >= rules.MAX_WRONG_CODES

    def unlock(self, terminal):
        self._put("UPDATE terminals SET wrong_codes = 0 WHERE id = ?", terminal["id"])

    # Bindings

    def binding(self, terminal, slot):
        """The current binding of a slot, or None."""
        return self._one(
            "SELECT * FROM bindings WHERE terminal = ? AND slot = ? AND until IS NULL",
            terminal["id"],
            slot,
        )

    def tokens(self, terminal):
        """{slot: token} of the current bindings."""
        rows = self._all(
            "SELECT slot, token FROM bindings WHERE terminal = ? AND until IS NULL",
            terminal["id"],
        )
        return {row["slot"]: row["token"] for row in rows}

    def bindings_ever(self, terminal, slot):
        """The TLVs of every binding that a slot has, or once had."""
        rows = self._all(
            "SELECT * FROM bindings WHERE terminal = ? AND slot = ?", terminal["id"], slot
        )
        return [self.binding_tlvs(row) for row in rows]

    def binding_tlvs(self, row):
        return self._vault.unseal(row["tlvs"], f"binding/{row['terminal']}/{row['slot']}")

    def bind(self, terminal, slot, tlvs, at, application=None):
        """Make a binding current; the one it replaces goes into history. Returns its token."""
        token = keys.binding_token(self.token_key(terminal), tlvs)
        self.unbind(terminal, slot, at)
        self._put(
            "INSERT INTO bindings (terminal, slot, tlvs, token, since, application)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            terminal["id"],
            slot,
            self._vault.seal(tlvs, f"binding/{terminal['id']}/{slot}"),
            token,
            at,
            application,
        )
        return token

    def unbind(self, terminal, slot, at):
        """End the current binding of a slot, if there is one: it goes into history."""
        self._put(
            "UPDATE bindings SET until = ? WHERE terminal = ? AND slot = ? AND until IS NULL",
            at,
            terminal["id"],
            slot,
        )

    # Applications

    def application(self, terminal, uuid):
        return self._one(
            "SELECT * FROM applications WHERE terminal = ? AND uuid = ?", terminal["id"], uuid
        )

    def application_by_id(self, identity):
        return self._one("SELECT * FROM applications WHERE id = ?", identity)

    def pending(self, terminal):
        return self._one(
            "SELECT * FROM applications WHERE terminal = ? AND status = ?",
            terminal["id"],
            rules.REVIEW,
        )

    def code_checks(self, terminal, day):
        """How many requests of this terminal reached the one-time-code check on a day."""
        return self._one(
            "SELECT count(*) FROM applications WHERE terminal = ? AND code_day = ?",
            terminal["id"],
            day.isoformat(),
        )[0]

    def file(self, terminal, merchant_number, uuid, proposal, replaced, refused, code_day, at):
        """Store a new application and give it its numbers. Returns its row.

        refused: the Refused, or None where it passed every check; code_day: the day of its code
        check or None. One that passed waits for whom the merchant's policy says, or is true at
        once. Only while it waits is its proposal kept, sealed; else masked data only.
        """
        day = rules.civil_date(at)
        running = self._one("SELECT coalesce(max(id), 0) + 1 FROM applications")[0]
        sealed = None
        if refused is None:
            sealed = self._vault.seal(proposal.tlvs, f"proposal/{terminal['id']}/{uuid.hex()}")
        identity = self._put(
            "INSERT INTO applications (terminal, uuid, number, reference, merchant, action, slot,"
            " reason, operator, supervisor, serial, location, replaced, shown, proposal, status,"
            " code, code_day, created_at) VALUES"
            " (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            terminal["id"],
            uuid,
            f"SB{day:%Y%m%d}{running:06d}",
            f"{day:%y%j}{running % 10**7:07d}",
            merchant_number,
            proposal.action,
            proposal.slot,
            proposal.reason,
            proposal.operator,
            proposal.supervisor,
            proposal.serial,
            proposal.location,
            replaced,
            self._shown_change(terminal, proposal),
            sealed,
            rules.REVIEW if refused is None else rules.REJECTED,
            "09",
            code_day.isoformat() if code_day else None,
            at,
        )
        application = self.application_by_id(identity)
        if refused is None:
            self.move_on(application, at)
        else:
            self.refuse(application, refused, at)
        return self.application_by_id(identity)

    def _shown_change(self, terminal, proposal):
        """What people may see of a change, as JSON: the new binding, and the one `before` it."""
        current = self.binding(terminal, proposal.slot)
        before = rules.describe(self.binding_tlvs(current)) if current else None
        shown = rules.describe(b"" if proposal.removes else proposal.tlvs)
        return json.dumps({**shown, "before": before}, ensure_ascii=False)

    def move_on(self, application, at):
        """Take an application under review one stage on; behind the last it becomes true.

        One whose slot has got another binding meanwhile is rejected instead.
        """
        terminal = self._one("SELECT * FROM terminals WHERE id = ?", application["terminal"])
        if not self.replaced_token_stands(application):
            self.refuse(application, rules.Refused("token", rules.SLOT_TAG), at)
            return
        merchant = self.merchant_of(terminal)
        tlvs = self._proposed(application)
        passed = application["stage"]
        for stage in rules.STAGES[rules.STAGES.index(passed) + 1 if passed else 0 :]:
            due = None
            if stage == rules.OWNER:
                wanted, due = merchant["owner_confirms"], application["created_at"] + rules.OWNER_S
            elif stage == rules.PEOPLE:
                wanted = merchant["review"]
            else:
                due = self._held_until(terminal, application, tlvs, merchant["hold_days"], at)
                wanted = due is not None
            if wanted:
                self._wait(application, stage, due, at)
                return
        self.accept(application, at)

    def _proposed(self, application):
        """The TLVs that an application under review proposes; none where it removes a binding."""
        place = f"proposal/{application['terminal']}/{application['uuid'].hex()}"
        return self._vault.unseal(application["proposal"], place)

    def _held_until(self, terminal, application, tlvs, days, at):
        """When a change that passed everything else becomes true; None: now.

        Held is what changes the slot that is paid, unless the same has stood as a reserve for as
        long.
        """
        hold_s = days * rules.DAY_S
        if not hold_s or application["slot"] != rules.PAID_SLOT:
            return None
        stood = self._one(
            "SELECT 1 FROM bindings WHERE terminal = ? AND slot <> ? AND until IS NULL"
            " AND token = ? AND since <= ?",
            terminal["id"],
            rules.PAID_SLOT,
            keys.binding_token(self.token_key(terminal), tlvs),
            at - hold_s,
        )
        return None if stood else at + hold_s

    def _wait(self, application, stage, due, at):
        self._put(
            "UPDATE applications SET stage = ?, due = ?, message = ? WHERE id = ?",
            stage,
            due,
            rules.waiting_reason(stage),
            application["id"],
        )
        self._tell_owner(application["id"], at)

    def accept(self, application, at):
        """Settle an application under review: what it proposes becomes true."""
        terminal = self._one("SELECT * FROM terminals WHERE id = ?", application["terminal"])
        token = None
        if application["action"] == rules.ACTION_REMOVE:
            self.unbind(terminal, application["slot"], at)
        else:
            tlvs = self._proposed(application)
            token = self.bind(terminal, application["slot"], tlvs, at, application["id"])
        self._settle(application, rules.ACTIVE, "00", at, token=token)

    def refuse(self, application, refused, at):
        """Settle an application under review with a Refused."""
        self.reject(application, refused.code, refused.reason, refused.kind, at, refused.until)

    def reject(self, application, code, message, kind, at, until=None):
        """Settle an application under review: nothing changes but its state.

        kind: DF4B or None; until: when it may be tried again, where that is known.
        """
        self._settle(application, rules.REJECTED, code, at, message, kind, until)

    def _settle(
        self, application, status, code, at, message=None, kind=None, due=None, token=None
    ):
        self._put(
            "UPDATE applications SET status = ?, code = ?, message = ?, kind = ?, due = ?,"
            " token = ?, stage = NULL, proposal = NULL, settled_at = ? WHERE id = ?",
            status,
            code,
            message,
            kind,
            due,
            token,
            at,
            application["id"],
        )
        self._put("UPDATE terminals SET records_wanted = 1 WHERE id = ?", application["terminal"])
        self._tell_owner(application["id"], at)

    def pass_time(self, now, terminal=None):
        """Settle what waited until now: the owner who did not confirm, the hold that is over.

        At the moment at which it was due, however late this is. terminal: of this one alone.
        """
        for row in self._all(
            "SELECT * FROM applications WHERE status = ?1 AND due <= ?2"
            " AND (?3 IS NULL OR terminal = ?3)",
            rules.REVIEW,
            now,
            terminal and terminal["id"],
        ):
            if row["stage"] == rules.OWNER:
                self.refuse(row, rules.Refused("unconfirmed"), row["due"])
            else:
                self.move_on(row, row["due"])

    def is_due(self, now):
        """Whether `pass_time` would change anything."""
        row = self._one(
            "SELECT 1 FROM applications WHERE status = ? AND due <= ?", rules.REVIEW, now
        )
        return row is not None

    def _tell_owner(self, identity, at):
        """Tell the contact that was on file before an application what has become of it."""
        row = self.application_by_id(identity)
        self._put(
            "INSERT INTO messages (application, contact, event, due, at) SELECT ?1, coalesce("
            "(SELECT contact FROM messages WHERE application = ?1 ORDER BY id LIMIT 1),"
            "(SELECT m.contact FROM merchants m JOIN terminals t ON t.merchant = m.id"
            " WHERE t.id = ?2)), ?3, ?4, ?5",
            identity,
            row["terminal"],
            row["stage"] or _STATUS[row["status"]],
            row["due"],
            at,
        )

    def replaced_token_stands(self, application):
        """Whether the slot still holds the binding that the application set out to replace."""
        row = self._one(
            "SELECT token FROM bindings WHERE terminal = ? AND slot = ? AND until IS NULL",
            application["terminal"],
            application["slot"],
        )
        return (row["token"].hex().upper() if row else None) == application["replaced"]

    def mark_told(self, application):
        self._put("UPDATE applications SET told = 1 WHERE id = ?", application["id"])

    def has_untold(self, terminal):
        """Whether a decision waits for the terminal."""
        return (
            self._one(
                "SELECT 1 FROM applications WHERE terminal = ? AND status <> ? AND told = 0",
                terminal["id"],
                rules.REVIEW,
            )
            is not None
        )

    def under_review(self, stage):
        """The applications that wait for one of rules.STAGES."""
        return self._all(
            "SELECT * FROM applications WHERE status = ? AND stage = ? ORDER BY id",
            rules.REVIEW,
            stage,
        )

    def find_application(self, number):
        """By its number, its reference number or its UUID in hex."""
        return self._one(
            "SELECT * FROM applications WHERE number = ?1 OR reference = ?1"
            " OR lower(hex(uuid)) = lower(replace(?1, '-', ''))",
            number,
        )

    # Passwords reset by the provider

    def reset(self, terminal, operator, challenge):
        """When and by whom this challenge was answered, as a row; None when it never was."""
        return self._one(
            "SELECT * FROM resets WHERE terminal = ? AND operator = ? AND challenge = ?",
            terminal["id"],
            operator,
            challenge,
        )

    def add_reset(self, terminal, operator, challenge, verified_by, reason, at):
        self._put(
            "INSERT INTO resets VALUES (?, ?, ?, ?, ?, ?)",
            terminal["id"],
            operator,
            challenge,
            verified_by,
            reason,
            at,
        )

    # Marks

    def mark(self, terminal, kind, subject, detail, at):
        """Note, for people, that something came that should not have; counted when it was before.

        kind: what came; subject: of which key or record; detail: a sentence without secrets.
        """
        self._put(
            "INSERT INTO marks (terminal, kind, subject, detail, first_at, last_at)"
            " VALUES (?1, ?2, ?3, ?4, ?5, ?5) ON CONFLICT DO UPDATE SET"
            " detail = ?4, count = count + 1, last_at = ?5",
            terminal["id"],
            kind,
            subject,
            detail,
            at,
        )

    # Audit records

    def want_records(self, terminal, wanted):
        self._put("UPDATE terminals SET records_wanted = ? WHERE id = ?", wanted, terminal["id"])

    def last_record(self, terminal):
        """(sequence, chain) of the last stored record or gap; (0, zeros) before the first."""
        row = self._one(
            "SELECT sequence, chain FROM records WHERE terminal = ?1 AND log = ?2"
            " UNION ALL SELECT last, chain FROM gaps WHERE terminal = ?1 AND log = ?2"
            " ORDER BY 1 DESC LIMIT 1",
            terminal["id"],
            terminal["log"],
        )
        return (row["sequence"], row["chain"]) if row else (0, bytes(8))

    def record(self, terminal, sequence):
        """A stored record of the log that the terminal is writing, or None."""
        return self._one(
            "SELECT * FROM records WHERE terminal = ? AND log = ? AND sequence = ?",
            terminal["id"],
            terminal["log"],
            sequence,
        )

    def chain_behind(self, terminal, sequence):
        """The chain of a stored record, or of the last one of a gap; None where it is unknown."""
        row = self.record(terminal, sequence) or self._one(
            "SELECT chain FROM gaps WHERE terminal = ? AND log = ? AND last = ?",
            terminal["id"],
            terminal["log"],
            sequence,
        )
        return row["chain"] if row else None

    def has_gap(self, terminal, first, last, chain):
        """Whether exactly this gap is stored."""
        row = self._one(
            "SELECT 1 FROM gaps WHERE terminal = ? AND log = ? AND first = ? AND last = ?"
            " AND chain = ?",
            terminal["id"],
            terminal["log"],
            first,
            last,
            chain,
        )
        return row is not None

    def add_gap(self, terminal, first, last, chain):
        self._put(
            "INSERT INTO gaps (terminal, log, first, last, chain) VALUES (?, ?, ?, ?, ?)",
            terminal["id"],
            terminal["log"],
            first,
            last,
            chain,
        )

    def add_record(self, terminal, record):
        self._put(
            "INSERT INTO records (terminal, log, sequence, at, event, operator, outcome, chain,"
            " detail) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            terminal["id"],
            terminal["log"],
            record.sequence,
            record.at,
            record.event,
            record.operator,
            record.outcome,
            record.chain,
            record.detail,
        )

    def settle_log(self, terminal, restart):
        """After an enrolment: the terminal goes on with its log, or begins another. Its row."""
        self._put(
            "UPDATE terminals SET log_may_restart = 0, log = log + ? WHERE id = ?",
            int(restart),
            terminal["id"],
        )
        return self.terminal(terminal["number"])

    # What people may see

    def snapshot(self):
        """Everything in the books as plain data: masked numbers, no keys."""
        with self._reading():
            return {
                "merchants": self._shown_merchants(),
                "terminals": self._shown_terminals(),
                "bindings": self._shown_bindings("IS NULL"),
                "history": self._shown_bindings("IS NOT NULL"),
                "applications": self._shown_applications(),
                "messages": self._shown_messages(),
                "records": self._shown_records(),
                "gaps": self._shown_gaps(),
                "marks": self._shown_marks(),
                "resets": self._shown_resets(),
            }

    @contextlib.contextmanager
    def _reading(self):
        self._execute("BEGIN")
        try:
            yield
        finally:
            self._execute("COMMIT")

    def _shown_merchants(self):
        return [
            {
                "merchant": row["number"],
                "names": json.loads(row["names"]),
                "licence": row["licence"],
                "policy": "review" if row["review"] else "auto",
                "cvv2": bool(row["cvv2"]),
                "owner_confirms": bool(row["owner_confirms"]),
                "hold_days": row["hold_days"],
                "contact": row["contact"],
            }
            for row in self._all("SELECT * FROM merchants ORDER BY number")
        ]

    def _shown_terminals(self):
        shown = []
        for row in self.terminals():
            pending = self.pending(row)
            shown.append(
                {
                    "terminal": row["number"],
                    "merchant": self.merchant_of(row)["number"],
                    "former_merchant": row["former_merchant"],
                    "serial": row["serial"],
                    "ikid": row["ikid"].hex(),
                    "counter": self.counter(row["ikid"]),
                    "pending": pending["number"] if pending else None,
                    "records": self.last_record(row)[0],
                    "records_wanted": bool(row["records_wanted"]),
                    "decision_waiting": self.has_untold(row),
                    "wrong_codes": row["wrong_codes"],
                    "locked": self.is_locked(row),
                    "enrolled_at": row["enrolled_at"],
                    "revoked_at": row["revoked_at"],
                }
            )
        return shown

    def _shown_bindings(self, until):
        rows = self._all(
            "SELECT b.*, t.number AS terminal_number, m.number AS merchant_number,"
            " a.number AS application_number FROM bindings b"
            " JOIN terminals t ON t.id = b.terminal JOIN merchants m ON m.id = t.merchant"
            f" LEFT JOIN applications a ON a.id = b.application WHERE b.until {until}"
            " ORDER BY t.number, b.slot, b.id"
        )
        return [
            {
                "terminal": row["terminal_number"],
                "merchant": row["merchant_number"],
                "slot": row["slot"],
                "token": row["token"].hex().upper(),
                **rules.describe(self.binding_tlvs(row)),
                "since": row["since"],
                "until": row["until"],
                "application": row["application_number"],
            }
            for row in rows
        ]

    def _shown_applications(self):
        rows = self._all(
            "SELECT a.*, t.number AS terminal_number FROM applications a"
            " JOIN terminals t ON t.id = a.terminal ORDER BY a.id"
        )
        return [
            {
                "application": row["number"],
                "reference": row["reference"],
                "uuid": row["uuid"].hex(),
                "terminal": row["terminal_number"],
                "merchant": row["merchant"],
                "slot": row["slot"],
                "action": _ACTION[row["action"]],
                "reason": row["reason"],
                "operator": row["operator"],
                "supervisor": row["supervisor"],
                "serial": row["serial"],
                "location": row["location"],
                "replaced": row["replaced"],
                **json.loads(row["shown"]),
                "status": _STATUS[row["status"]],
                "stage": row["stage"],
                "due": row["due"],
                "kind_of_refusal": row["kind"],
                "response_code": row["code"],
                "message": row["message"],
                "token": row["token"].hex().upper() if row["token"] else None,
                "created_at": row["created_at"],
                "settled_at": row["settled_at"],
            }
            for row in rows
        ]

    def _shown_messages(self):
        rows = self._all(
            "SELECT m.*, a.number, t.number AS terminal_number FROM messages m"
            " JOIN applications a ON a.id = m.application JOIN terminals t ON t.id = a.terminal"
            " ORDER BY m.id"
        )
        return [
            {
                "terminal": row["terminal_number"],
                "application": row["number"],
                "contact": row["contact"],
                "event": row["event"],
                "due": row["due"],
                "at": row["at"],
            }
            for row in rows
        ]

    def _shown_records(self):
        rows = self._all(
            "SELECT r.*, t.number AS terminal_number FROM records r"
            " JOIN terminals t ON t.id = r.terminal ORDER BY t.number, r.log, r.sequence"
        )
        return [
            {
                "terminal": row["terminal_number"],
                "log": row["log"],
                "sequence": row["sequence"],
                "at": row["at"],
                "event": row["event"],
                "operator": row["operator"],
                "outcome": row["outcome"],
                "chain": row["chain"].hex().upper(),
                "detail": row["detail"],
            }
            for row in rows
        ]

    def _shown_gaps(self):
        rows = self._all(
            "SELECT g.*, t.number AS terminal_number FROM gaps g"
            " JOIN terminals t ON t.id = g.terminal ORDER BY t.number, g.log, g.first"
        )
        return [
            {
                "terminal": row["terminal_number"],
                "log": row["log"],
                "first": row["first"],
                "last": row["last"],
                "chain": row["chain"].hex().upper(),
            }
            for row in rows
        ]

    def _shown_marks(self):
        rows = self._all(
            "SELECT m.*, t.number AS terminal_number FROM marks m"
            " JOIN terminals t ON t.id = m.terminal ORDER BY t.number, m.first_at, m.kind"
        )
        return [
            {
                "terminal": row["terminal_number"],
                "kind": row["kind"],
                "subject": row["subject"],
                "detail": row["detail"],
                "count": row["count"],
                "first_at": row["first_at"],
                "last_at": row["last_at"],
            }
            for row in rows
        ]

    def _shown_resets(self):
        rows = self._all(
            "SELECT r.*, t.number AS terminal_number FROM resets r"
            " JOIN terminals t ON t.id = r.terminal ORDER BY r.at, t.number"
        )
        return [
            {
                "terminal": row["terminal_number"],
                "operator": row["operator"],
                "verified_by": row["verified_by"],
                "reason": row["reason"],
                "at": row["at"],
            }
            for row in rows
        ]
