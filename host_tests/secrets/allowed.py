"""What may be where: the one list that `make secrets` goes by. docs/security.md shows it, and a
test compares the two.
"""

# Kinds of secrets
PASSWORD = "password"
FIRST_PASSWORD = "first password"
CODE = "one-time code"
CVV2 = "CVV2"
RESPONSE = "reset response"
ACCOUNT = "account number, stored"  # of a binding that is or was, or of a request
CARD = "card number, stored"
TYPED = "number that was only typed"  # or swiped, and never submitted
TRACK = "rest of a card's track"
OPERATOR_CARD = "operator card's number"
INITIAL_KEY = "initial key"
TOKEN_KEY = "token key"
SERVICE_KEY = "service key"
SEALING_KEY = "sealing keys"
TLS_KEY = "TLS private key"
WIFI = "Wi-Fi password"
OWNER_SECRET = "owner's secret"
ACQUIRER_KEY = "acquirer's own keys"

# Places
FLASH = "journal's flash"
OPENED = "journal, unsealed"
RECORDS = "change records and audit log"
FILES = "file system"
NVS = "key storage"
SERIAL = "serial line"
LOG = "acquirer's log"
BOOKS = "acquirer's books"
SEALED = "books, unsealed"
PAGE = "simulator's page"
OUT = "memory, logged out"
ALONE = "memory, left alone"
MIDDLE = "memory, page left"

PLACES = (
    *(FLASH, OPENED, RECORDS, FILES, NVS, SERIAL, LOG, BOOKS, SEALED, PAGE),
    *(OUT, ALONE, MIDDLE),
)
KINDS = (
    *(PASSWORD, FIRST_PASSWORD, CODE, CVV2, RESPONSE, ACCOUNT, CARD, TYPED, TRACK, OPERATOR_CARD),
    *(INITIAL_KEY, TOKEN_KEY, SERVICE_KEY, SEALING_KEY, TLS_KEY, WIFI, OWNER_SECRET),
    ACQUIRER_KEY,
)

_MEMORY = (OUT, ALONE, MIDDLE)

_IN_USE = "the running terminal works with it; whoever reads its memory reads its keys and flash"
_PANEL = "the page shows the panel, and what lies on the counter"
_BOUND = [
    ((OPENED,), "the binding, the one before it, and the request under way"),
    ((SEALED,), "the bindings that are and were, and requests under review"),
    (_MEMORY, "the terminal compares its binding with the acquirer's at each sync"),
    ((PAGE,), _PANEL),
]

ALLOWED = {
    FIRST_PASSWORD: [((PAGE,), _PANEL)],
    CODE: [((PAGE,), "the page shows the owner's phone")],
    RESPONSE: [((PAGE,), "it stands in the field as it is typed, and is good for one challenge")],
    ACCOUNT: _BOUND,
    CARD: _BOUND,
    TYPED: [((PAGE,), _PANEL)],
    OPERATOR_CARD: [((PAGE,), _PANEL)],
    TOKEN_KEY: [((NVS,), "its place"), ((SEALED,), "its place"), (_MEMORY, _IN_USE)],
    SERVICE_KEY: [((NVS,), "its place"), ((SEALED,), "its place")],
    SEALING_KEY: [((NVS,), "its place"), (_MEMORY, _IN_USE)],
    TLS_KEY: [((NVS,), "its place"), (_MEMORY, "a connection has it until that has ended")],
    WIFI: [((NVS,), "its place"), (_MEMORY, "the radio is to join again by itself")],
    OWNER_SECRET: [((SEALED,), "its place")],
}
"""{kind: [(the places in which it may stand, why)]}"""


def why(kind, place):
    """Return why a secret of this kind may be there; None when it may not."""
    for places, reason in ALLOWED.get(kind, ()):
        if place in places:
            return reason
    return None


def table():
    """Return the rows that docs/security.md shows."""
    rows = []
    for kind in KINDS:
        places = ALLOWED.get(kind) or [((), "nowhere")]
        rows += [f"| {kind} | {', '.join(where) or '–'} | {reason} |" for where, reason in places]
    return rows
