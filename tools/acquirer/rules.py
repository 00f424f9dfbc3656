"""What a binding change must contain, and the order in which its contents are judged.

Reading a proposal raises TlvError (answered 30, nothing stored); judging it raises Refused
(answered with DF40=03 and stored). The judge sees plain values, so that each rule can be read on
one line and none of them knows a wire, a key or a table. May import: the tlv room, python-stdnum.
"""

import datetime
from dataclasses import dataclass

from stdnum import luhn

from tools.acquirer import tlv

ACTION_ACCOUNT = 1
ACTION_CARD = 2
ACTION_RESTORE = 3

ACTIVE = 1
REVIEW = 2
REJECTED = 3
UNKNOWN = 4

DAILY_CODE_CHECKS = 5
CODE_WINDOW = 1
REFUSAL_CODES = ("14", "22", "54", "55", "58", "61", "63")

SUPERVISOR = "00"
SHANGHAI = datetime.timezone(datetime.timedelta(hours=8))

UUID_TAG = 0xDF10
SLOT_TAG = 0xDF12
SEALED_TAG = 0xDF20
NAME_TAG = 0xDF30
ACCOUNT_TAG = 0xDF31
TYPE_TAG = 0xDF34
LICENCE_TAG = 0xDF35
PAN_TAG = 0xDF36
EXPIRY_TAG = 0xDF37
CVV2_TAG = 0xDF38
CODE_TAG = 0xDF3A

_BINDING_TAGS = range(0xDF30, 0xDF38)
_ACCOUNT_MANDATORY = (NAME_TAG, ACCOUNT_TAG, 0xDF32, TYPE_TAG, LICENCE_TAG)
_CARD_MANDATORY = (NAME_TAG, LICENCE_TAG, PAN_TAG, EXPIRY_TAG)
_MAX_REASON = 120

# What the merchant is told beside the response code, in the language of the merchant's contract.
_WORDS = {
    "pending": "上一笔变更尚未完成",
    "token": "与收单机构登记的绑定不一致",
    "approval": "需要主管00授权",
    "holder": "户名不在登记名单内",
    "licence": "证照号与登记不符",
    "account": "账号应为数字",
    "card": "卡号有误",
    "expired": "卡片已过期",
    "limit": "今日变更次数已满",
    "code": "动态码错误或已使用",
}


class Refused(Exception):
    """The change is rejected: response code, the tag at fault (0: none), words for people."""

    def __init__(self, code, tag, word):
        super().__init__(code)
        self.code = code
        self.reason = reason(tag, _WORDS[word])


def reason(tag, text):
    """A DF41: the tag at fault in four hex digits (0: none), a space, the text; ≤ 120 bytes."""
    whole = f"{tag:04X} {text}".encode()[:_MAX_REASON]
    return whole.decode("utf-8", "ignore")


@dataclass
class Proposal:
    """One change as the terminal proposed it. `binding` maps DF30-DF37 to bytes."""

    action: int
    slot: int
    reason: int
    operator: str
    supervisor: str | None
    serial: str
    location: str | None
    binding: dict
    code: str | None

    @property
    def tlvs(self):
        """The binding's TLVs, ascending: what the token is computed over and the books keep."""
        return tlv.join(sorted(self.binding.items()))

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


def _is_digits(value):
    return all(0x30 <= byte <= 0x39 for byte in value)


def _expiry(value):
    return len(value) == 4 and _is_digits(value) and 1 <= int(value[2:]) <= 12


_OPEN_TAGS = {
    UUID_TAG: _length(16, 16),
    0xDF11: _one_of(ACTION_ACCOUNT, ACTION_CARD, ACTION_RESTORE),
    SLOT_TAG: _one_of(1, 2, 3, 4),
    0xDF13: _one_of(1, 2, 3, 4, 5, 9),
    0xDF14: _digits(2, 2),
    0xDF15: _digits(2, 2),
    0xDF16: _ascii(1, 20),
    0xDF17: _ascii(1, 32),
    SEALED_TAG: _length(32, 999),
}
_OPEN_MANDATORY = (UUID_TAG, 0xDF11, SLOT_TAG, 0xDF13, 0xDF14, 0xDF16, SEALED_TAG)

_SEALED_TAGS = {
    NAME_TAG: _utf8(1, 60),
    ACCOUNT_TAG: _length(8, 32),  # what is not a digit is judged later: 14
    0xDF32: _digits(12, 12),
    0xDF33: _utf8(0, 60),
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
    action = found[0xDF11][0]
    is_card = PAN_TAG in sealed if action == ACTION_RESTORE else action == ACTION_CARD
    mandatory = _CARD_MANDATORY if is_card else _ACCOUNT_MANDATORY
    if not repeated:
        mandatory += (CODE_TAG,)
        if is_card and cvv2_wanted:
            mandatory += (CVV2_TAG,)
    check_values(sealed, _SEALED_TAGS, mandatory)
    foreign = ACCOUNT_TAG if is_card else PAN_TAG
    if foreign in sealed:
        raise tlv.TlvError(foreign, "account and card in one binding")
    code = sealed.get(CODE_TAG)
    return Proposal(
        action=action,
        slot=found[SLOT_TAG][0],
        reason=found[0xDF13][0],
        operator=found[0xDF14].decode(),
        supervisor=found[0xDF15].decode() if 0xDF15 in found else None,
        serial=found[0xDF16].decode(),
        location=found[0xDF17].decode() if 0xDF17 in found else None,
        binding={tag: value for tag, value in sealed.items() if tag in _BINDING_TAGS},
        code=code.decode() if code is not None else None,
    )


@dataclass
class Standing:
    """What the books say about the terminal a change comes from."""

    pending: bool
    token: str | None  # of the slot, 16 uppercase hex
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
        raise Refused("22", 0, "pending")
    if replaced != standing.token:
        raise Refused("22", SLOT_TAG, "token")
    if proposal.supervisor != SUPERVISOR and (
        proposal.operator != SUPERVISOR or proposal.supervisor is not None
    ):
        raise Refused("58", 0xDF15, "approval")
    binding = proposal.binding
    if binding[NAME_TAG].decode() not in standing.names:
        raise Refused("63", NAME_TAG, "holder")
    if binding[LICENCE_TAG].decode() != standing.licence:
        raise Refused("63", LICENCE_TAG, "licence")
    if proposal.is_card:
        if not _is_digits(binding[PAN_TAG]) or not luhn.is_valid(binding[PAN_TAG].decode()):
            raise Refused("14", PAN_TAG, "card")
        expiry = binding[EXPIRY_TAG]
        if (2000 + int(expiry[:2]), int(expiry[2:])) < (standing.today.year, standing.today.month):
            raise Refused("54", EXPIRY_TAG, "expired")
    elif not _is_digits(binding[ACCOUNT_TAG]):
        raise Refused("14", ACCOUNT_TAG, "account")
    if standing.code_checks_today >= DAILY_CODE_CHECKS:
        raise Refused("61", 0, "limit")
    if proposal.code is None or not spend_code(proposal.code):
        raise Refused("55", CODE_TAG, "code")


def civil_date(epoch):
    """The date in China (UTC+8) of a Unix time: the day that limits count."""
    return datetime.datetime.fromtimestamp(epoch, SHANGHAI).date()


def masked(number):
    """A number as people may see it: first six and last four; when short, the last four."""
    shown = number[:6] if len(number) >= 13 else ""
    return shown + "*" * (len(number) - len(shown) - 4) + number[-4:]


def describe(tlvs):
    """What people may see of a binding: a dictionary with the number masked."""
    values = dict(tlv.split(tlvs))
    is_card = PAN_TAG in values
    number = values.get(PAN_TAG if is_card else ACCOUNT_TAG, b"").decode("utf-8", "replace")
    shown = {
        "kind": "card" if is_card else "account",
        "holder": values[NAME_TAG].decode(),
        "number": masked(number),
    }
    if 0xDF32 in values:
        shown["cnaps"] = values[0xDF32].decode()
    if 0xDF33 in values:
        shown["bank"] = values[0xDF33].decode()
    if TYPE_TAG in values:
        shown["type"] = {1: "corporate", 2: "personal"}[values[TYPE_TAG][0]]
    shown["licence"] = values[LICENCE_TAG].decode()
    if EXPIRY_TAG in values:
        shown["expiry"] = values[EXPIRY_TAG].decode()
    return shown
