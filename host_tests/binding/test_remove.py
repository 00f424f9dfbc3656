"""A reserve is removed: a request without a binding, from its beginning on flash to its end."""

import pytest

from firmware.acquirer import outcomes, profile
from firmware.acquirer.identity import Identity
from firmware.binding import change, model
from firmware.binding.change_record import ChangeRecord
from firmware.binding.request import Request, pending
from firmware.binding.storing import begin
from firmware.message import codec
from firmware.storage import state as store
from host_tests.binding.test_change import NEW, OLD, Terminal
from host_tests.binding.test_compose import _line

SLOT = 2


@pytest.fixture
def terminal():
    terminal = Terminal()
    terminal.state.put(terminal.state.binding_changes(SLOT, NEW))
    terminal.identity = Identity(b"10000001", b"898310054110001", b"S1", bytes(16))
    uuid = bytes(range(16))
    request = Request(uuid, 7, 1, model.REMOVE, SLOT, 9, b"01", True, b"oldtoken", b"")
    begin(terminal.change, request)
    return terminal


def test_it_is_kept_over_restarts_and_new_sectors_as_any_request_is(terminal):
    for count in range(800):
        terminal.state.put(((store.LANGUAGE, b"zh" if count % 2 else b"en"),))
    terminal.boot()
    assert terminal.change.phase == change.STORED
    assert (pending(terminal.state).action, pending(terminal.state).tlvs) == (model.REMOVE, b"")


def test_it_ends_with_the_slot_free_and_what_it_had_as_backup(terminal):
    terminal.settle(change.ACTIVE)
    for _ in range(2):
        assert terminal.change.phase == change.IDLE
        assert terminal.state.binding(SLOT) is None
        assert terminal.state.backup(SLOT) == NEW
        assert terminal.state.binding(1) == OLD
        terminal.boot()
    record = ChangeRecord(terminal.state.change_records()[0])
    assert (record.action, record.slot, record.number) == (model.REMOVE, SLOT, "*")


@pytest.mark.parametrize("event", [change.REJECTED, change.SUPERSEDED, change.WITHDRAWN])
def test_refused_or_taken_back_it_leaves_the_reserve(terminal, event):
    terminal.settle(change.UNSETTLED, event)
    assert terminal.change.phase == change.IDLE
    assert terminal.state.binding(SLOT) == NEW


@pytest.mark.parametrize(
    "token, event", [(bytes(8), change.ACTIVE), (b"a token.", change.SUPERSEDED)]
)
def test_only_the_token_of_nothing_ends_it(terminal, token, event):
    said = dict.fromkeys(profile.OF_REQUEST)
    said |= {profile.CODE: b"00", profile.STATUS: b"\1", profile.TOKEN: token}
    asked = terminal.state.get(store.PENDING_TLVS)
    assert outcomes.read(terminal, said, asked).event == event


def test_it_goes_out_with_no_number(terminal):
    line = _line(terminal)
    line.take()
    line.compose(change.SUBMIT, ((change.CODE, b"123456"),))
    size = (line.tx[0] << 8 | line.tx[1]) + 2
    fields = [0] * codec.TABLE_LEN
    assert codec.decode(line.tx, codec.BODY, size, fields) == 0
    at, length = fields[2 * 103 : 2 * 103 + 2]
    assert bytes(line.tx[at : at + length]) == b"*"
    at, length = fields[2 * 120 : 2 * 120 + 2]
    assert b"\xdf\x11\x01\x04\xdf\x12\x01\x02\xdf\x13\x01\x09" in bytes(line.tx[at : at + length])
