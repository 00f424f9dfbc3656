"""The self-test as the board does it: one small function a check, with a verdict and what was
measured.

Sent over the serial line, gone with the next reset. What always holds: nothing that the terminal
has stored is changed; flash is programmed only where a sector is blank, and is blank again
afterwards; no card number is printed. A check returns (verdict, what was measured).
"""

import gc
import json
import os
import sys
import time
from array import array
from binascii import hexlify, unhexlify

import machine

from drivers import board

OK = "ok"
FAILED = "failed"
ABSENT = "absent"

PIECE = 64
ENOUGH_US = 20000
SCAN_MS = 8
LAYOUT = "123A456B789C*0#D"
PAN = b"6222021234567890128"
TRACK = b";4761739001010119=22122011758928889?"
SIGN_ON = unhexlify(
    "08008238000000c000140400000000000001112502030400004210030411253130303030303031"
    "3839383331303035343131303030310011000000010010001212345678901234560000000100010000000000000000"
)

parts = None


def told(check, *args):
    """Run a check and reply its verdict; a check that breaks has failed."""
    try:
        verdict, measured = check(*args)
    except Exception as fault:
        verdict, measured = FAILED, {"fault": repr(fault)}
    reply((verdict, measured))


def start(name):
    """Build the board by its config.json, or as `name` when it has none."""
    global parts
    try:
        with open("config.json") as file:
            config = json.load(file)
    except OSError:
        config = {"board": name, "host": "", "port": 0, "server_name": "", "wifi": {"ssid": ""}}
    parts = board.build(config)
    found = {
        "board": parts.name,
        "terminal": config.get("terminal"),
        "unique_id": hexlify(machine.unique_id()).decode(),
        "mhz": machine.freq() // 1000000,
        "reset_cause": machine.reset_cause(),
        "faults": parts.faults,
        "notes": parts.notes,
    }
    return FAILED if parts.faults else OK, found


def journal():
    """Erase, program and read the last blank sector of the journal; it is blank again then."""
    flash = parts.flash
    if flash is None:
        return ABSENT, {}
    found = {"sectors": flash.sectors, "in_files": "files" in parts.notes}
    for sector in range(flash.sectors - 1, -1, -1):
        if blank(flash, sector):
            break
    else:
        found["note"] = "every sector holds records: read only"
        return OK, found
    pattern = bytes(range(PIECE))
    back = bytearray(PIECE)
    found["sector"] = sector
    good = True
    try:
        found["program_us"] = took(lambda: flash.program(sector, 0, pattern))
        found["read_us"] = took(lambda: flash.read(sector, 0, back))
        good = back == pattern
    finally:
        found["erase_ms"] = took(lambda: flash.erase(sector)) // 1000
    return OK if good and blank(flash, sector) else FAILED, found


def blank(flash, sector):
    piece = bytearray(PIECE)
    for at in range(0, flash.sector_size, PIECE):
        flash.read(sector, at, piece)
        if piece != b"\xff" * PIECE:
            return False
    return True


def took(work):
    begun = time.ticks_us()
    work()
    return time.ticks_diff(time.ticks_us(), begun)


def nvs():
    """Store an entry, read it back and erase it."""
    store = parts.keystore
    if store is None:
        return ABSENT, {}
    value = os.urandom(16)
    found = {"put_ms": took(lambda: store.put("selftest", value)) // 1000}
    good = store.get_bytes("selftest") == value
    store.erase("selftest")
    return OK if good and store.get_bytes("selftest") is None else FAILED, found


class Ram:
    """Where the key state of the test vector lives."""

    def __init__(self, blob):
        self.blob = blob

    def load(self, buf):
        buf[:] = self.blob
        return True

    def save(self, buf):
        pass


def keys():
    """Return the DUKPT keys of the standard's example."""
    from firmware.crypto import dukpt

    blob = bytearray(529)
    ik = unhexlify("1273671EA26AC29AFA4D1084127652A1")
    dukpt.inject(unhexlify("1234567890123456"), ik, blob)
    return dukpt.Dukpt(Ram(blob), bytearray(529))


def vectors():
    """The published examples: AES-CMAC (RFC 4493), AES-DUKPT (X9.24-3), Luhn, a track 2."""
    from firmware.card import luhn, track
    from firmware.crypto import cmac
    from firmware.message import codec

    wrong = []
    tag = bytearray(16)
    cmac.mac(unhexlify("2B7E151628AED2A6ABF7158809CF4F3C"), b"", 0, 0, tag, 0)
    if tag != unhexlify("BB1D6929E95937287FA37D129B756746"):
        wrong.append("cmac")
    first = keys()
    first.advance()
    first.key(0x2000, tag)
    if tag != unhexlify("A2DC23DE6FDE0824A2BC321E08E4B8B7"):
        wrong.append("dukpt")
    if not luhn.valid(PAN, 0, len(PAN)) or luhn.valid(b"6222021234567890123", 0, 19):
        wrong.append("luhn")
    if track.parse(TRACK, 0, len(TRACK), array("H", bytes(32))):
        wrong.append("track")
    if codec.decode(SIGN_ON, 0, len(SIGN_ON), array("H", bytes(600))):
        wrong.append("codec")
    return FAILED if wrong else OK, {"wrong": wrong}


def keypad():
    """No column may be low by itself, and nobody presses a key."""
    pad = parts.keypad
    for _ in range(30):
        pad.scan()
        time.sleep_ms(SCAN_MS)
    down = pad.get() >= 0
    found = {"dead_columns": [n + 1 for n in range(4) if pad.dead >> n & 1], "down": down}
    return FAILED if pad.dead or down else OK, found


def walk(seconds):
    """Wait until each of the sixteen keys was pressed and let go."""
    pad = parts.keypad
    missing = list(LAYOUT)
    begun = time.ticks_ms()
    while missing and time.ticks_diff(time.ticks_ms(), begun) < seconds * 1000:
        pad.scan()
        code = pad.get()
        if code >= 0 and chr(code & 127) in missing:
            missing.remove(chr(code & 127))
            show("press: " + "".join(missing))
        time.sleep_ms(SCAN_MS)
    return FAILED if missing else OK, {"missing": missing}


def show(words):
    panel = parts.oled
    panel.fill(0)
    panel.text(words[:16], 0, 20)
    panel.text(words[16:], 0, 32)
    panel.flush()


def display():
    """Show a pattern: a frame and stripes; a person says whether it is whole."""
    panel = parts.oled
    if not panel.fitted:
        return ABSENT, {}
    panel.fill(0)
    panel.rect(0, 0, 128, 64, 1)
    for x in range(4, 124, 4):
        panel.vline(x, 4, 56, 1)
    sent = panel.flush()
    return OK if panel.fitted else FAILED, {"bytes": sent}


def swipe(seconds):
    """Wait for a card at the reader; tell what was read of it, and nothing of what it says."""
    from firmware.card.swipe import Swipe

    reader = parts.magstripe
    if reader is None:
        return ABSENT, {}
    buf = bytearray(256)
    one = Swipe(buf)
    reader.drop()
    begun = time.ticks_ms()
    try:
        while time.ticks_diff(time.ticks_ms(), begun) < seconds * 1000:
            time.sleep_ms(100)
            got = reader.read_into(buf, one.fill)
            one.accept(got)
            if one.fill and not got:
                return FAILED if one.verdict() else OK, {"bytes": one.fill}
    finally:
        for i in range(len(buf)):
            buf[i] = 0
    return FAILED, {"bytes": 0}


def wifi():
    """Look at the air; the terminal's own network must be in reach, and encrypted."""
    from drivers import joining

    networks = joining.scan(parts.wifi)
    found = {"networks": len(networks)}
    with_name = None
    try:
        with open("config.json") as file:
            with_name = json.load(file)["wifi"]["ssid"]
    except OSError:
        pass  # not provisioned: there is no network of its own yet
    if with_name is None:
        return OK if networks else FAILED, found
    own = [network for network in networks if network[0] == with_name]
    found["own"] = [network[1] for network in own]
    found["encrypted"] = parts.wifi.encrypted
    return OK if own and parts.wifi.encrypted else FAILED, found


def errands():
    """Load and drop every errand, twice: the second time nothing may stay."""
    # What is there for good, native code above all: it must not be loaded and dropped.
    import firmware.services
    import firmware.terminal  # noqa: F401

    names = sorted(name.split(".")[0] for name in os.listdir() if name.startswith("e_"))
    figures = array("i", bytes(4 * 3 * len(names)))
    for _ in range(2):
        for index in range(len(names)):
            load(names[index], figures, 3 * index)
    found = {}
    most = 0
    for index in range(len(names)):
        before, opened, after = figures[3 * index : 3 * index + 3]
        found[names[index][2:]] = (before, opened, after)
        most = max(most, opened)
    left = figures[-3] - figures[0]
    return FAILED if left > 0 else OK, {"left": left, "most": most, "errands": found}


def load(path, figures, at):
    """Note what of the heap is used before `path` is loaded, while it is, and after it was
    dropped. What is free says nothing: the heap may grow meanwhile.
    """
    gc.collect()
    figures[at] = gc.mem_alloc()
    before = set(sys.modules)
    __import__(path)
    gc.collect()
    figures[at + 1] = gc.mem_alloc()
    for name in [name for name in sys.modules if name not in before]:
        del sys.modules[name]
    before = None
    gc.collect()
    figures[at + 2] = gc.mem_alloc()


def hot():
    """Microseconds per call of what runs for every key, card and message."""
    from firmware.card import luhn, track
    from firmware.crypto import cmac
    from firmware.message import codec

    out = array("H", bytes(600))
    tag = bytearray(16)
    key = bytes(16)
    dukpt = keys()
    panel = parts.oled

    def luhns(n, valid=luhn.valid):
        for _ in range(n):
            valid(PAN, 0, 19)

    def tracks(n, parse=track.parse):
        for _ in range(n):
            parse(TRACK, 0, 36, out)

    def decodes(n, decode=codec.decode):
        for _ in range(n):
            decode(SIGN_ON, 0, 86, out)

    def macs(n, mac=cmac.mac):
        for _ in range(n):
            mac(key, SIGN_ON, 0, 64, tag, 0)

    def advances(n, advance=dukpt.advance):
        for _ in range(n):
            advance()

    def scans(n, scan=parts.keypad.scan):
        for _ in range(n):
            scan()

    def flushes(n):
        for _ in range(n):
            panel.fill_rect(0, 0, 128, 8, n & 1)
            panel.fill_rect(0, 0, 128, 8, n & 1 ^ 1)
            panel.pixel(0, 0, n & 1)
            panel.flush()
            n += 1

    def nothing(n):
        for _ in range(n):
            pass

    base = each_us(nothing)
    us = {}
    for name, work in (
        ("luhn 19 digits", luhns),
        ("track 2", tracks),
        ("decode 0800", decodes),
        ("cmac 64 B", macs),
        ("dukpt advance", advances),
        ("keypad scan", scans),
        ("flush one row", flushes),
    ):
        us[name] = round(each_us(work) - base, 2)
    return OK, {"us": us}


def each_us(work):
    n = 1
    while True:
        gc.collect()
        begun = time.ticks_us()
        work(n)
        us = time.ticks_diff(time.ticks_us(), begun)
        if us >= ENOUGH_US:
            return us / n
        n *= 4
