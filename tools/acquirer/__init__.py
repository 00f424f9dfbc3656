"""The acquirer's host: server, rules, books, command line; written from the wire profile alone.

The rooms: pki and keys (certificates, DUKPT, MACs), message and tlv (the wire), rules, archive,
inquiry and exchange (what is decided, and in which order), books (what is remembered), banks (the
directory of banks, filled by bank_list, initials and made_up), office (what people do to the
books), server (connections). Never imports the firmware. What other tools may
use is named here.
"""

from tools.acquirer.office import (
    DEFAULT_HOME,
    OfficeError,
    answer_as_owner,
    bind,
    decide,
    enroll,
    init,
    is_enrolled,
    marks,
    new_owner_secret,
    owner_code,
    read_books,
    renumber,
    reset_code,
    revoke,
    set_policy,
    unbind,
    unlock,
    want_records,
)
from tools.acquirer.server import DEFAULT_PORT, DROP, Acquirer, Limits

__all__ = [
    "DEFAULT_HOME",
    "DEFAULT_PORT",
    "DROP",
    "Acquirer",
    "Limits",
    "OfficeError",
    "answer_as_owner",
    "bind",
    "decide",
    "enroll",
    "init",
    "is_enrolled",
    "marks",
    "new_owner_secret",
    "owner_code",
    "read_books",
    "renumber",
    "reset_code",
    "revoke",
    "set_policy",
    "unbind",
    "unlock",
    "want_records",
]
