"""The model of the contactless reader alone: what its manual promises, in the published bytes."""

import pytest

from tools.simulator.models import cards
from tools.simulator.models.pn532 import Pn532, framed
from tools.simulator.models.serial_port import SerialPort

WAKE = b"\x55" * 2 + bytes(14)
SAM = bytes.fromhex("0000FF05FBD4140100001700")
FIRMWARE = bytes.fromhex("0000FF02FED4022A00")
LOOK = bytes.fromhex("0000FF04FCD44A0100E100")
ACK = bytes.fromhex("0000FF00FF00")
NACK = bytes.fromhex("0000FFFF0000")
AWAKE = bytes.fromhex("D515")


class Line:
    """A host's side of the line, at a time of its own."""

    def __init__(self):
        self.now = 0.0
        self.port = SerialPort(lambda: self.now)
        self.port.open(115200, 1024)
        self.reader = Pn532(self.port, lambda: self.now)

    def say(self, data, seconds=0.1):
        """Send, wait, and return what has come."""
        self.port.transmit(data)
        self.now += seconds
        return self.port.take(1024)


@pytest.fixture
def line():
    made = Line()
    made.say(WAKE)
    assert made.say(SAM) == ACK + framed(AWAKE)
    return made


def answer(hexadecimal):
    """Return what comes for a command: its ACK, and this."""
    return ACK + framed(bytes.fromhex(hexadecimal))


def test_it_hears_nothing_until_it_is_awake_and_nothing_else_before_its_sam():
    line = Line()
    assert line.say(SAM) == b""  # its first bytes woke it
    assert line.say(FIRMWARE) == b""
    assert line.say(SAM) == ACK + framed(AWAKE)
    assert line.say(FIRMWARE) == answer("D50332010607")


def test_a_damaged_command_is_not_heard_and_one_that_it_does_not_know_is_an_error(line):
    assert line.say(FIRMWARE[:-2] + b"\x2b\0") == b""
    assert line.say(framed(b"\xd4\x99")) == ACK + bytes.fromhex("0000FF01FF7F8100")
    assert line.say(b"\xaa\0\xff" + FIRMWARE) == answer("D50332010607")


def test_it_says_its_last_answer_again(line):
    said = line.say(FIRMWARE)
    assert line.say(NACK) == said.removeprefix(ACK)


def test_it_changes_its_speed_once_its_answer_is_acknowledged(line):
    assert line.say(framed(b"\xd4\x10\x05")) == answer("D511")
    line.port.open(230400, 1024)
    assert line.say(FIRMWARE) == b""
    line.port.open(115200, 1024)
    assert line.say(framed(b"\xd4\x10\x05")) == answer("D511")
    line.say(ACK)
    assert line.say(FIRMWARE) == b""
    line.port.open(230400, 1024)
    assert line.say(WAKE + FIRMWARE) == answer("D50332010607")


def test_it_looks_for_a_card_without_end_unless_it_was_told_otherwise(line):
    assert line.say(LOOK, 10) == ACK
    assert line.say(FIRMWARE) == answer("D50332010607")  # which ends the look
    line.say(framed(b"\xd4\x32\x05\xff\x01\x01"))
    assert line.say(LOOK) == answer("D54B00")


def test_a_card_is_found_spoken_to_and_seen_by_every_second_look_only(line):
    line.reader.put(cards.transport())
    found = answer("D54B010100042004112233440575338102")
    assert line.say(LOOK) == found
    line.say(framed(b"\xd4\x32\x05\xff\x01\x01"))
    assert line.say(LOOK) == answer("D54B00")
    assert line.say(LOOK) == found
    assert line.say(framed(b"\xd4\x40\x01" + bytes.fromhex("00B2010C00"))) == answer("D541006985")
    line.say(framed(b"\xd4\x32\x01\x00"))
    assert line.say(LOOK) == found  # without power it has forgotten


def test_a_card_that_is_gone_is_a_time_out_and_then_not_there(line):
    card = cards.transport()
    line.reader.put(card)
    line.say(LOOK)
    line.reader.take(card)
    ask = framed(b"\xd4\x40\x01" + bytes.fromhex("00B2010C00"))
    assert line.say(ask, 0.2) == answer("D54101")
    line.say(framed(b"\xd4\x32\x01\x00"))
    assert line.say(ask) == answer("D54129")


def test_a_long_answer_is_an_extended_frame_or_comes_in_parts(line):
    one = cards.unionpay()
    one.records[1, 1] = cards.tlv(0x70, bytes(253))
    line.reader.put(cards.Payment(one))
    line.say(LOOK)
    name = bytes.fromhex("00A4040008" + one.aid + "00")
    line.say(framed(b"\xd4\x40\x01" + name))
    ask = framed(b"\xd4\x40\x01" + bytes.fromhex("00B2010C00"))
    whole = line.say(ask)
    assert whole[6:14] == bytes.fromhex("0000FFFFFF0105FA")
    record = whole[17:-2]
    assert record == one.records[1, 1] + b"\x90\0"
    line.reader.largest = 200
    assert line.say(ask) == ACK + framed(b"\xd5\x41\x40" + record[:200])
    assert line.say(framed(b"\xd4\x40\x01")) == ACK + framed(b"\xd5\x41\0" + record[200:])


def test_what_is_pulled_out_says_nothing_and_begins_anew_when_it_is_back(line):
    line.reader.fitted = False
    assert line.say(FIRMWARE) == b""
    line.reader.fitted = True
    assert line.say(FIRMWARE) == b""
    assert line.say(SAM) == ACK + framed(AWAKE)


def test_it_takes_the_time_that_a_terminal_has_measured():
    card = cards.Payment(cards.unionpay())
    answer, seconds = card.answer(bytes.fromhex("00A404000E325041592E5359532E444446303100"))
    assert seconds == pytest.approx(0.019 + 0.00006 * (20 + len(answer)))
    for size, measured in ((52, 0.022), (102, 0.025)):
        assert abs(0.019 + 0.00006 * size - measured) < 0.0005
