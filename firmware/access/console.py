"""The console on USB: opened by the provider's response to a challenge, typed on the keypad.

    in the keystore   "challenge": challenge(8, digits) wrong responses(1)
                      "console": 2 until a new terminal has signed on, 1 while it is open, 0 until
                      the audit log has told of it

What always holds: a response is counted durably before it is looked at; five wrong ones lock for
30 minutes with power on (no clock runs here), and end the challenge; a right one ends it too. It
needs neither state nor texts: where those are damaged it is what leads to their repair. May import
rooms, drawn, crypto and storage.
"""

from micropython import const

from firmware import rooms
from firmware.access import drawn
from firmware.crypto.wipe import wipe

WHOSE = b"UC"  # in the place of an operator's number: nobody has it, and no reset is made for it

_WRONG_MAX = const(5)
_LOCK_S = const(1800)
_ALONE_S = const(600)  # without a key: who began has gone
_CANCEL = const(0x43)  # C
_CONFIRM = const(0x44)  # D


def run(bench):
    """Show the challenge, have the response typed; return once it was right: the console is open
    then, and stays so over power-ons until the terminal has started. Left, it starts the board.

    bench: a drivers.console.Bench. Power loss leaves the attempt counted.
    """
    keystore, typed, n, said = bench.keystore, bytearray(drawn.LEN), 0, ""
    held = bytearray(drawn.LEN + 1)
    if keystore.get("challenge", held) != len(held):
        _begin(bench, held)
    while True:
        if held[drawn.LEN] >= _WRONG_MAX:
            _wait(bench)
            _begin(bench, held)
            said = ""
        challenge = bytes(memoryview(held)[: drawn.LEN])
        bench.show(
            "OPEN USB CONSOLE",
            "Call",
            bench.hotline,
            "Ter." + bench.terminal.decode(),
            "Ask  " + _grouped(challenge),
            said,
            _grouped(bytes(memoryview(typed)[:n]) + b"________"[n:]),
            "C back D confirm",
        )
        code = bench.key(1000 * _ALONE_S)
        if code < 0 or code == _CANCEL and not n:
            bench.reset()
        if code == _CANCEL:
            n -= 1
        elif 0x30 <= code <= 0x39 and n < drawn.LEN:
            typed[n] = code
            n += 1
        elif code == _CONFIRM and n == drawn.LEN:
            held[drawn.LEN] += 1
            keystore.put("challenge", held)
            right = rooms.ask(
                "firmware.access.right", "run", keystore, bench.terminal, WHOSE, challenge, typed
            )
            wipe(typed)
            if right:
                keystore.put("console", b"\1")
                keystore.erase("challenge")
                bench.show(
                    "USB CONSOLE OPEN", "", "Nothing runs.", "", "Key * at power-", "on ends it."
                )
                return
            n, said = 0, "Wrong, %d left" % (_WRONG_MAX - held[drawn.LEN])


def _begin(bench, held):
    held[:] = rooms.ask("firmware.access.drawn", "digits", bench.random) + b"\0"
    bench.keystore.put("challenge", held)


def _wait(bench):
    # A challenge that was answered wrongly too often: power lost meanwhile begins it again.
    for left in range(_LOCK_S // 60, 0, -1):
        bench.show("OPEN USB CONSOLE", "", "Locked", "%d minutes" % left)
        bench.rest(60)


def _grouped(digits):
    text = digits.decode()
    return text[:4] + " " + text[4:]


def told(desk):
    """Have the audit log tell that the console was opened, once the terminal runs again. Power
    loss may have it told twice.
    """
    from firmware.storage import audit

    desk.state.put((), audit.entry(audit.CONSOLE, desk.clock.now()))
    desk.board.keystore.erase("console")
