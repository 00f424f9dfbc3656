"""The terminal's audit records, as they arrive in an 0320.

Records run consecutively from 1, each chained to the one before under the token key, or after an
enrolment, until the terminal uses the new one, under the key before; a gap stands for records that
the terminal has lost. Reading raises TlvError; `store` takes what fits and stops
at the first entry that does not. What contradicts the archive is marked in the books. May import:
the books (given), keys, tlv.
"""

from dataclasses import dataclass

from tools.acquirer import keys, tlv

RECORD_TAG = 0xDF50
GAP_TAG = 0xDF52
_HEAD = 13  # sequence, time, event, operator, outcome
_CHAIN = 8
_MAX_DETAIL = 64
_GAP = 4 + 4 + _CHAIN
_BEGUN = 1  # the event of a log's first record
_NEW_KEYS = 9  # of the one that tells of an enrolment: from here on nothing is under a former key


@dataclass
class Record:
    """One audit record; `body` is what its chain covers besides the chain before it."""

    sequence: int
    at: int
    event: int
    operator: str
    outcome: str
    chain: bytes
    detail: str
    body: bytes


@dataclass
class Gap:
    """Records that the terminal has lost: the first and the last number, the chain behind it."""

    first: int
    last: int
    chain: bytes


def read(value):
    """A Record from one DF50. Raises TlvError."""
    head, chain, detail = value[:_HEAD], value[_HEAD : _HEAD + _CHAIN], value[_HEAD + _CHAIN :]
    if len(chain) != _CHAIN or len(detail) > _MAX_DETAIL:
        raise tlv.TlvError(RECORD_TAG, "wrong length")
    if not all(0x20 < byte < 0x7F for byte in head[9:13]):
        raise tlv.TlvError(RECORD_TAG, "operator or outcome unreadable")
    try:
        text = detail.decode("utf-8")
    except UnicodeDecodeError as error:
        raise tlv.TlvError(RECORD_TAG, "detail unreadable") from error
    return Record(
        sequence=int.from_bytes(head[:4], "big"),
        at=int.from_bytes(head[4:8], "big"),
        event=head[8],
        operator=head[9:11].decode(),
        outcome=head[11:13].decode(),
        chain=chain,
        detail=text,
        body=head + detail,
    )


def _read_gap(value):
    if len(value) != _GAP:
        raise tlv.TlvError(GAP_TAG, "wrong length")
    gap = Gap(int.from_bytes(value[:4], "big"), int.from_bytes(value[4:8], "big"), value[8:])
    if not 1 <= gap.first <= gap.last:
        raise tlv.TlvError(GAP_TAG, "first above last")
    return gap


def split(block):
    """The Records and Gaps of an 0320's DE 120, in its order. Raises TlvError."""
    readers = {RECORD_TAG: read, GAP_TAG: _read_gap}
    pairs = tlv.split(block, repeatable=tuple(readers))
    entries = [readers[tag](value) for tag, value in pairs if tag in readers]
    if not entries:
        raise tlv.TlvError(RECORD_TAG, "missing")
    return entries


def store(books, terminal, entries, at):
    """Store the entries that continue the terminal's log; those already stored are skipped.

    at: Unix time, for marks. Returns (last stored sequence number, whether every entry was stored
    or skipped). The number is 0, and nothing is stored, when a terminal that was enrolled again
    has to send its log from the start, so that it can be told from the one before.
    """
    now, *former = token_keys = [books.token_key(terminal), *books.former_token_keys(terminal)]
    if terminal["log_may_restart"]:
        restarts = _begins_another(books, terminal, entries[0], token_keys)
        if restarts is None:
            if isinstance(entries[0], Record) and entries[0].sequence == 1:
                _mark_contradiction(books, terminal, entries[0], token_keys, at)
            return 0, False
        terminal = books.settle_log(terminal, restarts)
    last, chain = books.last_record(terminal)
    for entry in entries:
        if isinstance(entry, Gap):
            if books.has_gap(terminal, entry.first, entry.last, entry.chain):
                continue
            if entry.first != last + 1:
                return last, False
            _add_gap(books, terminal, entry, at)
            last = entry.last
        else:
            if 0 < entry.sequence <= last:
                if _is_stored(books, terminal, entry):
                    continue
                _mark_contradiction(books, terminal, entry, token_keys, at)
                return last, False
            if entry.sequence != last + 1:
                return last, False
            if not _fits(entry, chain, token_keys):
                _mark(
                    books,
                    terminal,
                    "wrong chain",
                    entry,
                    "does not follow from the one before",
                    at,
                )
                return last, False
            books.add_record(terminal, entry)
            if former and (entry.event == _NEW_KEYS or _fits(entry, chain, (now,))):
                books.forget_former_token_keys(terminal)
                former, token_keys = [], [now]
            last = entry.sequence
        chain = entry.chain
    return last, True


def _fits(record, previous, token_keys):
    return any(
        keys.equal(keys.audit_chain(key, previous, record.body), record.chain)
        for key in token_keys
    )


def _is_stored(books, terminal, record):
    return books.chain_behind(terminal, record.sequence) == record.chain


def _begins_log(record, token_keys):
    return (
        record.sequence == 1
        and record.event == _BEGUN
        and _fits(record, bytes(_CHAIN), token_keys)
    )


def _add_gap(books, terminal, gap, at):
    books.add_gap(terminal, gap.first, gap.last, gap.chain)
    subject = f"log {terminal['log']}, records {gap.first} to {gap.last}"
    books.mark(terminal, "gap", subject, "the terminal has lost them", at)


def _mark(books, terminal, kind, record, words, at):
    subject = f"log {terminal['log']}, record {record.sequence}"
    books.mark(terminal, kind, subject, words, at)


def _mark_contradiction(books, terminal, record, token_keys, at):
    if _begins_log(record, token_keys):
        words = "the terminal's log began anew: find out why, then enrol it again"
        _mark(books, terminal, "new log", record, words, at)
    else:
        _mark(books, terminal, "other record", record, "is not the one stored", at)


def _begins_another(books, terminal, entry, token_keys):
    """Whether a terminal that was enrolled again, and so may have been wiped, begins another log.

    entry: the first that it sends. None when that can't be told from it.
    """
    last, chain = books.last_record(terminal)
    if isinstance(entry, Gap):
        if entry.first == last + 1 or books.chain_behind(terminal, entry.last) == entry.chain:
            return False
        return True if entry.first == 1 else None
    if last == 0 or _is_stored(books, terminal, entry):
        return False
    if entry.sequence == last + 1 and _fits(entry, chain, token_keys):
        return False
    return True if _begins_log(entry, token_keys) else None
