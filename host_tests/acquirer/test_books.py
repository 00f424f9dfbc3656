"""Books of an older version are brought up to date when they are opened, and keep everything."""

import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from host_tests.acquirer.shops import NOON
from tools.acquirer import keys, rules, tlv
from tools.acquirer.books import Books

OLD_SCHEMAS = {version: Path(__file__).with_name(f"books_{version}.sql") for version in (1, 2)}
VAULT = keys.Vault(bytes(32))
TOKEN_KEY, SERVICE_KEY = bytes(range(16)), bytes(range(16, 32))
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
IKID = bytes.fromhex("5265626900000001")
UUID = bytes(range(100, 116))
BINDING = tlv.join(
    [
        (rules.NAME_TAG, "示例商贸".encode()),
        (rules.ACCOUNT_TAG, b"6222021234567890128"),
        (rules.CNAPS_TAG, b"102100099996"),
        (rules.TYPE_TAG, b"\1"),
        (rules.LICENCE_TAG, b"91350100M000100Y43"),
    ]
)


def rows_of_an_old_shop(version):
    """Every table of that version with what a shop leaves in it."""
    token = keys.binding_token(TOKEN_KEY, BINDING)
    sealed = [
        VAULT.seal(value, f"terminal/T0000001/{name}")
        for name, value in (
            ("token", TOKEN_KEY),
            ("service", SERVICE_KEY),
            ("code", SECRET.encode()),
        )
    ]
    shown = json.dumps(rules.describe(BINDING), ensure_ascii=False)
    terminal = (1, "M1 M2", "RB1", IKID, *sealed, 1, 2, 1, NOON)
    rows = {
        "merchants": [(1, "M3", '["示例商贸", "张三"]', "91350100M000100Y43", 1, 1)],
        "terminals": [(1, "T0000001", *terminal), (2, "T0000002", *terminal[:-1], NOON)],
        "initial_keys": [(IKID, 1, 41), (IKID[::-1], 2, 0)],
        "bindings": [
            (1, 1, 2, VAULT.seal(BINDING, "binding/1/2"), token, NOON, None, None),
            (2, 1, 1, VAULT.seal(BINDING, "binding/1/1"), token, NOON, NOON + 1, None),
        ],
        "applications": [
            (1, 1, UUID, "SB1", "R1", "M1", 1, 2, 4, "01", "00", "RB1", None, None, shown)
            + (VAULT.seal(BINDING, f"proposal/1/{UUID.hex()}"), 2, "09", None, None)
            + ("2026-11-24", NOON, None, 0)
        ],
        "records": [(1, 2, 1, NOON, 1, "--", "--", bytes(8), "")],
    }
    if version == 1:
        return {**rows, "spent_steps": [(1, 700), (1, 702), (1, 701)]}
    one, two = rows["terminals"]
    rows["terminals"] = [(*one, 702, 4), (*two, 0, 0)]
    return {
        **rows,
        "gaps": [(1, 2, 2, 9, bytes(8))],
        "marks": [(1, "old counter", "k", "words", 2, NOON, NOON + 1)],
    }


def write_old(path, version):
    db = sqlite3.connect(path)
    schema = OLD_SCHEMAS[version].read_text(encoding="utf-8")
    db.executescript(f"{schema}PRAGMA user_version = {version};")
    for table, rows in rows_of_an_old_shop(version).items():
        for row in rows:
            db.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)
    db.commit()
    db.close()
    return path


@pytest.fixture(params=OLD_SCHEMAS)
def version(request):
    return request.param


@pytest.fixture
def old_file(tmp_path, version):
    """Books as that version wrote them."""
    return write_old(tmp_path / "books.sqlite3", version)


def content(path, table):
    db = sqlite3.connect(path)
    db.row_factory = sqlite3.Row
    rows = [dict(row) for row in db.execute(f"SELECT * FROM {table}")]
    db.close()
    return rows


def layout(path):
    db = sqlite3.connect(path)
    tables = [
        name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    ]
    laid_out = {table: sorted(db.execute(f"PRAGMA table_info({table})")) for table in tables}
    (version,) = db.execute("PRAGMA user_version").fetchone()
    db.close()
    return version, {
        table: {(name, kind, needed, default) for _, name, kind, needed, default, _ in columns}
        for table, columns in laid_out.items()
    }


def test_old_books_keep_every_row(old_file, version):
    tables = [table for table in rows_of_an_old_shop(version) if table != "spent_steps"]
    before = {table: content(old_file, table) for table in tables}
    Books(old_file, VAULT).close()
    for table in tables:
        after = content(old_file, table)
        assert [{key: row[key] for key in old} for row, old in zip(
            after, before[table], strict=True)] == before[table]  # fmt: skip


def test_old_books_end_up_laid_out_like_new_ones(old_file, tmp_path):
    Books(old_file, VAULT).close()
    Books(tmp_path / "new.sqlite3", VAULT).close()
    assert layout(old_file) == layout(tmp_path / "new.sqlite3")
    Books(old_file, VAULT).close()  # again: nothing to do


def test_old_books_work_on(old_file, version):
    books = Books(old_file, VAULT)
    terminal = books.terminal("T0000001")
    shown = books.snapshot()
    assert [row["number"] for row in shown["bindings"]] == ["622202*********0128"]
    assert len(shown["marks"]) == len(shown["gaps"]) == (version == 2)
    assert shown["messages"] == []
    (merchant,) = shown["merchants"]
    assert (merchant["owner_confirms"], merchant["hold_days"]) == (True, 0)
    (application,) = shown["applications"]
    assert (application["status"], application["stage"]) == ("review", "people")
    assert [row["locked"] for row in shown["terminals"]] == [False, False]
    assert books.bindings_ever(terminal, 1) == [BINDING]
    assert books.last_record(terminal) == ((9 if version == 2 else 1), bytes(8))
    with books.transaction():
        assert not books.spend_step(terminal, 702)  # the last one that was spent
        assert books.spend_step(terminal, 703)
        assert books.spend_step(books.terminal("T0000002"), 700)  # nobody's but its own
        books.move_on(books.pending(terminal), NOON)
    assert books.pending(terminal) is None
    assert books.binding_tlvs(books.binding(terminal, 2)) == BINDING
    books.close()


def test_books_whose_update_is_cut_are_still_the_old_ones(
    old_file, version, tmp_path, monkeypatch
):
    kept = tmp_path / "kept.sqlite3"
    shutil.copy(old_file, kept)
    steps = []

    def cut(books, script):
        for statement in script.split(";\n")[:4]:
            books._db.execute(statement)
            steps.append(statement)
        raise KeyboardInterrupt

    monkeypatch.setattr(Books, "_run", cut)
    with pytest.raises(KeyboardInterrupt):
        Books(old_file, VAULT)
    monkeypatch.undo()
    assert len(steps) == 4
    assert layout(old_file) == layout(kept)
    for table in rows_of_an_old_shop(version):
        assert content(old_file, table) == content(kept, table)
    Books(old_file, VAULT).close()


def test_books_of_a_later_version_are_left_alone(tmp_path):
    path = tmp_path / "books.sqlite3"
    Books(path, VAULT).close()
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(sqlite3.DatabaseError, match="version 99"):
        Books(path, VAULT)
    assert layout(path)[0] == 99
