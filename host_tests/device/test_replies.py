"""What the chip's own tasks log goes over the same line, and spoils no reply."""

import pytest

from tools.device import checks, link
from tools.device.link import DeviceError

LOG = b"\x1b[0;31mE (1234) wifi: Association refused too many times, max allowed 1\x1b[0m\n"


class Chatter:
    """Puts a line of a log before, in the middle of, and after what is printed, in turn."""

    def __init__(self, places):
        self._places = list(places)
        self.said = 0

    def __call__(self, text):
        if not self._places or not text.strip():
            return text
        self.said += 1
        at = int(len(text) * self._places.pop(0))
        return text[:at] + LOG + text[at:]


@pytest.mark.parametrize("places", [[0], [0.5], [1], [0.9, 0.2, 0.5, 0]])
def test_a_line_of_the_chips_log_spoils_no_reply(desk, places):
    board = desk()
    with link.Link(board.url) as line:
        board.log = Chatter(places)
        assert checks.examine(line).version == (1, 26, 1)
        assert board.log.said == len(places)


def test_nothing_is_done_twice_to_get_a_whole_reply(desk):
    board = desk()
    with link.Link(board.url) as line:
        line.run("calls = 0\ndef call():\n global calls\n calls += 1\n return calls")
        board.log = Chatter([0.5, 0.5])
        assert line.ask("reply(['网络', call()])") == ["网络", 1]
        assert line.ask("reply(call())") == 2


def test_what_is_logged_between_commands_is_no_answer(desk):
    board = desk()
    with link.Link(board.url) as line:
        board._events.put(("log", LOG))
        assert line.run("print(6*7)") == "42\r\n"


def test_a_line_that_never_carries_a_whole_reply_is_told(desk):
    board = desk()
    with link.Link(board.url) as line:
        board.log = Chatter([0.5] * 99)
        with pytest.raises(DeviceError, match="does not answer legibly"):
            checks.examine(line)
