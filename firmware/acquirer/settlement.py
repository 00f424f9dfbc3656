"""What is said about a request to change a binding: sent, repeated, inquired about.

The host that binding.change is given. In memory only while a request is being settled. May import
exchange, answers, binding.
"""

from firmware.acquirer import answers
from firmware.acquirer.exchange import FILE, REPEAT, SLOT, TOKEN, UUID
from firmware.binding import change, model
from firmware.binding.change import NoAnswer, Outcome


class Settlement:
    """A request's way over an `exchange`. Each method returns an Outcome and never raises for the
    line.
    """

    def __init__(self, exchange):
        self._exchange = exchange

    async def submit(self, request, secrets):
        """Send a change for the first time (0300)."""
        return await self._change(FILE, request, secrets)

    async def repeat(self, request, secrets):
        """Repeat a change whose answer is unknown (0301)."""
        return await self._change(REPEAT, request, secrets)

    async def inquire(self, request):
        """Ask what became of a request (0300, 91=5)."""
        exchange = self._exchange
        try:
            exchange.begin(FILE, exchange.state.next_stan(), exchange.clock.now())
            exchange.text(91, b"5")
            exchange.text(101, b"SETTLEBIND")
            exchange.open_tlvs()
            exchange.tlv(UUID, request.uuid)
            exchange.close_tlvs()
            reply = await exchange.ask(FILE, request.uuid)
        except NoAnswer as error:
            return _unanswered(error)
        return self._outcome(reply, request)

    async def _change(self, mti, request, secrets):
        exchange = self._exchange
        exchange.begin(mti, request.stan, request.time)
        exchange.text(91, b"2")
        exchange.text(101, b"SETTLEBIND")
        if request.old_token is not None:
            exchange.text(102, b"".join([b"%02X" % byte for byte in request.old_token]))
        number = model.number(request.tlvs)
        if number is not None:
            exchange.text(103, model.truncated(number).encode())
        exchange.open_tlvs()
        exchange.tlv(UUID, request.uuid)
        exchange.tlv(0xDF11, bytes((request.action,)))
        exchange.tlv(SLOT, bytes((request.slot,)))
        exchange.tlv(0xDF13, bytes((request.reason,)))
        exchange.tlv(0xDF14, request.operator)
        if request.approved:
            exchange.tlv(0xDF15, b"00")
        exchange.tlv(0xDF16, exchange.identity.serial)
        given = []
        if secrets is not None:
            given = [(0xDF38, secrets.cvv2), (0xDF3A, secrets.code)]
        exchange.sealed(request.tlvs, [pair for pair in given if pair[1]])
        exchange.close_tlvs()
        try:
            reply = await exchange.ask(mti, request.uuid)
        except NoAnswer as error:
            return _unanswered(error)
        return self._outcome(reply, request)

    def _outcome(self, reply, request):
        outcome = Outcome()
        outcome.code = reply.code
        outcome.status = reply.status
        outcome.event = answers.event(reply.code, reply.status)
        outcome.fault_tag, outcome.note = answers.split_reason(_text(reply, 0xDF41))
        outcome.application = _text(reply, 0xDF43)
        outcome.effective = reply.number(0xDF42)
        outcome.token = reply.value(TOKEN)
        reference = reply.field(37)
        if reference is not None:
            outcome.reference = reference
        token = self._exchange.identity.token(request.tlvs)
        if outcome.event == change.ACTIVE and outcome.token != token:
            outcome.event = change.SUPERSEDED if outcome.token else change.UNSETTLED
        return outcome


def _unanswered(error):
    outcome = Outcome()
    outcome.trouble = error.code
    return outcome


def _text(reply, tag):
    # A TLV's UTF-8 text; a reason that can't be read is shown as none.
    try:
        return str(reply.value(tag) or b"", "utf-8")
    except (UnicodeError, ValueError):
        return ""
