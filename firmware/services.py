"""Builds the terminal's services on its board, once at every start.

May import everything that lasts: storage, binding, acquirer, crypto.
"""

from micropython import const

from firmware import rooms
from firmware.acquirer.identity import Identity
from firmware.acquirer.line import Line
from firmware.acquirer.sync import Sync
from firmware.binding.change import Change
from firmware.crypto import dukpt
from firmware.storage import state as store
from firmware.storage.journal import FLASH_MISSING, KEYS_FULL, KEYS_MISSING, StorageFault
from firmware.storage.state import State

_LICENCE_LEN = const(18)  # one of another length is asked for


def build(desk, config):
    """Put state, identity, change, clock, licence and last sync at the `desk`, in the language
    chosen.

    Raises StorageFault when state or keys can't be read or written, or their part is missing.
    """
    board = desk.board
    if board.keystore is None:
        raise StorageFault(KEYS_MISSING)
    if board.flash is None:
        raise StorageFault(FLASH_MISSING)
    try:
        state = desk.state = State(board.flash, board.keystore, board.random)
    except OSError:  # the journal's flash raises none
        raise StorageFault(KEYS_MISSING) from None
    language = state.get(store.LANGUAGE)
    if language is not None:
        try:
            desk.use_language(language.decode())
        except (OSError, ValueError):
            pass  # one that this build does not have: Chinese it is
    try:
        token_key = board.keystore.get_bytes("token_key")
        stored = _keys(board.keystore)
    except OSError:
        raise StorageFault(KEYS_MISSING) from None
    if token_key is None or not stored:
        raise StorageFault(KEYS_MISSING)
    clock = desk.clock = board.clock
    clock.begin_at(state.number(store.TIME))
    rooms.ask("firmware.storage.files", "told", state, clock.now())
    licence = config.get("licence")
    desk.licence = licence.encode() if licence and len(licence) == _LICENCE_LEN else None
    desk.identity = Identity(
        config["terminal"].encode(),
        config["merchant"].encode(),
        config["serial"].encode(),
        token_key,
    )
    rooms.ask("firmware.acquirer.merchant", "begin", state, desk.identity)
    line = Line(board, desk.identity, state)
    line.take()  # keys that are missing or damaged show now
    line.leave()
    desk.change = Change(state, clock)
    desk.sync = Sync(line, desk.change, state, clock, board.wifi)


def _keys(keystore):
    # Whether there is a state of the acquirer's keys; the first one is made from the injected key,
    # which is erased only once the state is stored.
    stored = bytearray(dukpt.STATE_LEN)
    if keystore.get("dukpt", stored) != dukpt.STATE_LEN:
        initial = keystore.get_bytes("ik")
        ikid = keystore.get_bytes("ikid")
        if initial is None or ikid is None:
            return False
        dukpt.inject(ikid, initial, stored)
        try:
            keystore.put("dukpt", stored)
        except OSError:
            raise StorageFault(KEYS_FULL) from None
    keystore.erase("ik")
    return True
