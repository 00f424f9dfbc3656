"""The wire profile for pyiso8583, written from docs of the profile and not from the firmware."""

_NUMERIC = {"data_enc": "b", "len_enc": "bcd", "len_count": "nibbles"}
_TEXT = {"data_enc": "ascii", "len_enc": "bcd", "len_count": "bytes"}
_BYTES = {"data_enc": "b", "len_enc": "bcd", "len_count": "bytes"}


def _n(digits):
    return {**_NUMERIC, "len_type": 0, "max_len": digits, "left_pad": "0"}


def _var_n(width, digits):
    return {**_NUMERIC, "len_type": width, "max_len": digits, "right_pad": "0"}


def _ans(length):
    return {**_TEXT, "len_type": 0, "max_len": length}


def _var_ans(length):
    return {**_TEXT, "len_type": 1, "max_len": length}


def _b(length):
    return {**_BYTES, "len_type": 0, "max_len": length}


def _var_b(length):
    return {**_BYTES, "len_type": 2, "max_len": length}


SPEC = {
    "h": _b(0),
    "t": _b(2),
    "p": _b(8),
    "1": _b(8),
    "2": _var_n(1, 19),
    "3": _n(6),
    "4": _n(12),
    "7": _n(10),
    "11": _n(6),
    "12": _n(6),
    "13": _n(4),
    "14": _n(4),
    "22": _n(3),
    "25": _n(2),
    "35": _var_n(1, 37),
    "37": _ans(12),
    "38": _ans(6),
    "39": _ans(2),
    "41": _ans(8),
    "42": _ans(15),
    "55": _var_b(999),
    "60": _var_n(2, 11),
    "62": _var_b(12),
    "63": _var_b(999),
    "64": _b(8),
    "70": _n(3),
    "90": _n(42),
    "91": _ans(1),
    "101": _var_ans(17),
    "102": _var_ans(28),
    "103": _var_ans(28),
    "120": _var_b(999),
    "128": _b(8),
}
SPEC = {field: {**layout, "desc": f"DE {field}"} for field, layout in SPEC.items()}
