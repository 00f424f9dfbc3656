"""One message in, one answer out: the order of checks at the acquirer.

Certificate and key are this terminal's (else the connection is closed) → format (30) → MAC (A0) →
counter (A0) → key is the newest (97) → merchant (03) → what is served (40) → UUID → contents.
Everything a message changes, and what it is answered, is one transaction: the answer is built
inside it and may be sent once `answer` has returned. Raises Unanswerable where nobody may be
answered. May import: message, tlv, keys, rules, archive, inquiry; the books are given (and
BooksHeld), and the directory of banks.
"""

import logging
from dataclasses import dataclass, field

from tools.acquirer import archive, inquiry, keys, message, rules, tlv
from tools.acquirer.books import BooksHeld

_log = logging.getLogger("tools.acquirer")

SYSTEM_ERROR = "96"

SIGN_ON = "001"
SIGN_OFF = "002"
ECHO = "301"

NOTICE_BINDING = 1
NOTICE_MERCHANT = 2
NOTICE_RECORDS = 4
NOTICE_DECIDED = 8

_FAILURES_TAG = 0xDF19
_STATUS_TAG = 0xDF40
_REASON_TAG = 0xDF41
_EFFECTIVE_TAG = 0xDF42
_NUMBER_TAG = 0xDF43
_TOKEN_TAG = 0xDF44
_NOTICES_TAG = 0xDF45
_TIME_TAG = 0xDF46
_NEW_MERCHANT_TAG = 0xDF47
_POLICY_TAG = 0xDF48
_ASK_AGAIN_TAG = 0xDF4A
_KIND_TAG = 0xDF4B
_LAST_RECORD_TAG = 0xDF51

_ECHOED = (3, 4, 7, 11, 12, 13, 41, 42, 49, 60, 62, 70, 90, 91, 101)
_RESETS = 100  # in DF19, instead of an operator's number
_LOCKS = 5  # failed attempts in a row that lock a keypad
_NO_TOKEN = bytes(8)  # of a slot in which nothing is bound any more


class _Declined(Exception):
    """An answer that settles nothing: a response code, the tag at fault and why."""

    def __init__(self, code, why, tag=0):
        super().__init__(code)
        self.code = code
        self.why = why
        self.tag = tag


@dataclass
class Answer:
    """What is sent back, and what may be said about it: `info` holds no secrets and no numbers."""

    body: bytes
    info: dict


@dataclass
class _Reply:
    """The parts of a reply that are not an echo. `tlvs` go to DE 63 of an 0810, else to DE 120."""

    code: str
    tlvs: list = field(default_factory=list)
    reference: str | None = None
    status: int | None = None


class Exchange:
    """The acquirer's desk.

    books: open Books; base_key: BDK; clock: Unix time in seconds; banks: open Directory.
    """

    def __init__(self, books, base_key, clock, banks):
        self._books = books
        self._base_key = base_key
        self._clock = clock
        self._inquiries = inquiry.Inquiries(banks)

    def answer(self, body, common_name, instead=None):
        """Answer one message (bytes from the MTI on) of a client with this certificate CN.

        instead: a response code to answer with in place of any processing; or, for fault drills,
        f(answer, secrets), which alters the Message that it was to be before it gets its MAC.
        Raises Unanswerable: close the connection; BooksHeld: nothing was done, ask again.
        """
        request = message.decode(body)
        ksn = request[62]
        number = request[41].rstrip(" ")
        if number != common_name:
            raise message.Unanswerable("certificate of another terminal")
        if not self._books.was_key_of(ksn[:8], number):
            raise message.Unanswerable("IKID of another terminal")
        secrets = keys.MessageKeys(keys.initial_key(self._base_key, ksn[:8]), ksn)
        if isinstance(instead, str):
            reply = self._error(request, _Declined(instead, "not processed"))
        elif request.fault is not None:
            fault = request.fault
            reply = self._error(request, _Declined("30", f"DE {fault.de} {fault.why}"))
        else:
            reply = self._settled(request, bytes(body), secrets)
        return self._pack(request, reply, secrets, instead if callable(instead) else None)

    def pass_time(self):
        """Settle what is due by now, where no message comes. Raises BooksHeld."""
        now = int(self._clock())
        if self._books.is_due(now):
            with self._books.transaction():
                self._books.pass_time(now)

    def _settled(self, request, body, secrets):
        try:
            with self._books.transaction():
                try:
                    return self._checked(request, body, secrets)
                except _Declined as declined:
                    return self._error(request, declined)
        except BooksHeld:  # nothing has begun: it may be tried again
            raise
        except Exception:  # a full disk or a fault of ours must not take the server down: 96
            _log.exception("message %s of terminal %s failed", request.mti, request[41])
            return self._error(request, _Declined(SYSTEM_ERROR, "system error"))

    def _checked(self, request, body, secrets):
        """Who is speaking, in the profile's order; then what is asked."""
        books = self._books
        mac = request[message.mac_field(request.fields)]
        if not keys.equal(secrets.request_mac(body[: -message.MAC_SIZE]), mac):
            raise _Declined("A0", "MAC")
        terminal = books.terminal(request[41].rstrip(" "))
        ikid, counter = request[62][:8], int.from_bytes(request[62][8:], "big")
        if not keys.may_be_used(counter):
            raise _Declined("A0", "counter")
        seen = books.counter(ikid)
        if counter <= seen:  # no noise on the line: a clone, or a terminal that was set back
            said = f"counter {counter} came with a right MAC after {seen}"
            books.mark(terminal, "old counter", ikid.hex(), said, int(self._clock()))
            raise _Declined("A0", "counter")
        books.set_counter(ikid, counter)
        if terminal["revoked_at"] is not None:
            raise _Declined("97", "revoked")
        if terminal["ikid"] != ikid:
            raise _Declined("97", "key replaced by a newer one")
        terminal = self._merchant_checked(terminal, request[42].rstrip(" "))
        books.pass_time(int(self._clock()), terminal)
        terminal = books.terminal(terminal["number"])
        try:
            return self._served(request, terminal, secrets)
        except tlv.TlvError as error:
            raise _Declined("30", error.why, error.tag) from error

    def _merchant_checked(self, terminal, number):
        """The terminal's row when it may use DE 42; the first use of a new number ends the old."""
        if number == self._books.merchant_of(terminal)["number"]:
            if terminal["former_merchant"] is not None:
                self._books.retire_former_number(terminal)
                terminal = self._books.terminal(terminal["number"])
        elif number not in (terminal["former_merchant"] or "").split():
            raise _Declined("03", "merchant number")
        return terminal

    def _served(self, request, terminal, secrets):
        if request.mti == "0800":
            if request[70] not in (SIGN_ON, SIGN_OFF, ECHO):
                raise _Declined("40", "DE 70")
            return self._network(request, terminal, secrets)
        if request.mti == "0320":
            return self._records(request, terminal)
        if request.mti not in ("0300", "0301"):
            raise _Declined("40", "MTI")
        if request[101] == message.BANKS_NAME and (request.mti, request[91]) == ("0300", "5"):
            return self._banks(request, terminal)
        if request[101] != message.FILE_NAME:
            raise _Declined("40", "DE 101")
        if request[91] == "5" and request.mti == "0300":
            return self._inquiry(request, terminal, secrets)
        if request[91] == "3" and request.mti == "0300":
            return self._withdrawal(request, terminal)
        if request[91] == "2":
            return self._change(request, terminal, secrets)
        raise _Declined("40", "DE 91")

    # 0800

    def _network(self, request, terminal, secrets):
        merchant = self._books.merchant_of(terminal)
        former = terminal["former_merchant"]
        notices = 0
        if _bound(request.get(120, b"")) != self._books.tokens(terminal):
            notices |= NOTICE_BINDING
        if former is not None:
            notices |= NOTICE_MERCHANT
        if terminal["records_wanted"]:
            notices |= NOTICE_RECORDS
        if self._books.has_untold(terminal):
            notices |= NOTICE_DECIDED
        tlvs = []
        if request[70] == SIGN_ON:
            self._note_failures(request.get(120, b""), terminal)
            names = [(rules.NAME_TAG, name.encode()) for name in self._books.names(merchant)]
            tlvs.append((rules.SEALED_TAG, secrets.seal(tlv.join(names))))
        tlvs.append((_NOTICES_TAG, bytes([notices])))
        tlvs.append((_TIME_TAG, int(self._clock()).to_bytes(4, "big")))
        if former is not None:
            number = message.padded_merchant(merchant["number"])
            tlvs.append((_NEW_MERCHANT_TAG, number.encode()))
        tlvs.append((_POLICY_TAG, bytes([merchant["cvv2"]])))
        return _Reply("00", tlvs)

    def _note_failures(self, block, terminal):
        # Wrong passwords that have locked somebody out are something for people to look at.
        for number, failures in _failed(block):
            if failures >= _LOCKS:
                who = "responses to a challenge" if number == _RESETS else f"operator {number:02}"
                said = f"{failures} wrong ones in a row"
                self._books.mark(terminal, "failed attempts", who, said, int(self._clock()))

    # 0320

    def _records(self, request, terminal):
        try:
            entries = archive.split(request[120])
        except tlv.TlvError as error:
            last, _ = self._books.last_record(terminal)
            return _Reply("30", [_reason(error.tag, error.why), _stored(last)])
        last, whole = archive.store(self._books, terminal, entries, int(self._clock()))
        if whole:
            self._books.want_records(terminal, False)
        return _Reply("00" if whole else "30", [_stored(last)])

    # 0300, 0301

    def _inquiry(self, request, terminal, secrets):
        found = dict(tlv.split(request[120]))
        if rules.UUID_TAG in found:
            uuid = rules.uuid_of(found)
            application = self._books.application(terminal, uuid)
            if application is None:
                return _unknown([(rules.UUID_TAG, uuid)])
            return self._state(terminal, application)
        binding = self._books.binding(terminal, rules.slot_of(found))
        if binding is None:
            return _unknown([])
        sealed = secrets.seal(self._books.binding_tlvs(binding))
        return _Reply("00", [(rules.SEALED_TAG, sealed), (_TOKEN_TAG, binding["token"])])

    def _banks(self, request, terminal):
        asked = inquiry.read(dict(tlv.split(request[120])))
        if not self._inquiries.may_ask(terminal["number"], self._clock()):
            raise _Declined("61", "too many inquiries of the directory")
        return _Reply("00", self._inquiries.answer(asked))

    def _withdrawal(self, request, terminal):
        """End a request under review; any other is told as it is."""
        uuid, approved = rules.read_withdrawal(dict(tlv.split(request[120])))
        if not approved:
            raise _Declined("58", "needs the supervisor")
        application = self._books.application(terminal, uuid)
        if application is None:
            return _unknown([(rules.UUID_TAG, uuid)])
        if application["status"] == rules.REVIEW:
            self._books.refuse(application, rules.Refused("withdrawn"), int(self._clock()))
            application = self._books.application(terminal, uuid)
        return self._state(terminal, application)

    def _change(self, request, terminal, secrets):
        found = dict(tlv.split(request[120]))
        uuid = rules.uuid_of(found)
        application = self._books.application(terminal, uuid)
        if application is None:
            application = self._new(request, terminal, uuid, found, secrets)
        return self._state(terminal, application)

    def _new(self, request, terminal, uuid, found, secrets):
        """Judge a change not seen before, and file it whatever the verdict. Raises TlvError."""
        books, now = self._books, int(self._clock())
        merchant = books.merchant_of(terminal)
        proposal = rules.read_proposal(
            found, secrets.unseal, request.mti == "0301", bool(merchant["cvv2"])
        )
        today = rules.civil_date(now)
        current = books.binding(terminal, proposal.slot)
        restored = proposal.action == rules.ACTION_RESTORE
        pending = books.pending(terminal)
        standing = rules.Standing(
            pending=pending is not None,
            pending_until=pending["due"] if pending else None,
            token=current["token"].hex().upper() if current else None,
            locked=books.is_locked(terminal),
            current=books.binding_tlvs(current) if current else None,
            had=books.bindings_ever(terminal, proposal.slot) if restored else [],
            names=books.names(merchant),
            licence=merchant["licence"],
            code_checks_today=books.code_checks(terminal, today),
            today=today,
        )
        replaced, refused, code_day = request.get(102), None, today
        try:
            rules.judge(
                proposal, replaced, standing, lambda code: self._spend(terminal, code, now)
            )
        except rules.Refused as verdict:
            refused = verdict
            if refused.code == "55":
                books.count_wrong_code(terminal)
            else:
                code_day = None
        return books.file(
            terminal, merchant["number"], uuid, proposal, replaced, refused, code_day, now
        )

    def _spend(self, terminal, code, now):
        """Whether the code is right for an unspent step of the window; it is spent now, with all
        steps before it.
        """
        secret = self._books.code_secret(terminal)
        step = now // keys.CODE_PERIOD_S
        return any(
            keys.equal(keys.one_time_code(secret, near).encode(), code.encode())
            and self._books.spend_step(terminal, near)
            for near in range(step - rules.CODE_WINDOW, step + rules.CODE_WINDOW + 1)
        )

    def _state(self, terminal, application):
        """The current state of a request that is stored.

        DF44 is the slot's token of now, zeros when nothing is bound there any more: a terminal
        that hears late of a binding since replaced may not take it for the current one.
        """
        status = application["status"]
        if status != rules.REVIEW and not application["told"]:
            self._books.mark_told(application)
        tlvs = [(rules.UUID_TAG, application["uuid"]), (_STATUS_TAG, bytes([status]))]
        if application["message"]:
            tlvs.append((_REASON_TAG, application["message"].encode()))
        owner_awaited = application["stage"] == rules.OWNER
        since = application["settled_at"] if status == rules.ACTIVE else application["due"]
        if since is not None and not owner_awaited:
            tlvs.append((_EFFECTIVE_TAG, since.to_bytes(4, "big")))
        tlvs.append((_NUMBER_TAG, application["number"].encode()))
        if status == rules.ACTIVE:
            slot = self._books.binding(terminal, application["slot"])
            tlvs.append((_TOKEN_TAG, slot["token"] if slot else _NO_TOKEN))
        if owner_awaited:
            tlvs.append((_ASK_AGAIN_TAG, rules.OWNER_ASKS_S.to_bytes(2, "big")))
        if application["kind"]:
            tlvs.append((_KIND_TAG, bytes([application["kind"]])))
        return _Reply(application["code"], tlvs, application["reference"], status)

    # The answer

    def _error(self, request, declined):
        """An answer that settles nothing: an 0310 has the UUID, if it could be read, and DF41."""
        tlvs = []
        if request.mti in ("0300", "0301"):
            uuid = _readable_uuid(request.get(120))
            if uuid is not None:
                tlvs.append((rules.UUID_TAG, uuid))
            tlvs.append(_reason(declined.tag, declined.why))
        return _Reply(declined.code, tlvs)

    def _pack(self, request, reply, secrets, alter):
        answer = message.Message(message.reply_mti(request.mti))
        answer.fields = {de: request[de] for de in _ECHOED if de in request}
        answer.fields[39] = reply.code
        if reply.reference is not None:
            answer.fields[37] = reply.reference
        if reply.tlvs:
            answer.fields[63 if request.mti == "0800" else 120] = tlv.join(reply.tlvs)
        if alter is not None:
            alter(answer, secrets)
        mac = message.mac_field(answer.fields)
        if request.mti in ("0800", "0320"):
            mac = 128
        answer.fields[mac] = bytes(message.MAC_SIZE)
        unsigned = message.encode(answer)[: -message.MAC_SIZE]
        info = {
            "mti": request.mti,
            "terminal": request[41].rstrip(" "),
            "stan": request[11],
            "code": reply.code,
            "status": reply.status,
            "reference": reply.reference,
        }
        return Answer(unsigned + secrets.reply_mac(unsigned), info)


def _reason(tag, why):
    return _REASON_TAG, rules.reason(tag, why).encode()


def _stored(last):
    return _LAST_RECORD_TAG, last.to_bytes(4, "big")


def _unknown(tlvs):
    """00/04: the acquirer has no such request, or nothing is bound in the slot."""
    return _Reply("00", [*tlvs, (_STATUS_TAG, bytes([rules.UNKNOWN]))], None, rules.UNKNOWN)


def _bound(block):
    """{slot: token} of the list in an 0800. Raises TlvError."""
    bound, slot = {}, None
    for tag, value in tlv.split(block, repeatable=(rules.SLOT_TAG, _TOKEN_TAG)):
        if tag == rules.SLOT_TAG:
            if slot is not None:
                raise tlv.TlvError(tag, "without its token")
            slot = rules.slot_of({tag: value})
            if slot in bound:
                raise tlv.TlvError(tag, "slot listed twice")
        elif tag == _TOKEN_TAG:
            if slot is None or len(value) != 8:
                raise tlv.TlvError(tag, "not after its slot, or of wrong length")
            bound[slot], slot = value, None
    if slot is not None:
        raise tlv.TlvError(rules.SLOT_TAG, "without its token")
    return bound


def _failed(block):
    """(number, failures) of each number that has failed, as a sign-on tells. Raises TlvError."""
    found = tlv.split(block, repeatable=(rules.SLOT_TAG, _TOKEN_TAG))
    told = dict(found).get(_FAILURES_TAG, b"")
    if len(told) % 2 or any(number > _RESETS for number in told[::2]):
        raise tlv.TlvError(_FAILURES_TAG, "no numbers with their failures")
    return list(zip(told[::2], told[1::2], strict=True))


def _readable_uuid(block):
    """The UUID in a DE 120 that may be anything, or None."""
    try:
        return rules.uuid_of(dict(tlv.split(block or b"")))
    except tlv.TlvError:
        return None
