"""Safe bring-up with what the interpreter itself has: nothing else of the board is run here.

Every start is counted first: main.py does not start the terminal again and again. Then every file
of the build is read and compared with the manifest, because a module that is damaged can bring
the interpreter down, or hang it, as soon as it is imported. What is found is for main.py, which
runs in the same namespace and runs nothing of the build without it. Whatever goes wrong here is
printed.

A terminal that has a service key keeps its console to itself: Ctrl-C does nothing from the first
line on. Opened it is by the provider's response (firmware/access/console.py), until a start that
is no power-on: a desk tool that is done and the watchdog end with one.
"""

import gc
import sys

from micropython import kbd_intr

starts = 0  # of late, this one included
try:
    kbd_intr(-1)
    while starts:  # a jump: a Ctrl-C that came before this file's first line shows here
        pass
except KeyboardInterrupt:
    kbd_intr(-1)

# Collect early and often: what is loaded then lies close together, and large buffers find room.
gc.threshold(2048)

damaged = None  # paths that are not as they were built; None: nothing of the build is to be run
whole = True  # what leads to the maintenance key, and what that needs


def _opened():
    import esp32
    import machine

    held = esp32.NVS("rebind")
    value = bytearray(1)

    def found(name):
        try:
            held.get_blob(name, value)  # a key is too long: it stays where it is
        except OSError as fault:
            return fault.errno != -0x1102  # ESP_ERR_NVS_NOT_FOUND
        return True

    if found("console") and value[0]:
        if value[0] > 1:  # it is being provisioned, and has not signed on yet
            return 1
        if machine.reset_cause() in (machine.PWRON_RESET, machine.SOFT_RESET):
            return 2
        held.set_blob("console", b"\0")
        held.commit()
    return 0 if found("service_key") else 1


def _count():
    # In the chip's RTC memory, as drivers.starts has it.
    from binascii import crc32

    import machine

    memory = machine.RTC().memory
    held = b""
    if machine.reset_cause() not in (machine.PWRON_RESET, machine.SOFT_RESET):
        held = memory()
        if crc32(held[:-4], 0x5242).to_bytes(4, "big") != held[-4:]:
            held = b""
    held = held[:-4] or b"\0"
    held = bytes((min(held[0] + 1, 255),)) + held[1:]
    memory(held + crc32(held, 0x5242).to_bytes(4, "big"))
    return held[0]


def _check():
    from binascii import hexlify
    from hashlib import sha256

    # Small: the collector takes a word that is left on the stack for what it was, and keeps it.
    buf = memoryview(bytearray(512))
    found = []
    total = sha256()
    with open("manifest.txt", "rb") as lines:
        held = lines.readline().split()
        print("build", held[1][:12].decode(), b" ".join(held[2:]).decode())
        for line in lines:
            total.update(line)
            digest, path = line.decode().split()
            part = sha256()
            try:  # to find a file takes longest: it is opened, and asked for nothing else
                with open(path, "rb") as file:
                    count = file.readinto(buf)
                    while count:
                        part.update(buf[:count])
                        count = file.readinto(buf)
            except OSError:  # it is not there, or can't be read
                pass
            if hexlify(part.digest()).decode() != digest:
                found.append(path)
    if hexlify(total.digest()) != held[1]:
        raise ValueError("manifest.txt is damaged")
    return found


try:
    console = 0  # it is closed; 1 there is no service key, 2 the provider has opened it
    console = _opened()
    if console:
        kbd_intr(3)
    else:
        print("the console is locked; to open it: hold the key * while power comes on")
    starts = _count()
    if starts > 3:  # at the third there is a page: that may be what brought the chip down
        print("It has brought the chip down three times: nothing of the build is run any more.")
    else:
        damaged = _check()
        if damaged:
            print("damaged or missing:", *damaged)
            for path in ("drivers/trouble", "drivers/pins", "drivers/starts", "lib/ssd1306"):
                if path + ".mpy" in damaged:  # without these not even a page can be shown
                    damaged = None
                    break
            for path in damaged or ():
                if not path.startswith(("assets/", "e_")):  # what it is made of may be damaged
                    whole = False
except Exception as fault:  # noqa: BLE001 (shown, whatever it is)
    sys.print_exception(fault)
del _count, _check, _opened
gc.collect()
