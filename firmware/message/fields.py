"""The data elements of our profile of ISO 8583:1987, as a table: the codec knows no field.

Always holds: whatever is not listed here is a format error. Imports nothing.
"""

from micropython import const

# Kinds.
N = const(0)  # packed BCD: right-aligned when fixed, left-aligned when variable
Z = const(1)  # track 2 in nibbles, left-aligned, D for the separator
TEXT = const(2)  # an, ans: printable ASCII
B = const(3)  # bytes

# Length bytes in front of the field, two BCD digits each.
_FIXED = const(0)
_LL = const(1)
_LLL = const(2)

# Rows of 5 bytes, ascending: DE, kind | length bytes << 4, minimum, maximum (2, big-endian). The
# last one stands behind every DE.
ROW_LEN = const(5)
ROWS = bytearray()


def _de(de, kind, width, low, high):
    for byte in (de, kind | width << 4, low, high >> 8, high & 0xFF):
        ROWS.append(byte)


# DE, kind, length bytes, minimum, maximum (digits or bytes)   what it carries
_de(2, N, _LL, 1, 19)  # PAN
_de(3, N, _FIXED, 6, 6)  # processing code
_de(4, N, _FIXED, 12, 12)  # amount in fen
_de(7, N, _FIXED, 10, 10)  # transmission time MMDDhhmmss, UTC
_de(11, N, _FIXED, 6, 6)  # STAN, unchanged in a repeat
_de(12, N, _FIXED, 6, 6)  # local time hhmmss
_de(13, N, _FIXED, 4, 4)  # local date MMDD
_de(14, N, _FIXED, 4, 4)  # expiry YYMM
_de(22, N, _FIXED, 3, 3)  # entry mode
_de(25, N, _FIXED, 2, 2)  # condition code
_de(35, Z, _LL, 1, 37)  # track 2
_de(37, TEXT, _FIXED, 12, 12)  # acquirer's reference number
_de(38, TEXT, _FIXED, 6, 6)  # approval code
_de(39, TEXT, _FIXED, 2, 2)  # response code
_de(41, TEXT, _FIXED, 8, 8)  # terminal number
_de(42, TEXT, _FIXED, 15, 15)  # merchant number
_de(55, B, _LLL, 0, 999)  # EMV data
_de(60, N, _LLL, 11, 11)  # 00, batch number, DE 70 or 000
_de(62, B, _LLL, 12, 12)  # KSN
_de(63, B, _LLL, 0, 999)  # TLV data of a 0810
_de(64, B, _FIXED, 8, 8)  # MAC of a message without a DE above 64
_de(70, N, _FIXED, 3, 3)  # network management code
_de(90, N, _FIXED, 42, 42)  # original data elements
_de(91, TEXT, _FIXED, 1, 1)  # file update code
_de(101, TEXT, _LL, 0, 17)  # file name
_de(102, TEXT, _LL, 0, 28)  # token of the binding being replaced
_de(103, TEXT, _LL, 0, 28)  # new number, truncated
_de(120, B, _LLL, 0, 999)  # TLV request or response data
_de(128, B, _FIXED, 8, 8)  # MAC of a message with a DE above 64
_de(255, B, _FIXED, 0, 0)
del _de  # what it made stays, itself it need not
