"""Fills a journal to the brim: `full IMAGE TOKEN_KEY` makes the firmware's own state of a terminal
that has everything, and says in one object what the keystore and the acquirer must have for it.

{"entries": {name: hex}, "bindings": [[slot, hex of the TLVs], ...]}. IMAGE is the
partition's, blank. Operators 00 and 01 are left to the first start. Imports the firmware from its
sources.
"""

import json
import sys
from binascii import hexlify, unhexlify

from drivers.flash import Flash
from firmware.binding import change_record, model
from firmware.binding.change import REJECTED, Outcome
from firmware.binding.request import Request
from firmware.storage import audit
from firmware.storage import state as store
from tools.bench.inside import shop
from tools.bench.inside.chip import Chip

_FIRST = 2  # operators that the first start makes
# As many bytes as the wire takes: 120 and 90.
_NAME = "上海示例国际贸易发展有限责任公司第一分公司驻浦东新区营业部及其附属门店与仓储配送"
_BANK = "中国工商银行股份有限公司上海市浦东新区世纪大道支行自由贸易区"


class _Keystore(shop.Keystore):
    def __init__(self, token_key):
        self._held = {"token_key": token_key}

    def entries(self):
        """Return what is held, in hexadecimal."""
        return {name: hexlify(value).decode() for name, value in self._held.items()}


def _binding(i):
    # The TLVs of a binding at its longest.
    return model.compose(
        {
            model.NAME: _NAME.encode(),
            model.ACCOUNT: b"%032d" % (62220212345678900000 + i),
            model.CNAPS: b"102100099996",
            model.BANK: _BANK.encode(),
            model.KIND: bytes((model.CORPORATE,)),
            model.LICENCE: b"91350100M000100Y43",
        }
    )


def _record(i, tlvs):
    # What remains of a change, with all that an acquirer may say.
    request = Request(bytes(16), i, shop.TIME, 1, 1, 4, shop.OPERATOR, True, bytes(8), tlvs)
    outcome = Outcome()
    outcome.code, outcome.event = b"63", REJECTED
    outcome.reference = b"%012d" % i
    outcome.application = "A2026%027d" % i
    outcome.note = "户名与证照不符" * 5
    return change_record.compose(request, outcome, shop.TIME + i)


def main(path, token_key):
    chip = Chip(64)
    held = _Keystore(unhexlify(token_key))
    state = store.State(Flash(chip), held, shop.random)
    bindings = []
    for slot in range(1, store.SLOTS + 1):
        for i in range(2):  # the second makes the first the backup
            tlvs = _binding(10 * slot + i)
            state.put(state.binding_changes(slot, tlvs), shop.told(i, tlvs))
        bindings.append((slot, hexlify(tlvs).decode()))
    verifier = b"\x00\x03\xe8" + bytes(range(43))  # flags, cost, salt, verifier, former, card
    for index in range(_FIRST, store.OPERATORS):
        number = b"%02d" % index if index < store.OPERATORS - 1 else b"99"
        state.put(((store.OPERATOR + index, number + verifier),))
    state.put(((store.RESET, bytes(14)),))
    failed = [bytes((i << 6 | 1, 0, 0, 0, 0)) for i in range(4)]
    for number in range(40, 60, 4):
        state.put(((store.ATTEMPTS + number // 4, b"".join(failed)),))
    for index in range(store.NETWORKS):
        state.put(((store.NETWORK + index, bytes((32,)) + b"n" * 32 + b"p" * 63),))
    for i in range(store.CHANGE_RECORDS):
        entry = audit.entry(
            audit.ENDED + REJECTED, shop.TIME + i, shop.OPERATOR, b"63", b"1 *0128"
        )
        state.put(state.change_record_changes(_record(i, tlvs)), entry)
    with open(path, "wb") as image:
        image.write(chip.image)
    print(json.dumps({"entries": held.entries(), "bindings": bindings}))


main(*sys.argv[1:])
