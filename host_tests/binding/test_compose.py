"""The longest messages fit their buffers as reckoned, and faults of keys have their codes."""

from types import SimpleNamespace

import pytest

from firmware import rooms
from firmware.acquirer import identity
from firmware.acquirer.identity import Identity
from firmware.acquirer.line import Line
from firmware.binding import change, model
from firmware.binding.change import CODE, CVV2, NoAnswer
from firmware.binding.request import Request
from firmware.binding.storing import begin
from firmware.crypto import dukpt
from firmware.message import codec
from firmware.storage import journal
from firmware.storage.journal import StorageFault
from host_tests.binding.test_change import Clock, Terminal
from host_tests.binding.test_checked import CARD, LONGEST
from host_tests.crypto.test_dukpt import IK, IKID, state_at


class Keystore(dict):
    """Holds the keys' state; may be full."""

    full = False

    def get(self, name, buf):
        if name not in self:
            return -1
        buf[:] = self[name]
        return len(buf)

    def put(self, name, data):
        if self.full:
            raise OSError(0x1105)
        self[name] = bytes(data)


def civil(epoch, out):
    out[:] = 2027, 1, 15, 8, 0, 0


class LinkError(Exception):
    """The line broke."""


def _line(terminal, counter=None):
    blob = bytearray(dukpt.STATE_LEN)
    dukpt.inject(IKID, IK, blob)
    store = Keystore(dukpt=bytes(blob if counter is None else state_at(counter)))
    clock = SimpleNamespace(now=Clock().now, civil=civil)
    board = SimpleNamespace(keystore=store, clock=clock, random=bytes, link_error=LinkError)
    me = Identity(b"10000001", b"898310054110001", b"S" * 20, bytes(16))
    return Line(board, me, terminal.state)


class Items(dict):
    """A state of nothing but the request."""

    has = dict.__contains__

    def put(self, changes, entry=None):
        self.update(changes)

    def next_stan(self):
        return 8


def _requested(tlvs):
    """A state with a pending request for `tlvs`."""
    items = Items()
    request = Request(bytes(16), 7, 1, 1, 1, 4, b"01", True, b"oldtoken", tlvs)
    begin(change.Change(items, Clock()), request)
    return SimpleNamespace(state=items)


@pytest.mark.parametrize("fields, length", [(LONGEST, 539), (CARD, 410)])
@pytest.mark.parametrize("how", [change.SUBMIT, change.REPEAT])
def test_the_longest_change_fits_exactly_as_reckoned(fields, length, how):
    longest = dict(fields)
    longest[model.NAME] = b"x" * 120
    terminal = _requested(model.compose(longest))
    line = _line(terminal)
    line.take()
    line.compose(how, ((CVV2, b"1234"), (CODE, b"123456")))
    assert (line.tx[0] << 8 | line.tx[1]) + 2 == length <= identity.SENT_MAX


def test_a_withdrawal_says_who_asks_and_who_approves():
    terminal = _requested(model.compose(LONGEST))
    line = _line(terminal)
    line.take()
    line.compose(change.WITHDRAW, b"01")
    size = (line.tx[0] << 8 | line.tx[1]) + 2
    fields = [0] * codec.TABLE_LEN
    assert codec.decode(line.tx, codec.BODY, size, fields) == 0

    def field(de):
        return bytes(line.tx[fields[2 * de] : fields[2 * de] + fields[2 * de + 1]])

    assert (line.tx[7:9], field(91)) == (b"\x03\x00", b"3")
    uuid = b"\xdf\x10\x10" + bytes(16)
    assert field(120) == uuid + b"\xdf\x14\x0201" + b"\xdf\x15\x0200"
    assert not fields[2 * 102] and not fields[2 * 103]


@pytest.mark.parametrize(
    "spoil, code",
    [
        (lambda line: line.board.keystore.clear(), journal.KEYS_DAMAGED),
        (lambda line: line.board.keystore.update(dukpt=bytes(dukpt.STATE_LEN)), 14),
    ],
)
def test_keys_that_cannot_be_read_are_a_fault_of_the_storage(spoil, code):
    line = _line(Terminal())
    spoil(line)
    with pytest.raises(StorageFault) as fault:
        line.take()
    assert fault.value.code == code


def test_a_key_storage_that_is_full_is_a_fault_with_its_code():
    line = _line(_requested(model.compose(LONGEST)))
    line.take()
    line.board.keystore.full = True
    with pytest.raises(StorageFault) as fault:
        line.compose(change.INQUIRE, None)
    assert fault.value.code == journal.KEYS_FULL


def test_keys_that_are_used_up_are_a_fault_with_their_code():
    line = _line(_requested(model.compose(LONGEST)), 0xFFFF0000)
    line.take()
    line.keys.skip(4096)
    with pytest.raises(StorageFault) as fault:
        line.compose(change.INQUIRE, None)
    assert fault.value.code == journal.KEYS_USED_UP


def test_a_counter_that_was_overtaken_moves_on_further_each_time():
    line = _line(Terminal())
    line.take()
    moved = []
    line.keys.skip = moved.append
    for code in [b"A0"] * 7 + [b"91", b"A0", b"A0", b"00", b"A0"]:
        line._follow(code)
    assert moved == [4, 16, 64, 256, 1024, 4096, 4096, 4, 16, 4]


@pytest.mark.parametrize("fault", [ValueError, IndexError, KeyError, UnicodeError])
def test_a_step_that_cannot_make_sense_of_an_answer_has_none(fault, monkeypatch):
    line = _line(Terminal())

    def run(*args):
        raise fault

    monkeypatch.setattr(rooms, "ask", run)
    with pytest.raises(NoAnswer) as told:
        line._step("firmware.acquirer.outcomes", "read")
    assert told.value.code == 0
