"""Every pair of DE 39 and DF40 means what the wire profile says, and nothing else settles."""

import itertools
import json
from pathlib import Path

import pytest

from firmware.acquirer import outcomes
from firmware.acquirer.identity import Identity
from firmware.binding import change, transition
from firmware.binding.change_record import ChangeRecord
from firmware.binding.request import entry, pending
from firmware.storage import state as store
from host_tests.binding.test_change import NEW, OLD, Terminal

TEXTS = Path(__file__).resolve().parents[2] / "firmware" / "text"
KNOWN = "00 03 09 14 22 30 40 54 55 58 59 61 63 68 91 92 96 97 A0"
CODES = [*KNOWN.split(), "77"]
REFUSALS = ["14", "22", "54", "55", "58", "59", "61", "63"]
STUCK = ["30", "40", "58", "97", "03"]


def expected(code, status):
    if (code, status) == ("00", 1):
        return change.ACTIVE
    if (code, status) == ("09", 2):
        return change.REVIEWING
    if code in REFUSALS and status == 3:
        return change.REJECTED
    if (code, status) == ("00", 4):
        return change.NO_SUCH
    return change.STUCK if code in STUCK and status == 0 else change.UNSETTLED


def test_only_the_pairs_of_the_profile_settle():
    for code, status in itertools.product(CODES, range(8)):
        assert outcomes.event(code.encode(), status) == expected(code, status), (code, status)


def test_every_code_but_a_success_has_words_and_one_that_stops_a_request_has_advice():
    for language in ("zh", "en"):
        words = json.loads((TEXTS / f"{language}.json").read_text("utf-8"))
        assert all(words["answer." + code] for code in (*KNOWN.split()[1:], "other"))
        assert all(words["advice." + code] for code in (*REFUSALS, *STUCK, "other"))


def test_a_reason_names_its_field():
    assert outcomes.split_reason("DF31 wrong number") == (0xDF31, "wrong number")
    for reason in ("no such form", "DF3 wrong", "+F31 wrong", "-031 wrong", "", "DF31"):
        assert outcomes.split_reason(reason) == (0, reason)


class Waiting(Terminal):
    """A terminal that has sent a request and reads answers to it."""

    def __init__(self):
        super().__init__()
        self.identity = Identity(b"10000001", b"898310054110001", b"S1", bytes(16))
        self.begin()
        self.settle(change.UNSETTLED)

    def read(
        self, code, status, *, reason=None, application=None, token=None, reference=None, **more
    ):
        status = bytes((status,)) if isinstance(status, int) else status
        said = {39: code, 0xDF40: status, 0xDF41: reason, 0xDF43: application, 0xDF44: token}
        informs = {0xDF42: "effective", 0xDF4A: "again", 0xDF4B: "kind"}
        said |= {tag: more.get(name) for tag, name in informs.items()}
        return outcomes.read(self, {**said, 37: reference}, self.state.get(store.PENDING_TLVS))


@pytest.mark.parametrize(
    "of, event",
    [
        (lambda waiting: waiting.identity.token(NEW), change.ACTIVE),
        (lambda waiting: waiting.identity.token(OLD), change.SUPERSEDED),
        (lambda waiting: bytes(8), change.SUPERSEDED),  # the slot has since been unbound
        (lambda waiting: waiting.identity.token(NEW)[:7], change.UNSETTLED),
        (lambda waiting: b"", change.UNSETTLED),
        (lambda waiting: None, change.UNSETTLED),
    ],
)
def test_approved_is_only_what_has_the_token_of_what_was_asked(of, event):
    waiting = Waiting()
    assert waiting.read(b"00", 1, token=of(waiting)).event == event


ODD = [b"\xff" * 12, b"\x00" * 12, b"\n" * 12, "长".encode() * 40, b"x" * 900, b""]


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("event", [change.REVIEWING, change.REJECTED])
def test_what_only_informs_is_made_legible_and_settles_all_the_same(odd, event):
    waiting = Waiting()
    code, status = (b"09", 2) if event == change.REVIEWING else (b"63", 3)
    outcome = waiting.read(code, status, reason=odd, application=odd, reference=odd[:12] or None)
    assert outcome.event == event
    for words in (outcome.note, outcome.application):
        assert words == "" or words.isprintable()
    assert len(outcome.application) <= 32
    told = entry(pending(waiting.state), 0x24, 1, outcome)
    assert all(0x20 < byte < 0x7F for byte in told[5:9])  # the archive takes it
    told[9:].decode("ascii")


def test_when_it_is_true_and_when_to_ask_again_are_read():
    effective = (1_800_000_000).to_bytes(4, "big")
    outcome = Waiting().read(b"09", 2, effective=effective, again=b"\x01\x02")
    assert (outcome.event, outcome.effective) == (change.REVIEWING, 1_800_000_000)
    assert outcome.again_s == 258


@pytest.mark.parametrize("odd", [None, b"", b"\x00", b"\x06", b"\xff", b"\x01\x01\x01"])
def test_what_says_when_or_how_and_is_not_of_its_form_is_left_out(odd):
    outcome = Waiting().read(b"63", 3, effective=odd, again=odd, kind=odd)
    assert outcome.event == change.REJECTED
    assert (outcome.effective, outcome.again_s, outcome.kind) == (0, 0, 0)


@pytest.mark.parametrize("kind", range(1, 6))
def test_the_kind_of_a_refusal_is_kept_with_the_record(kind):
    waiting = Waiting()
    outcome = waiting.read(b"59", 3, kind=bytes((kind,)))
    assert (outcome.event, outcome.kind) == (change.REJECTED, kind)
    waiting.state.put(
        *transition.decide(waiting.change, outcome.event, outcome, True, change.INQUIRE)
    )
    waiting.boot()
    (stored,) = waiting.state.change_records()
    assert (ChangeRecord(stored).event, ChangeRecord(stored).kind) == (change.REJECTED, kind)


def test_what_was_taken_back_is_no_refusal_and_has_no_kind():
    waiting = Waiting()
    outcome = waiting.read(b"59", 3, kind=b"\x04")
    decided = transition.decide(waiting.change, outcome.event, outcome, True, change.WITHDRAW)
    waiting.state.put(*decided)
    (stored,) = waiting.state.change_records()
    assert (ChangeRecord(stored).event, ChangeRecord(stored).kind) == (change.WITHDRAWN, 0)


@pytest.mark.parametrize("code", [b"\xff\xff", b"\x00\x00", b"0\n", b"  "])
def test_a_response_code_that_is_no_text_settles_nothing_and_is_kept_nowhere(code):
    waiting = Waiting()
    for status in (None, 1, 2, 3, 4):
        outcome = waiting.read(code, status)
        assert (outcome.event, outcome.code) == (change.UNSETTLED, b"--")


@pytest.mark.parametrize("status", [b"", b"\x01\x01"])
def test_a_status_of_another_length_is_none(status):
    waiting = Waiting()
    token = waiting.identity.token(NEW)
    read = waiting.read(b"00", status, token=token)
    assert read.event == change.UNSETTLED
    assert waiting.state.get(store.PENDING) is not None
