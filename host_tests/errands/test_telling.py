"""What people are told of a request: every state, event and code, read from the pages."""

import asyncio
import itertools
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from drivers import clock
from firmware.binding import change, model
from firmware.binding.change import Outcome
from firmware.binding.change_record import ChangeRecord, compose
from firmware.binding.request import Request
from firmware.errands import (
    after,
    approval,
    change_records,
    pending,
    submission,
    telling,
    waiting,
    withdraw,
)
from firmware.errands import outcome as outcomes
from firmware.storage import state as store
from firmware.ui.text import Text
from host_tests.binding.test_change import NEW, Terminal
from host_tests.errands.leading import led
from host_tests.ui.stage import Stage, assets

PROTOCOL = Path(__file__).resolve().parents[2] / "docs" / "protocol.md"
TAGS = sorted({int(tag, 16) for tag in re.findall(r"\bDF[0-9A-F]{2}\b", PROTOCOL.read_text())})
PHASES = (change.IDLE, change.STORED, change.SENT, change.REVIEW, change.HELD)
ENDS = (change.ACTIVE, change.REJECTED, change.SUPERSEDED, change.WITHDRAWN)
CODES = (b"--", b"00", b"09", b"14", b"30", b"59", b"91", b"A0", b"1Q")
NOW = 1_800_000_000
SUCCESS = ("成功", "已生效", "Accepted", "Approved", "in effect")


class Desk:
    """A desk with pages that are read as text."""

    def __init__(self, language, phase=change.IDLE):
        self.text = Text(assets() / f"{language}.bin")
        self.change = SimpleNamespace(phase=phase)
        self.clock = SimpleNamespace(civil=lambda *a: clock.Clock.civil(None, *a), now=lambda: NOW)
        self.hotline = "95016"
        self.board = SimpleNamespace(beep=self._beep)
        self.pages = self
        self.operator, self.draft = b"01", None
        self.sounds, self.shown = [], []

    async def _beep(self, ms):
        self.sounds.append(ms)

    async def message(self, title, body, ok_only=False):
        self.shown.append((self.text(title), body))
        return True

    def log_out(self):
        self.operator = None


def _outcome(event, code, trouble=0):
    outcome = Outcome()
    outcome.event, outcome.code, outcome.trouble = event, code, trouble
    return outcome


def _cells():
    """Every event, and each state that can follow it."""
    for event, phase in itertools.product(range(change.WITHDRAWN + 1), PHASES):
        if (phase == change.IDLE) == (event in (*ENDS, change.CANCEL)):
            yield event, phase


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("event, phase", list(_cells()))
def test_only_an_accepted_request_is_ever_called_so_whatever_the_code(language, event, phase):
    for code, trouble in itertools.product(CODES, (0, 7, 9)):
        desk = Desk(language, phase)
        to = asyncio.run(outcomes.run(desk, _outcome(event, code, trouble)))
        page = "\n".join(itertools.chain(*desk.shown))
        assert any(word in page for word in SUCCESS) == (event == change.ACTIVE), page
        assert (desk.operator is None) == (event == change.ACTIVE)
        assert to == (after.FORM if (event, code) == (change.REJECTED, b"14") else after.NOWHERE)
        assert all(title and body.strip() for title, body in desk.shown)
        assert desk.shown[0][0] == desk.text(telling.row(event, phase)[0])
        if phase != change.IDLE:  # it is still there, and what becomes of it is said
            assert desk.text(telling._STATES[phase]) in page


@pytest.mark.parametrize("language", ["zh", "en"])
def test_each_end_has_words_of_its_own_everywhere(language):
    text = Text(assets() / f"{language}.bin")
    for key in ("change_record.ended.%d", "idle.ended.%d"):
        assert len({text(key % event) for event in ENDS}) == len(ENDS)
    assert len({telling.row(event, change.IDLE)[0] for event in ENDS}) == len(ENDS)


def _words(language, outcome, phase=change.IDLE):
    return telling.words(Desk(language), outcome, phase)


def test_a_code_that_is_not_in_the_list_is_shown_itself_if_it_can_be():
    assert _words("en", _outcome(change.REJECTED, b"1Q")).startswith("Answer code 1Q\n")
    assert _words("en", _outcome(change.REJECTED, b"\xff ")).startswith("Unknown answer\n")
    # Neither another key's hash nor another key's name is taken for it.
    assert "Approved" not in _words("en", _outcome(change.REJECTED, b"1Q"))
    assert _words("en", _outcome(change.REJECTED, b"ot")).startswith("Answer code ot\n")


def test_a_lost_answer_is_told_by_what_was_in_the_way():
    for trouble, words in ((3, "does not answer"), (6, "time-out"), (0, "not be verified")):
        said = _words("en", _outcome(change.UNSETTLED, b"--", trouble), change.SENT)
        assert words in said and "keeps asking" in said


def test_a_field_is_named_only_when_the_acquirer_named_one():
    assert "field named" not in _words("en", _outcome(change.REJECTED, b"14"))
    outcome = _outcome(change.REJECTED, b"14")
    outcome.fault_tag = 0xDF31
    words = _words("en", outcome)
    assert "Check: account number" in words and "Check the field named" in words


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_refusal_names_the_field_whatever_it_is(language):
    assert {0xDF12, 0xDF15, 0xDF20, 0xDF31} <= set(TAGS)
    text = Text(assets() / f"{language}.bin")
    for tag in (*TAGS, 0xFFFF):
        outcome = _outcome(change.REJECTED, b"22")
        outcome.fault_tag = tag
        words = _words(language, outcome)
        assert text("result.field") in words
        named = tag in range(0xDF30, 0xDF39) or tag == 0xDF3A
        assert (text("field.other") in words) != named, hex(tag)


REFUSALS = re.search(rb"Refusal codes,[^:]*: ([0-9A-Z ]+)\.", PROTOCOL.read_bytes())[1].split()
USUAL = {b"14": 1, b"22": 3, b"54": 2, b"55": 1, b"58": 5, b"59": 4, b"61": 3, b"63": 1}
KINDS = range(change.MEND, change.CALL + 1)


def _refused(code, kind=0, tag=0, effective=0):
    outcome = _outcome(change.REJECTED, code)
    outcome.kind, outcome.fault_tag, outcome.effective = kind, tag, effective
    return outcome


def _last(words):
    return words.rpartition("\n")[2]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_last_line_of_a_refusal_says_of_which_kind_it_is_by_its_code_if_nobody_says(language):
    text = Text(assets() / f"{language}.bin")
    for code, kind in itertools.product(REFUSALS, (0, *KINDS)):
        key = f"advice.kind.{kind}"
        if kind in (0, USUAL[code]):
            key = "advice." + code.decode()
        wanted = text(key)
        if (kind or USUAL[code]) == change.CALL:
            wanted += " 95016"
        said = _last(_words(language, _refused(code, kind, 0xDF31)))
        assert said == wanted and not said.startswith("?"), (code, kind)
    assert len({text(f"advice.kind.{kind}") for kind in KINDS}) == len(KINDS)


@pytest.mark.parametrize("code", REFUSALS)
def test_who_is_to_wait_is_told_until_when_where_that_is_a_moment_to_come(code):
    said = _last(_words("en", _refused(code, change.WAIT, 0, NOW + 3600)))
    assert said == "Try again after 01-15 17:00"
    for none in (0, NOW, NOW - 1, NOW + 400 * 86400, 0xFFFFFFFF):
        assert "after" not in _last(_words("en", _refused(code, change.WAIT, 0, none)))


@pytest.mark.parametrize("code", REFUSALS)
def test_only_what_can_be_mended_leads_back_to_the_form_and_there_to_its_field(code):
    for kind in (0, *KINDS):
        mends = (kind or USUAL[code]) in (change.MEND, change.TAKE_ANOTHER)
        of_code = code == b"55" and (kind or USUAL[code]) == change.MEND
        for tag in (0, 0xDF31, 0xDF36):
            to = after.leads_to(_refused(code, kind, tag))
            assert to == (change.CODE if of_code else tag or after.FORM if mends else 0)


def test_a_hold_is_told_with_what_the_acquirer_has_said():
    held = _outcome(change.REVIEWING, b"09")
    held.effective = NOW + 86400
    words = _words("en", held, change.REVIEW)
    assert "Old account paid until 01-16 16:00. Owner can stop it." in words


@pytest.mark.parametrize("kind", (0, *KINDS))
def test_a_record_of_a_refusal_says_of_which_kind_it_was(kind):
    outcome = _refused(b"63", kind)
    request = Request(bytes(16), 7, 1, 1, 1, 4, b"01", True, None, NEW)
    words = change_records.describe(Desk("en"), ChangeRecord(compose(request, outcome, NOW)))
    assert _last(words) == _last(_words("en", outcome))


def test_a_record_of_older_firmware_says_it_by_its_code():
    words = change_records.describe(Desk("en"), ChangeRecord(_record(change.REJECTED, b"59")))
    assert _last(words) == "Speak with the owner, then start again"


def _record(event, code, note=""):
    outcome = _outcome(event, code)
    outcome.note = note
    request = Request(bytes(16), 7, 1, 1, 1, 4, b"01", True, None, NEW)
    return compose(request, outcome, 1_800_000_000)


@pytest.mark.parametrize("event", ENDS)
@pytest.mark.parametrize("code", CODES)
def test_a_record_says_how_it_ended_by_its_event(event, code):
    desk = Desk("en")
    words = change_records.describe(desk, ChangeRecord(_record(event, code)))
    assert words.startswith(desk.text(f"change_record.ended.{event}"))
    assert any(word in words for word in SUCCESS) == (event == change.ACTIVE)


@pytest.mark.parametrize("status, event", [(1, change.ACTIVE), (3, change.REJECTED)])
def test_a_record_of_older_firmware_can_be_read_whatever_is_in_it(status, event):
    stored = bytearray(_record(event, b"00"))
    stored[11] = status
    assert ChangeRecord(bytes(stored)).event == event
    spoilt = bytes(stored[:24]) + b"622202*3445\nA\xff\xfe\x01"  # cut in the application
    read = ChangeRecord(spoilt)
    assert (read.number, read.application, read.note) == ("622202*3445", "A ", "")
    assert change_records.describe(Desk("en"), read)


# -- the page of the request


class Counter(Terminal):
    """A terminal with a person at its screen and nobody at the other end."""

    def __init__(self, phase, code=b"", language="en"):
        super().__init__()
        stage = self.stage = Stage(language)
        self.text, self.pages, self.operator = stage.text, stage.pages, b"01"
        self.opened, self.draft, self.hotline = [], None, "95016"
        self.sync = SimpleNamespace(
            last_outcome=None, talking=True, wake=lambda: None, forget=lambda: None
        )
        self.clock = SimpleNamespace(civil=lambda *a: clock.Clock.civil(None, *a), now=lambda: NOW)
        self.begin()
        self.state.put(((store.PENDING_STATE, bytes((phase,)) + code),))

    async def open(self, name, *args):
        if name == "waiting":
            return await waiting.run(self, *args)
        if name == "pending":
            return await pending.run(self, *args)
        if name == "withdraw":
            return await withdraw.run(self, *args)
        self.opened.append((name, args))

    async def prove(self, number, title):
        return number == b"00"

    def visit(self, codes):
        """Open the page, press keys; return what was read on the way."""
        return self.stage.play(led(self, pending.run(self)), codes)[1]


def _read(screens):
    return "".join(line for screen in screens for line in screen).replace(" ", "")


def test_a_request_that_is_held_says_why_and_what_ends_it_after_a_restart_too():
    counter = Counter(change.HELD, b"30")
    screens = _read(counter.visit("BBBBBBBB"))
    assert "Formaterror" in screens
    assert "withdrawitunderPendingrequest" in screens


@pytest.mark.parametrize("phase", [change.SENT, change.HELD, change.REVIEW])
def test_a_request_is_withdrawn_by_the_supervisor_for_who_is_logged_in(phase):
    counter = Counter(phase, b"30" if phase == change.HELD else b"")
    counter.visit("DBDD")
    assert counter.opened == [("submission", ("pending.title", None, None, b"01"))]


def test_both_who_agree_to_a_withdrawal_see_which_request_it_is():
    counter = Counter(change.SENT)
    asked = [screen for screen in counter.visit("DBDD") if "Withdrawthis" in _read([screen])]
    assert asked and "1:" + model.masked(counter.state.get(store.PENDING_TLVS)) in _read(asked)


def test_the_supervisor_withdraws_only_together_with_an_operator():
    counter = Counter(change.SENT)
    counter.operator = b"00"

    async def prove(number, title):
        return number == b"07"

    counter.prove = prove
    counter.visit("DBDD**00D**07D")  # 00 is no operator
    assert counter.opened == [("submission", ("pending.title", None, None, b"07"))]
    counter.opened.clear()
    counter.visit("DBDD**08D")
    assert counter.opened == []


@pytest.mark.parametrize("phase, led_to", [(change.REVIEW, ["waiting"] * 2), (change.SENT, [])])
def test_a_withdrawal_that_is_given_up_leads_back_to_the_page_of_the_wait(phase, led_to):
    counter = Counter(phase)
    opened, there = counter.open, []

    async def open_(name, *args):
        there.append(name)
        return await opened(name, *args)

    counter.open = open_
    counter.visit("DBDC")
    assert [name for name in there if name == "waiting"] == led_to
    assert counter.opened == []


def test_the_supervisor_sends_nothing():
    counter = Counter(change.STORED)
    counter.operator = b"00"
    shown = _read(counter.visit("D"))
    assert "Sendit" not in shown and "Cancel" in shown
    counter.visit("DDD")
    assert counter.change.phase == change.IDLE


def test_a_request_that_is_asked_about_has_no_code_with_it():
    counter = Counter(change.SENT)
    counter.visit("DD")
    assert counter.opened == [
        ("submission", ("pending.title", ("approval", ("pending.title", (1, 1, 4, NEW), None))))
    ]


@pytest.mark.parametrize("phase, codes", [(change.STORED, "DD"), (change.SENT, "DD")])
def test_after_a_wrong_code_the_request_is_proposed_anew_and_only_the_code_asked_for(phase, codes):
    counter = Counter(phase)
    opened = {"approval": approval, "submission": submission}
    leads = [change.CODE, after.NOWHERE]

    async def settle(withdraw):
        return _outcome(change.REJECTED, b"55")

    async def prove(number, title):
        return True

    counter.prove, counter.sync.settle = prove, settle
    counter.sync.keep = lambda secrets: None
    counter.identity = SimpleNamespace(token=bytes)

    async def open_(name, *args):
        counter.opened.append((name, args))
        if name in opened:
            return await opened[name].run(counter, *args)
        if name == "outcome":
            return leads.pop(0)
        return ((change.CODE, b"123456"),) if name == "codes" else True

    counter.open = open_
    counter.visit(codes)
    said = [(name, args) for name, args in counter.opened if name in ("codes", "propose")]
    anew = [("codes", ("pending.title", False)), ("propose", (1, 1, 4, NEW))]
    assert said == (anew if phase == change.SENT else anew * 2)
    # The second time nobody is asked again.
    assert [name for name, _ in counter.opened].count("consent") == len(said) // 2 + 1


def test_a_request_that_was_never_sent_is_cancelled_not_withdrawn():
    counter = Counter(change.STORED)
    screens = counter.visit("DBDD")
    assert counter.change.phase == change.IDLE
    assert "cancelled" in _read(screens)


def test_what_was_known_before_the_last_try_is_no_longer_said():
    counter = Counter(change.SENT)
    counter.sync.last_outcome = _outcome(change.UNSETTLED, b"--", 3)
    screens = _read(counter.visit("BBB"))
    assert "Lastasked:Acquirerdoesnotanswer" in screens
