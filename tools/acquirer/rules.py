"""What a binding change must contain, and the order in which its contents are judged.

Reading a proposal raises TlvError (answered 30, nothing stored); judging it raises Refused
(answered with DF40=03 and stored). The judge sees plain values, so that each rule can be read on
one line and none of them knows a wire, a key or a table. May import: the tlv room, python-stdnum.
"""

import datetime
import unicodedata
from dataclasses import dataclass

from stdnum import luhn

from tools.acquirer import tlv

ACTION_ACCOUNT = 1
ACTION_CARD = 2
ACTION_RESTORE = 3
ACTION_REMOVE = 4

PAID_SLOT = 1  # what stands in the others is a reserve that waits

ACTIVE = 1
REVIEW = 2
REJECTED = 3
UNKNOWN = 4

# Whom a change under review waits for, in this order; each only where the merchant's policy asks.
OWNER = "owner"
PEOPLE = "people"
HELD = "held"
STAGES = (OWNER, PEOPLE, HELD)
OWNER_S = 30 * 60  # from the first receipt, in which the owner confirms
OWNER_ASKS_S = 5  # after which a terminal whose owner is awaited may ask again
DAY_S = 86400

# What a refusal asks of the merchant: DF4B.
MEND = 1
TAKE_ANOTHER = 2
WAIT = 3
ASK_OWNER = 4
CALL = 5

DAILY_CODE_CHECKS = 5
CODE_WINDOW = 1
MAX_WRONG_CODES = 10
REFUSAL_CODES = ("14", "22", "54", "55", "58", "59", "61", "63")
ENDED = "59"  # by the owner, by time, or by the merchant

SUPERVISOR = "00"
LAST_OPERATOR = "98"
SHANGHAI = datetime.timezone(datetime.timedelta(hours=8))

UUID_TAG = 0xDF10
SLOT_TAG = 0xDF12
SEALED_TAG = 0xDF20
NAME_TAG = 0xDF30
ACCOUNT_TAG = 0xDF31
CNAPS_TAG = 0xDF32
BANK_TAG = 0xDF33
TYPE_TAG = 0xDF34
LICENCE_TAG = 0xDF35
PAN_TAG = 0xDF36
EXPIRY_TAG = 0xDF37
CVV2_TAG = 0xDF38
CODE_TAG = 0xDF3A

# Bytes of UTF-8 that these hold; a reason is preceded by its tag and a space.
NAME_MAX = 120
BANK_MAX = 90
REASON_MAX = 115

_OPERATOR_TAG = 0xDF14
_APPROVAL_TAG = 0xDF15
_BINDING_TAGS = range(0xDF30, 0xDF38)
# What stands in DF20: the tags that must, and those that may.
_ACCOUNT = (NAME_TAG, ACCOUNT_TAG, CNAPS_TAG, TYPE_TAG, LICENCE_TAG), (BANK_TAG, CODE_TAG)
_CARD = (NAME_TAG, LICENCE_TAG, PAN_TAG, EXPIRY_TAG), (CVV2_TAG, CODE_TAG)
_NO_BINDING = (), (CODE_TAG,)
_OF_TRADE = (0xDF39, 0xDF3B)  # known tags of DF20 that no change has

# What the merchant is told beside the response code, in the language of the merchant's contract,
# and the kind of the refusal. 22 goes by itself, once what is pending or differs has been synced.
_REFUSALS = {
    "pending": ("22", WAIT, "上一笔变更尚未完成"),
    "token": ("22", WAIT, "与收单机构登记的绑定不一致"),
    "approval": ("58", CALL, "需要主管00授权"),
    "locked": ("58", CALL, "动态码连续错误，变更已锁定，请联系收单机构"),
    "holder": ("63", MEND, "户名不在登记名单内"),
    "licence": ("63", MEND, "证照号与登记不符"),
    "never": ("63", TAKE_ANOTHER, "该槽位从未有过此绑定"),
    "same": ("14", TAKE_ANOTHER, "与该槽位现有绑定相同"),
    "empty": ("14", TAKE_ANOTHER, "该槽位没有备用账户"),
    "account": ("14", MEND, "账号应为数字"),
    "card": ("14", MEND, "卡号有误"),
    "expired": ("54", TAKE_ANOTHER, "卡片已过期"),
    "limit": ("61", WAIT, "今日变更次数已满"),
    "code": ("55", MEND, "动态码错误或已使用"),
    "owner": (ENDED, ASK_OWNER, "机主已拒绝"),
    "unconfirmed": (ENDED, ASK_OWNER, "机主未在30分钟内确认"),
    "withdrawn": (ENDED, None, "商户已撤回"),
}
_WAITING = {OWNER: "等待机主确认", PEOPLE: "等待人工审核", HELD: "保留期内，机主仍可撤销"}


class Refused(Exception):
    """The change is rejected: response code, reason (DF41: the tag at fault, 0 for none, and words
    for people), kind, and until when to wait (Unix time) or None.
    """

    def __init__(self, word, tag=0, until=None):
        code, kind, text = _REFUSALS[word]
        super().__init__(code)
        self.code = code
        self.kind = kind
        self.reason = reason(tag, text)
        self.until = until


def reason(tag, text):
    """A DF41: the tag at fault in four hex digits (0: none), a space, the text; ≤ 120 bytes."""
    return f"{tag:04X} " + text.encode()[:REASON_MAX].decode("utf-8", "ignore")


def waiting_reason(stage):
    """The DF41 of a change that waits for the owner, the acquirer's people, or the hold's end."""
    return reason(0, _WAITING[stage])


def decided_kind(code):
    """The kind of a refusal by the acquirer's people, whose words stand beside it."""
    return ASK_OWNER if code == ENDED else CALL


@dataclass
class Proposal:
    """One change as the terminal proposed it. `binding` maps DF30-DF37 to bytes."""

    action: int
    slot: int
    reason: int
    operator: str
    supervisor: str
    serial: str
    location: str | None
    binding: dict
    code: str | None

    @property
    def tlvs(self):
        """The binding's TLVs, ascending: what the token is computed over and the books keep."""
        return tlv.join(sorted(self.binding.items()))

    @property
    def removes(self):
        return self.action == ACTION_REMOVE

    @property
    def is_card(self):
        return PAN_TAG in self.binding


# The value checks. Each says whether bytes are a value that the table of tags allows.


def _length(low, high):
    return lambda value: low <= len(value) <= high


def _digits(low, high):
    return lambda value: low <= len(value) <= high and _is_digits(value)


def _one_of(*values):
    return lambda value: len(value) == 1 and value[0] in values


def _ascii(low, high):
    return lambda value: low <= len(value) <= high and all(0x20 <= byte < 0x7F for byte in value)


def _utf8(low, high):
    def check(value):
        try:
            value.decode("utf-8")
        except UnicodeDecodeError:
            return False
        return low <= len(value) <= high

    return check


def _words(low, high):
    """UTF-8 that people read: a name. No control characters."""
    utf8 = _utf8(low, high)
    return lambda value: (
        utf8(value)
        and not any(unicodedata.category(character) == "Cc" for character in value.decode())
    )


def _operator(value):
    return len(value) == 2 and _is_digits(value) and is_operator(value.decode())


def _is_digits(value):
    return all(0x30 <= byte <= 0x39 for byte in value)


def _expiry(value):
    return len(value) == 4 and _is_digits(value) and 1 <= int(value[2:]) <= 12


_OPEN_TAGS = {
    UUID_TAG: _length(16, 16),
    0xDF11: _one_of(ACTION_ACCOUNT, ACTION_CARD, ACTION_RESTORE, ACTION_REMOVE),
    SLOT_TAG: _one_of(1, 2, 3, 4),
    0xDF13: _one_of(1, 2, 3, 4, 5, 9),
    _OPERATOR_TAG: _operator,
    _APPROVAL_TAG: _digits(2, 2),
    0xDF16: _ascii(1, 20),
    0xDF17: _ascii(1, 32),
    SEALED_TAG: _length(32, 999),
}
_OPEN_MANDATORY = (
    UUID_TAG,
    0xDF11,
    SLOT_TAG,
    0xDF13,
    _OPERATOR_TAG,
    _APPROVAL_TAG,
    0xDF16,
    SEALED_TAG,
)
_WITHDRAWAL_TAGS = {
    UUID_TAG: _length(16, 16),
    _OPERATOR_TAG: _digits(2, 2),
    _APPROVAL_TAG: _digits(2, 2),
}

_SEALED_TAGS = {
    NAME_TAG: _words(1, NAME_MAX),
    ACCOUNT_TAG: _length(8, 32),  # what is not a digit is judged later: 14
    CNAPS_TAG: _digits(12, 12),
    BANK_TAG: _words(0, BANK_MAX),
    TYPE_TAG: _one_of(1, 2),
    LICENCE_TAG: _ascii(18, 18),
    PAN_TAG: _length(13, 19),  # likewise
    EXPIRY_TAG: _expiry,
    CVV2_TAG: _digits(3, 4),
    CODE_TAG: _digits(6, 6),
}


def check_values(found, table, mandatory):
    """Raise TlvError at the first tag missing or outside the table; unknown tags pass."""
    for tag in mandatory:
        if tag not in found:
            raise tlv.TlvError(tag, "missing")
    for tag, value in found.items():
        if tag in table and not table[tag](value):
            raise tlv.TlvError(tag, "not allowed")


def slot_of(found):
    """The slot of an inquiry. Raises TlvError."""
    check_values(found, {SLOT_TAG: _OPEN_TAGS[SLOT_TAG]}, (SLOT_TAG,))
    return found[SLOT_TAG][0]


def uuid_of(found):
    """The request's UUID. Raises TlvError."""
    check_values(found, {UUID_TAG: _OPEN_TAGS[UUID_TAG]}, (UUID_TAG,))
    return found[UUID_TAG]


def _check_sealed(sealed, contents, asked):
    """Raise TlvError unless these are the tags of `contents`, and what is `asked` is there."""
    mandatory, optional = contents
    for tag in sealed:
        known = tag in _SEALED_TAGS or tag in _OF_TRADE
        if known and tag not in mandatory and tag not in optional:
            raise tlv.TlvError(tag, "of another action")
    check_values(sealed, _SEALED_TAGS, mandatory + asked)


def check_binding(binding):
    """Raise TlvError unless a terminal could propose this binding: {tag: bytes}, DF30-DF37."""
    _check_sealed(binding, _CARD if PAN_TAG in binding else _ACCOUNT, ())
    for tag in (ACCOUNT_TAG, PAN_TAG):
        if not _is_digits(binding.get(tag, b"")):
            raise tlv.TlvError(tag, "not digits")


def serial_is_allowed(serial):
    """Whether a terminal may have this serial number (bytes): DF16."""
    return _OPEN_TAGS[0xDF16](serial)


def read_withdrawal(found):
    """(UUID, whether one operator asked and the supervisor approved) of a withdrawal's tags.

    Raises TlvError.
    """
    check_values(found, _WITHDRAWAL_TAGS, (UUID_TAG, _OPERATOR_TAG))
    operator, supervisor = found[_OPERATOR_TAG].decode(), found.get(_APPROVAL_TAG, b"").decode()
    return found[UUID_TAG], is_operator(operator) and supervisor == SUPERVISOR


def is_operator(number):
    """Whether this is one of those who enter changes, and don't approve them: 01 to 98."""
    return SUPERVISOR < number <= LAST_OPERATOR


def read_proposal(found, unseal, repeated, cvv2_wanted):
    """Read DE 120 of a change, and the block sealed in it.

    found: tag → value; unseal: function from the sealed block to its TLVs, raising ValueError;
    repeated: whether this is a 0301, which may come without DF38 and DF3A; cvv2_wanted: the
    policy. Raises TlvError with the tag at fault.
    """
    check_values(found, _OPEN_TAGS, _OPEN_MANDATORY)
    try:
        sealed = dict(tlv.split(unseal(found[SEALED_TAG])))
    except ValueError as error:
        raise tlv.TlvError(SEALED_TAG, "cannot be opened") from error
    action, slot = found[0xDF11][0], found[SLOT_TAG][0]
    if action == ACTION_REMOVE and slot == PAID_SLOT:
        raise tlv.TlvError(SLOT_TAG, "no reserve")
    contents = _contents(action, sealed)
    asked = ()
    if not repeated:
        asked = (CODE_TAG, CVV2_TAG) if contents is _CARD and cvv2_wanted else (CODE_TAG,)
    _check_sealed(sealed, contents, asked)
    code = sealed.get(CODE_TAG)
    return Proposal(
        action=action,
        slot=slot,
        reason=found[0xDF13][0],
        operator=found[_OPERATOR_TAG].decode(),
        supervisor=found[_APPROVAL_TAG].decode(),
        serial=found[0xDF16].decode(),
        location=found[0xDF17].decode() if 0xDF17 in found else None,
        binding={tag: value for tag, value in sealed.items() if tag in _BINDING_TAGS},
        code=code.decode() if code is not None else None,
    )


def _contents(action, sealed):
    """What an action's DF20 has in it."""
    if action == ACTION_REMOVE:
        return _NO_BINDING
    if action == ACTION_CARD or (action == ACTION_RESTORE and PAN_TAG in sealed):
        return _CARD
    return _ACCOUNT


@dataclass
class Standing:
    """What the books say about the terminal a change comes from."""

    pending: bool
    pending_until: int | None  # when what is pending ends by itself, if it does
    token: str | None  # of the slot, 16 uppercase hex
    locked: bool  # after too many wrong codes
    current: bytes | None  # the slot's binding, as its TLVs
    had: list  # every binding that the slot has had, where one is to be restored
    names: list
    licence: str
    code_checks_today: int
    today: datetime.date


def judge(proposal, replaced, standing, spend_code):
    """Every rule about the contents, in the profile's order. Raises Refused.

    replaced: DE 102 or None; spend_code: function from the code to whether it was right and
    unspent; called last, and only for a change that counts towards the daily limit.
    """
    if standing.pending:
        raise Refused("pending", until=standing.pending_until)
    if replaced != standing.token:
        raise Refused("token", SLOT_TAG)
    if proposal.supervisor != SUPERVISOR:
        raise Refused("approval", _APPROVAL_TAG)
    if standing.locked:
        raise Refused("locked")
    if proposal.removes:
        if standing.current is None:
            raise Refused("empty", SLOT_TAG)
    else:
        _judge_binding(proposal, standing)
    if standing.code_checks_today >= DAILY_CODE_CHECKS:
        raise Refused("limit", until=_midnight_after(standing.today))
    if proposal.code is None or not spend_code(proposal.code):
        raise Refused("code", CODE_TAG)


def _judge_binding(proposal, standing):
    """Holder, licence, then account or card. Raises Refused."""
    binding = proposal.binding
    if binding[NAME_TAG].decode() not in standing.names:
        raise Refused("holder", NAME_TAG)
    if binding[LICENCE_TAG].upper().decode() != standing.licence.upper():
        raise Refused("licence", LICENCE_TAG)
    if proposal.action == ACTION_RESTORE and proposal.tlvs not in standing.had:
        raise Refused("never")
    if proposal.is_card:
        if not _is_digits(binding[PAN_TAG]) or not luhn.is_valid(binding[PAN_TAG].decode()):
            raise Refused("card", PAN_TAG)
        expiry = binding[EXPIRY_TAG]
        if (2000 + int(expiry[:2]), int(expiry[2:])) < (standing.today.year, standing.today.month):
            raise Refused("expired", EXPIRY_TAG)
    elif not _is_digits(binding[ACCOUNT_TAG]):
        raise Refused("account", ACCOUNT_TAG)
    if proposal.tlvs == standing.current:
        raise Refused("same", PAN_TAG if proposal.is_card else ACCOUNT_TAG)


def civil_date(epoch):
    """The date in China (UTC+8) of a Unix time: the day that limits count."""
    return datetime.datetime.fromtimestamp(epoch, SHANGHAI).date()


def _midnight_after(day):
    """The Unix time at which a day in China is over."""
    after = day + datetime.timedelta(days=1)
    return int(datetime.datetime.combine(after, datetime.time(), SHANGHAI).timestamp())


def masked(number):
    """A number as people may see it: first six and last four; when short, the last four."""
    shown = number[:6] if len(number) >= 13 else ""
    return shown + "*" * (len(number) - len(shown) - 4) + number[-4:]


def describe(tlvs):
    """What people may see of a binding: a dictionary with the number masked; of none, empty."""
    if not tlvs:
        return {"kind": None, "holder": "", "number": ""}
    values = dict(tlv.split(tlvs))
    is_card = PAN_TAG in values
    number = values.get(PAN_TAG if is_card else ACCOUNT_TAG, b"").decode("utf-8", "replace")
    shown = {
        "kind": "card" if is_card else "account",
        "holder": values[NAME_TAG].decode(),
        "number": masked(number),
    }
    if CNAPS_TAG in values:
        shown["cnaps"] = values[CNAPS_TAG].decode()
    if BANK_TAG in values:
        shown["bank"] = values[BANK_TAG].decode()
    if TYPE_TAG in values:
        shown["type"] = {1: "corporate", 2: "personal"}[values[TYPE_TAG][0]]
    shown["licence"] = values[LICENCE_TAG].decode()
    if EXPIRY_TAG in values:
        shown["expiry"] = values[EXPIRY_TAG].decode()
    return shown
