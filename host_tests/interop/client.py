"""An independent client of the wire profile: what a stranger with a bundle would write from it.

Shares no code with the acquirer or the firmware: its own BCD codec, TLV reader and DUKPT, on plain
blocking sockets. `Client(bundle, port)` connects, numbers its messages, and refuses whatever is
"no answer" in the profile's sense. Every part of a message can be bent on its way out, to see what
a host makes of it. May import: cryptography, pyotp, the standard library.
"""

import json
import os
import re
import socket
import ssl
import time
import uuid as uuids
from pathlib import Path

import pyotp
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC

TPDU = bytes.fromhex("6000030007")

# DE: (kind, digits of the length, size); fixed where the length has none.
FIELDS = {
    2: ("n", 2, 19),
    3: ("n", 0, 6),
    4: ("n", 0, 12),
    7: ("n", 0, 10),
    11: ("n", 0, 6),
    12: ("n", 0, 6),
    13: ("n", 0, 4),
    14: ("n", 0, 4),
    22: ("n", 0, 3),
    25: ("n", 0, 2),
    35: ("z", 2, 37),
    37: ("a", 0, 12),
    38: ("a", 0, 6),
    39: ("a", 0, 2),
    41: ("a", 0, 8),
    42: ("a", 0, 15),
    49: ("n", 0, 3),
    55: ("b", 3, 999),
    60: ("n", 3, 11),
    62: ("b", 3, 999),
    63: ("b", 3, 999),
    64: ("b", 0, 8),
    70: ("n", 0, 3),
    90: ("n", 0, 42),
    91: ("a", 0, 1),
    101: ("a", 2, 17),
    102: ("a", 2, 28),
    103: ("a", 2, 28),
    120: ("b", 3, 999),
    128: ("b", 0, 8),
}


class Closed(Exception):
    """The host closed the connection instead of answering."""


class NoAnswer(Exception):
    """What came back is not the answer to what was asked."""


def _bcd(digits, left):
    if len(digits) % 2:
        digits = digits + "0" if left else "0" + digits
    return bytes.fromhex(digits.replace("=", "D"))


def pack_field(de, value):
    """One field as bytes. Text for n, z and a, bytes for b; bytes go out as they are anywhere."""
    kind, width, size = FIELDS.get(de, ("b", 0, 0))
    if isinstance(value, bytes):
        data, count = value, len(value)
    elif kind in ("n", "z"):
        data, count = _bcd(value, left=width > 0), len(value)
    else:
        data = value.ljust(size if width == 0 else 0).encode()
        count = len(data)
    if width == 0 or (isinstance(value, bytes) and kind != "b"):
        return data
    return bytes.fromhex(f"{count:0{4 if width == 3 else 2}d}") + data


def pack(mti, fields):
    """A message from the MTI on. fields: {DE: value}."""
    bitmap = 0
    for de in fields:
        bitmap |= 1 << (128 - de)
    size = 8
    if any(de > 64 for de in fields):
        bitmap |= 1 << 127
        size = 16
    head = bytes.fromhex(mti) + bitmap.to_bytes(16, "big")[:size]
    return head + b"".join(pack_field(de, fields[de]) for de in sorted(fields))


def unpack(body):
    """(MTI, {DE: value}) of a reply. Raises NoAnswer on anything out of shape."""
    mti = body[:2].hex()
    bits = int.from_bytes(body[2:10], "big") << 64
    at = 10
    if bits >> 127:
        bits |= int.from_bytes(body[10:18], "big")
        at = 18
    fields = {}
    for de in range(2, 129):
        if not bits >> (128 - de) & 1:
            continue
        if de not in FIELDS:
            raise NoAnswer(f"unknown DE {de}")
        kind, width, count = FIELDS[de]
        if width:
            step = 2 if width == 3 else 1
            length = body[at : at + step].hex()
            if not length.isdigit() or int(length) > count:
                raise NoAnswer(f"length of DE {de}")
            count = int(length)
            at += step
        size = (count + 1) // 2 if kind in ("n", "z") else count
        raw = body[at : at + size]
        if len(raw) != size:
            raise NoAnswer(f"DE {de} is cut short")
        at += size
        fields[de] = _value(de, kind, width, count, raw)
    if at != len(body):
        raise NoAnswer("trailing bytes")
    return mti, fields


def _value(de, kind, width, count, raw):
    if kind == "b":
        return raw
    if kind == "a":
        return raw.decode("ascii")
    digits = raw.hex()
    if count % 2:
        pad, digits = (digits[-1], digits[:-1]) if width else (digits[0], digits[1:])
        if pad != "0":
            raise NoAnswer(f"pad of DE {de}")
    if kind == "n" and not digits.isdigit():
        raise NoAnswer(f"digits of DE {de}")
    return digits


def tlv(tag, value):
    """One TLV as bytes."""
    length = len(value).to_bytes(2 if len(value) > 255 else 1, "big")
    if len(value) > 127:
        length = bytes([0x80 + len(length)]) + length
    return tag.to_bytes(2, "big") + length + value


def tlvs(pairs):
    """A block from {tag: value}, in its order."""
    return b"".join(tlv(tag, value) for tag, value in pairs.items())


def read_tlvs(block):
    """[(tag, value)] of a reply's block. Raises NoAnswer where it is malformed."""
    found, at = [], 0
    while at < len(block):
        tag, size, at = int.from_bytes(block[at : at + 2], "big"), block[at + 2], at + 3
        if size > 0x80:
            count = size & 0x7F
            size, at = int.from_bytes(block[at : at + count], "big"), at + count
        if at + size > len(block):
            raise NoAnswer(f"tag {tag:04X} is cut short")
        found.append((tag, block[at : at + size]))
        at += size
    return found


def gap(first, last, chain):
    """One DF52: records that the terminal has lost, and the chain behind them."""
    return tlv(0xDF52, first.to_bytes(4, "big") + last.to_bytes(4, "big") + chain)


def cmac(key, data):
    tag = CMAC(algorithms.AES(key))
    tag.update(data)
    return tag.finalize()


def derive(key, usage, tail):
    """One AES-DUKPT derivation."""
    data = bytes.fromhex(f"0101{usage:04x}00020080") + tail
    return Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(data)


def working_key(ik, ksn, usage):
    """The key of one usage under a key serial number."""
    counter, done, key = int.from_bytes(ksn[8:], "big"), 0, ik
    for bit in reversed(range(32)):
        if counter & 1 << bit:
            done |= 1 << bit
            key = derive(key, 0x8000, ksn[4:8] + done.to_bytes(4, "big"))
    return derive(key, usage, ksn[4:12])


def seal(key, data):
    iv, pad = os.urandom(16), 16 - len(data) % 16
    encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    return iv + encryptor.update(data + bytes([pad]) * pad)


def unseal(key, block):
    decryptor = Cipher(algorithms.AES(key), modes.CBC(block[:16])).decryptor()
    data = decryptor.update(block[16:])
    if not 1 <= data[-1] <= 16 or data[-data[-1] :] != bytes([data[-1]]) * data[-1]:
        raise NoAnswer("padding of DF20")
    return data[: -data[-1]]


REFUSALS = ("14", "22", "54", "55", "58", "59", "61", "63")
# Of an answer that tells what became of a change, by its status: what it must have, and may have.
TOLD = {
    1: ({0xDF42, 0xDF43, 0xDF44}, set()),
    2: ({0xDF43}, {0xDF41, 0xDF42, 0xDF4A}),
    3: (set(), {0xDF41, 0xDF42, 0xDF43, 0xDF4B}),
    4: (set(), {0xDF41}),
}
SIZES = {0xDF42: 4, 0xDF44: 8, 0xDF4A: 2, 0xDF4B: 1}


def check_told(reply):
    """Raise NoAnswer unless what became of a change is told as the profile has it."""
    codes = {1: ("00",), 2: ("09",), 3: REFUSALS, 4: ("00",)}
    if reply.code not in codes.get(reply.status, ()):
        raise NoAnswer(f"no such pair: {reply.verdict}")
    must, may = TOLD[reply.status]
    tags = set(reply.tags) - {0xDF10, 0xDF40}
    if not must <= tags <= must | may:
        raise NoAnswer(f"tags of {reply.verdict}: {tags}")
    for tag, size in SIZES.items():
        if tag in tags and len(reply.tags[tag]) != size:
            raise NoAnswer(f"length of {tag:04X}")
    if 0xDF41 in tags:
        said = reply.tags[0xDF41]
        if len(said) > 120 or not re.match(r"[0-9A-F]{4} .", said.decode()):
            raise NoAnswer("shape of DF41")
    if 0xDF43 in tags and not 1 <= len(reply.tags[0xDF43]) <= 32:
        raise NoAnswer("length of DF43")
    if 0xDF4A in tags:
        seconds = int.from_bytes(reply.tags[0xDF4A], "big")
        if not 3 <= seconds <= 10 or 0xDF42 in tags:
            raise NoAnswer("DF4A of a change that does not wait for its owner")
    kind = reply.tags.get(0xDF4B)
    if kind is not None and not b"\1" <= kind <= b"\5":
        raise NoAnswer("no such kind of refusal")
    if reply.status == 3 and 0xDF42 in tags and kind != b"\3":
        raise NoAnswer("a time to wait for in a refusal that asks for something else")


class Reply:
    """A verified answer: `tags` {tag: value} of DE 63 or 120, `sealed` [(tag, value)] of DF20."""

    def __init__(self, mti, fields, decrypt_key):
        self.mti = mti
        self.fields = fields
        self.pairs = read_tlvs(fields.get(63, fields.get(120, b"")))
        self.tags = dict(self.pairs)
        self.code = fields[39]
        self.status = self.tags[0xDF40][0] if 0xDF40 in self.tags else None
        self.sealed = None
        if 0xDF20 in self.tags:
            self.sealed = read_tlvs(unseal(decrypt_key, self.tags[0xDF20]))

    @property
    def verdict(self):
        """Code and status together, as the profile writes them: `00/01`, or `30` alone."""
        return self.code if self.status is None else f"{self.code}/{self.status:02d}"

    @property
    def banks(self):
        """[(CNAPS number, name)] of a page of the directory. Raises NoAnswer where it is none."""
        if self.code != "00" or len(self.tags.get(0xDF65, b"")) != 1:
            raise NoAnswer("DF65")
        found = [
            (value[:12].decode(), value[12:].decode()) for t, value in self.pairs if t == 0xDF64
        ]
        if len(found) > 8 or found != sorted(found):
            raise NoAnswer("DF64")
        return found

    @property
    def more(self):
        return self.tags[0xDF65][0]

    @property
    def reason(self):
        return self.tags[0xDF41].decode() if 0xDF41 in self.tags else None

    def __repr__(self):
        return f"Reply({self.mti} {self.verdict} {self.reason or ''})"


class Client:
    """One terminal's side of the profile.

    bundle: folder written by `enroll`; port, host: where the acquirer listens; clock: Unix time.
    """

    def __init__(self, bundle, port, host="127.0.0.1", clock=time.time, timeout_s=20):
        self.bundle = Path(bundle)
        self.known = json.loads((self.bundle / "keys.json").read_text(encoding="utf-8"))
        self.address = (host, port)
        self.clock = clock
        self.timeout_s = timeout_s
        self.terminal = self.known["terminal"]
        self.merchant = self.known["merchant"]
        self.ikid = bytes.fromhex(self.known["ikid"])
        self.ik = bytes.fromhex(self.known["ik"])
        self.token_key = bytes.fromhex(self.known["token_key"])
        self.counter = 0
        self.stan = 0
        self.line = None
        self.strict = True  # about what becomes of a change

    # The line

    def context(self):
        context = ssl.create_default_context(cafile=self.bundle / "ca.pem")
        context.load_cert_chain(self.bundle / "terminal.pem", self.bundle / "terminal.key.pem")
        return context

    def connect(self, context=None, server_name=None):
        """A new TLS connection; the one before, if any, is left to whoever holds it."""
        raw = socket.create_connection(self.address, self.timeout_s)
        try:
            self.line = (context or self.context()).wrap_socket(
                raw, server_hostname=server_name or self.known["server_name"]
            )
        except BaseException:
            raw.close()
            raise
        return self.line

    def close(self):
        if self.line is not None:
            self.line.close()
            self.line = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send_raw(self, data):
        if self.line is None:
            self.connect()
        try:
            self.line.sendall(data)
        except OSError as error:
            self.close()
            raise Closed from error

    def _read(self, count):
        data = b""
        while len(data) < count:
            try:
                part = self.line.recv(count - len(data))
            except (ConnectionError, ssl.SSLError) as error:
                part, cause = b"", error
            else:
                cause = None
            if not part:
                self.close()
                raise Closed from cause
            data += part
        return data

    def read_frame(self):
        """(TPDU, body) of the next frame. Raises Closed."""
        whole = self._read(int.from_bytes(self._read(2), "big"))
        return whole[:5], whole[5:]

    # Messages

    def next_ksn(self):
        self.counter += 1
        while self.counter.bit_count() > 16:
            self.counter += 1
        return self.ikid + self.counter.to_bytes(4, "big")

    def next_stan(self):
        self.stan = self.stan % 999999 + 1
        return f"{self.stan:06d}"

    def key(self, ksn, usage):
        return working_key(self.ik, ksn, usage)

    def header(self, ksn, stan=None):
        """The fields that every message has."""
        utc, local = time.gmtime(self.clock()), time.gmtime(self.clock() + 8 * 3600)
        return {
            7: time.strftime("%m%d%H%M%S", utc),
            11: stan or self.next_stan(),
            12: time.strftime("%H%M%S", local),
            13: time.strftime("%m%d", local),
            41: self.terminal,
            42: self.merchant,
            60: "00000001000",
            62: ksn,
        }

    def signed(self, mti, fields):
        """The message with its MAC, from the MTI on. A MAC already among the fields stays."""
        mac = 128 if any(de > 64 for de in fields) else 64
        if mac in fields:
            return pack(mti, fields)
        unsigned = pack(mti, fields | {mac: bytes(8)})[:-8]
        return unsigned + cmac(self.key(fields[62], 0x2000), unsigned)[:8]

    def exchange(self, mti, fields, bend=None):
        """Send a message and return the verified Reply. bend: function from the body to another.

        Raises Closed, or NoAnswer.
        """
        body = self.signed(mti, {de: value for de, value in fields.items() if value is not None})
        if bend is not None:
            body = bend(body)
        self.send_raw((len(body) + 5).to_bytes(2, "big") + TPDU + body)
        return self.receive(mti, fields)

    def receive(self, mti, fields):
        """Read the answer to a message with these fields."""
        tpdu, body = self.read_frame()
        ksn = fields[62]
        if tpdu != TPDU[:1] + TPDU[3:] + TPDU[1:3]:
            raise NoAnswer("TPDU is not swapped")
        if cmac(self.key(ksn, 0x2001), body[:-8])[:8] != body[-8:]:
            raise NoAnswer("MAC")
        answer, echoed = unpack(body)
        if answer != f"{int(mti) + (9 if mti[3] == '1' else 10):04d}":
            raise NoAnswer("MTI")
        for de in (3, 4, 7, 11, 12, 13, 41, 42, 49, 60, 62, 70, 90, 91, 101):
            sent = fields.get(de)
            if isinstance(sent, str) and FIELDS[de][0] == "a" and not FIELDS[de][1]:
                sent = sent.ljust(FIELDS[de][2])
            if echoed.get(de) != sent and not (de not in echoed and echoed[39] == "30"):
                raise NoAnswer(f"DE {de} is not echoed")
        reply = Reply(answer, echoed, self.key(ksn, 0x3001))
        uuid = dict(read_tlvs(fields[120])).get(0xDF10) if reply.status is not None else None
        if uuid is not None and reply.tags.get(0xDF10) != uuid:
            raise NoAnswer("UUID")
        if reply.status is not None and self.strict:
            check_told(reply)
        return reply

    def network(self, code="001", bound=None, **changes):
        """0800: sign on 001, sign off 002, echo 301. bound: {slot: token}; changes: de70=…"""
        fields = self.header(self.next_ksn())
        fields[60] = "00000001" + code
        fields[70] = code
        if bound:
            fields[120] = b"".join(
                tlv(0xDF12, bytes([slot])) + tlv(0xDF44, token) for slot, token in bound.items()
            )
        return self.exchange("0800", *_changed(fields, changes))

    def change(self, proposal, replaced=None, repeat=False, **changes):
        """0300/91=2, or its repeat 0301. proposal: a Proposal; replaced: token bytes or None."""
        ksn = self.next_ksn()
        fields = self.header(ksn, proposal.stan)
        proposal.stan = fields[11]
        proposal.time = fields[7] = proposal.time or fields[7]
        fields[91] = "2"
        fields[101] = "SETTLEBIND"
        if replaced is not None:
            fields[102] = replaced.hex().upper()
        fields[103] = proposal.truncated()
        fields[120] = proposal.block(self.key(ksn, 0x3000), self.known["serial"])
        return self.exchange("0301" if repeat else "0300", *_changed(fields, changes))

    def inquire(self, uuid=None, slot=None, **changes):
        """0300/91=5 for a request or for a slot's binding."""
        fields = self.header(self.next_ksn())
        fields[91] = "5"
        fields[101] = "SETTLEBIND"
        fields[120] = tlv(0xDF10, uuid) if uuid is not None else tlv(0xDF12, bytes([slot]))
        return self.exchange("0300", *_changed(fields, changes))

    def withdraw(self, uuid, operator=b"01", supervisor=b"00", **changes):
        """0300/91=3: take a request back. None leaves a tag out."""
        fields = self.header(self.next_ksn())
        fields[91] = "3"
        fields[101] = "SETTLEBIND"
        tags = {0xDF10: uuid, 0xDF14: operator, 0xDF15: supervisor}
        fields[120] = tlvs({tag: value for tag, value in tags.items() if value is not None})
        return self.exchange("0300", *_changed(fields, changes))

    def banks(self, bank_class=None, area=None, digits=None, page=0, tags=None, **changes):
        """0300/91=5 about the directory of banks. tags: DE 120 as {tag: value} instead.

        Returns the Reply; its `banks` are [(CNAPS number, name)], its `more` the byte of DF65.
        """
        fields = self.header(self.next_ksn())
        fields[91] = "5"
        fields[101] = "BANKS"
        if tags is None:
            said = {0xDF60: bank_class, 0xDF61: area, 0xDF62: digits}
            tags = {tag: value.encode() for tag, value in said.items() if value is not None}
            tags[0xDF63] = bytes([page])
        fields[120] = tlvs(tags)
        return self.exchange("0300", *_changed(fields, changes))

    def upload(self, records, **changes):
        """0320. records: list of DF50 values, and of gaps as `gap` makes them."""
        fields = self.header(self.next_ksn())
        fields[120] = b"".join(
            record if record[:2] == b"\xdf\x52" else tlv(0xDF50, record) for record in records
        )
        return self.exchange("0320", *_changed(fields, changes))

    # What the terminal and its owner know

    def code(self, at=None):
        """The owner's one-time code."""
        return pyotp.TOTP(self.known["totp_secret"]).at(int(self.clock() if at is None else at))

    def token(self, proposal):
        """The binding token of a proposal once it is bound."""
        inner = {tag: proposal.inner[tag] for tag in sorted(proposal.inner) if tag <= 0xDF37}
        return cmac(self.token_key, b"\x01" + tlvs(inner))[:8]

    def record(self, sequence, previous, detail="修改 6222***0128", at=1_700_000_000, event=None):
        """(DF50, chain) of an audit record after the chain `previous`."""
        if event is None:
            event = 1 if sequence == 1 else 5  # log begun, password set
        head = sequence.to_bytes(4, "big") + at.to_bytes(4, "big") + bytes([event]) + b"0100"
        body = head + detail.encode()
        chain = cmac(self.token_key, b"\x02" + previous + body)[:8]
        return head + chain + detail.encode(), chain


def _changed(fields, changes):
    """(fields, bend) after `de70="…"` and `bend=…` are taken in; None removes a field."""
    bend = changes.pop("bend", None)
    for name, value in changes.items():
        fields[int(name.removeprefix("de"))] = value
    return {de: value for de, value in fields.items() if value is not None}, bend


class Proposal:
    """A change as a terminal would propose it: `outer` and `inner` tags, both free to be bent."""

    def __init__(self, outer, inner):
        self.uuid = uuids.uuid4().bytes
        self.outer = {0xDF10: self.uuid} | outer
        self.inner = inner
        self.stan = None
        self.time = None

    def truncated(self):
        number = self.inner.get(0xDF31, self.inner.get(0xDF36, b"")).decode("latin-1")
        short = number[:6] if len(number) >= 13 else ""
        return f"{short}*{number[-4:]}"

    def block(self, key, serial):
        outer = {0xDF16: serial.encode()} | self.outer
        if 0xDF20 not in outer:
            outer[0xDF20] = seal(key, tlvs(dict(sorted(self.inner.items()))))
        return tlvs({tag: outer[tag] for tag in sorted(outer) if outer[tag] is not None})

    def bent(self, **values):
        """Set (df31=b"…") or remove (df31=None) tags, each where it belongs. Returns self."""
        for name, value in values.items():
            tag = int(name, 16)
            place = self.inner if 0xDF30 <= tag <= 0xDF3F else self.outer
            if value is None:
                place.pop(tag, None)
                if tag == 0xDF16:
                    place[tag] = None
            else:
                place[tag] = value
        return self


def _outer(action, slot, operator, supervisor):
    outer = {
        0xDF11: bytes([action]),
        0xDF12: bytes([slot]),
        0xDF13: b"\x04",
        0xDF14: operator.encode(),
    }
    if supervisor is not None:
        outer[0xDF15] = supervisor.encode()
    return outer


def account(
    client, number="6222021234567890128", slot=1, operator="01", supervisor="00", code=None
):
    """A proposal to change the account of a slot, right in everything."""
    inner = {
        0xDF30: client.known["names"][0].encode(),
        0xDF31: number.encode(),
        0xDF32: b"308584000013",
        0xDF34: b"\x01",
        0xDF35: client.known["licence"].encode(),
        0xDF3A: (client.code() if code is None else code).encode(),
    }
    return Proposal(_outer(1, slot, operator, supervisor), inner)


def card(client, number="6205500000000000004", slot=1, expiry="3012", cvv2=None, code=None):
    """A proposal to change the card of a slot, right in everything."""
    inner = {
        0xDF30: client.known["names"][0].encode(),
        0xDF35: client.known["licence"].encode(),
        0xDF36: number.encode(),
        0xDF37: expiry.encode(),
        0xDF3A: (client.code() if code is None else code).encode(),
    }
    if cvv2 is not None:
        inner[0xDF38] = cvv2.encode()
    return Proposal(_outer(2, slot, "01", "00"), inner)


def remove(client, slot, code=None):
    """A proposal to remove the reserve of a slot: DF11=04, with nothing but the code in DF20."""
    code = client.code() if code is None else code
    return Proposal(_outer(4, slot, "01", "00"), {0xDF3A: code.encode()})
