"""The wire profile's numbers and codes, by name: messages, data elements, tags, what they may say.

What always holds: what is here is on the wire as it stands; the form of a data element is a row of
message.fields. What the domain itself speaks of is the domain's: the tags of a binding's values
are binding.model's; the tags of what goes with a request and is never stored, the codes that mean
more than an event and the kinds of a refusal are binding.change's. All of it is put in place when
the firmware is linked: none of it is ever in memory. Imports nothing.
"""

from micropython import const

# Messages
NETWORK = const(0x0800)  # sign-on
FILE = const(0x0300)  # a request, an inquiry or a withdrawal
REPEAT = const(0x0301)  # a request once more, unchanged
AUDIT = const(0x0320)  # entries of the audit log
REPLY = const(0x10)  # added to what was asked, of which a repeat's last digit is taken off

# Data elements
MTI = const(0)  # which is none: what a message is, among what it says
TIME = const(7)
STAN = const(11)
LOCAL_TIME = const(12)
LOCAL_DATE = const(13)
EAST_S = const(28800)  # of these two as of every clock here: UTC+8
REFERENCE = const(37)
CODE = const(39)
TERMINAL = const(41)
MERCHANT = const(42)
BATCH = const(60)
KSN = const(62)
REPLY_DATA = const(63)  # TLVs of an 0810
NETWORK_CODE = const(70)
UPDATE = const(91)
FILE_NAME = const(101)
OLD_TOKEN = const(102)
NEW_NUMBER = const(103)
DATA = const(120)  # TLVs
MAC = const(128)

# What they say
SIGN_ON = const(b"001")  # DE 70
BATCH_NUMBER = const(b"00000001")  # DE 60, before DE 70 or 000
CHANGE = const(b"2")  # DE 91
WITHDRAW = const(b"3")
INQUIRE = const(b"5")
BINDINGS = const(b"SETTLEBIND")  # DE 101
BANKS = const(b"BANKS")
SUPERVISOR = const(b"00")  # DF15: who approves

# Response codes, DE 39
APPROVED = const(b"00")
NO_MERCHANT = const(b"03")
IN_REVIEW = const(b"09")
BAD_NUMBER = const(b"14")
NO_MATCH = const(b"63")
OLD_KEY = const(b"A0")
REFUSALS = const(b"1422545558596163")  # two bytes each, in one piece: of the request
STOPS = const(b"0330405897")  # nobody there can do anything with it
SOON = const(b"68919296A0")  # of a sign-on: as if the line had been lost

# Tags of what goes with a request
UUID = const(0xDF10)
ACTION = const(0xDF11)
SLOT = const(0xDF12)
REASON = const(0xDF13)
OPERATOR = const(0xDF14)
APPROVER = const(0xDF15)
SERIAL = const(0xDF16)
FAILURES = const(0xDF19)  # of a sign-on: failed attempts
SEALED = const(0xDF20)

# Tags of what is answered
STATUS = const(0xDF40)
WORDS = const(0xDF41)  # why
EFFECTIVE = const(0xDF42)  # from when on
APPLICATION = const(0xDF43)
TOKEN = const(0xDF44)
NOTICES = const(0xDF45)
CLOCK = const(0xDF46)
NEW_MERCHANT = const(0xDF47)
POLICY = const(0xDF48)
AGAIN = const(0xDF4A)  # ask again after so many seconds
KIND = const(0xDF4B)  # of a refusal

# Tags of the archive
ENTRY = const(0xDF50)
LAST = const(0xDF51)
GAP = const(0xDF52)

# Tags of the directory of banks
BANK_CLASS = const(0xDF60)
LETTERS = const(0xDF62)
PAGE = const(0xDF63)
BANK = const(0xDF64)
PAGES_LEFT = const(0xDF65)

# Status of a request, DF40
NO_STATUS = const(0)  # there is none
ACTIVE = const(1)
UNDER_REVIEW = const(2)
REJECTED = const(3)
UNKNOWN = const(4)

# Notices, DF45: bits
DIFFERS = const(1)
WANTS_RECORDS = const(4)
DECIDED = const(8)

# Policy, DF48: bits
WANTS_CVV2 = const(1)  # with a card

# What a message may have beside what each has, before its DATA; ascending
OF_ITS_OWN = const((NETWORK_CODE, UPDATE, FILE_NAME, OLD_TOKEN, NEW_NUMBER))

# Messages as rows: what is looked for in the reply to each
OF_SIGN_ON = const((CODE, SEALED, NOTICES, CLOCK, NEW_MERCHANT, POLICY))
OF_REQUEST = const((CODE, REFERENCE, STATUS, WORDS, EFFECTIVE, APPLICATION, TOKEN, AGAIN, KIND))
OF_SLOT = const((CODE, SEALED, STATUS, TOKEN))
OF_RECORDS = const((CODE, LAST))
OF_BANKS = const((CODE, DATA))

# Every data element that was sent comes back in the reply as it was, but for these
NOT_ECHOED = const((OLD_TOKEN, NEW_NUMBER, DATA, MAC))
