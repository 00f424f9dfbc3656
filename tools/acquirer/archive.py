"""The terminal's audit records, as they arrive in an 0320.

Records run consecutively from 1, each chained to the one before under the token key. Reading
raises TlvError; `store` takes what fits and stops at the first record that does not. May import:
the books (given), keys, tlv.
"""

from dataclasses import dataclass

from tools.acquirer import keys, tlv

RECORD_TAG = 0xDF50
_HEAD = 13  # sequence, time, event, operator, outcome
_CHAIN = 8
_MAX_DETAIL = 64


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


def store(books, terminal, records):
    """Store the records that continue the terminal's log; those already stored are skipped.

    Returns (last stored sequence number, whether every record was stored or skipped).
    """
    token_key = books.token_key(terminal)
    if terminal["log_may_restart"]:
        terminal = books.settle_log(terminal, _begins_anew(books, terminal, records[0], token_key))
    last, chain = books.last_record(terminal)
    for record in records:
        if 0 < record.sequence <= last:
            continue
        if record.sequence != last + 1 or not _fits(record, chain, token_key):
            return last, False
        books.add_record(terminal, record)
        last, chain = record.sequence, record.chain
    return last, True


def _fits(record, previous, token_key):
    return keys.equal(keys.audit_chain(token_key, previous, record.body), record.chain)


def _begins_anew(books, terminal, record, token_key):
    """A terminal enrolled again may have been wiped: then its log begins from another record 1."""
    stored = books.record(terminal, 1)
    return (
        record.sequence == 1
        and stored is not None
        and stored["chain"] != record.chain
        and _fits(record, bytes(_CHAIN), token_key)
    )
