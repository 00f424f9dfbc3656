"""The parts as firmware meets them, through the product's drivers: panel, keys, reader, Wi-Fi."""

import asyncio
import time

from host_tests.simulator.conftest import printed
from tools.simulator.models import wifi as air

_KEYS = (
    "import asyncio\nfrom drivers import board\n"
    "keys = board.keypad('esp32-devkitc')\n"
    "async def main():\n"
    "    asyncio.create_task(keys.run())\n"
    "    await asyncio.sleep_ms(100)\n"  # a key that is down from the start does not count
    "    print('ready')\n"
    "    while True:\n"
    "        await keys.arrival(1000)\n"
    "        code = keys.get()\n"
    "        if code >= 0: print('key', chr(code & 127) + ('!' if code > 127 else ''))\n"
    "asyncio.run(main())\n"
)


def _keys(terminal):
    return "".join(line[4:] for line in terminal.console.lines if line.startswith("key "))


def test_pixels_arrive_as_drawn(bench):
    async def story(terminal):
        await terminal.power_on()
        await printed(terminal, "drawn")
        pixels = terminal.panel.pixels
        expected = bytearray(1024)
        for at in range(128):
            expected[(at >> 1 >> 3) * 128 + at] |= 1 << (at >> 1 & 7)
        assert pixels == expected
        assert terminal.panel.unknown == 0
        await terminal.power_off()
        assert not any(terminal.panel.pixels)

    bench(
        story,
        "import machine\nfrom drivers.oled import Oled\n"
        "i2c = machine.I2C(0, scl=machine.Pin(22), sda=machine.Pin(21), freq=400000)\n"
        "assert i2c.scan() == [60]\n"
        "oled = Oled(i2c)\n"
        "oled.fill(0)\n"
        "for x in range(128):\n    oled.pixel(x, x >> 1, 1)\n"
        "oled.flush()\nprint('drawn')\nimport time\ntime.sleep(30)\n",
        drivers=True,
    )


def test_a_panel_on_other_pins_or_taken_out_does_not_answer(bench):
    async def story(terminal):
        terminal.panel.fitted = False
        await terminal.power_on()
        assert await printed(terminal, "found") == "found [] [] 19"

    bench(
        story,
        "import machine\n"
        "right = machine.I2C(0, scl=machine.Pin(22), sda=machine.Pin(21))\n"
        "wrong = machine.SoftI2C(machine.Pin(5), machine.Pin(4))\n"
        "try:\n    right.writeto(60, b'\\x00\\xaf')\n"
        "except OSError as error:\n    print('found', right.scan(), wrong.scan(), error.errno)\n",
    )


def test_every_key_bounces_and_arrives_once(bench):
    async def story(terminal):
        await terminal.power_on()
        await printed(terminal, "ready")
        for key in "123A456B789C*0#D":
            await terminal.keypad.press(key)
        await terminal.console.printed.wait_for(lambda: len(_keys(terminal)) >= 16, 10)
        assert _keys(terminal) == "123A456B789C*0#D"

    bench(story, _KEYS, drivers=True)


def test_a_long_press_and_a_ghost(bench):
    async def story(terminal):
        await terminal.power_on()
        await printed(terminal, "ready")
        await terminal.keypad.press("#", 1000)
        await printed(terminal, "key #!")
        for key in "15":
            terminal.keypad.down(key)
        await asyncio.sleep(0.2)
        terminal.keypad.down("2")  # now 4 seems to be down too
        await asyncio.sleep(0.3)
        for key in "215":
            terminal.keypad.up(key)
        await terminal.keypad.press("D")
        await printed(terminal, "key D")
        assert "4" not in _keys(terminal)

    bench(story, _KEYS, drivers=True)


def test_scanning_the_keypad_costs_little(bench):
    async def story(terminal):
        await terminal.power_on()
        await printed(terminal, "ready")
        process, host = _processor_time(terminal), time.process_time()
        began = time.monotonic()
        await asyncio.sleep(2)
        passed = time.monotonic() - began
        print(f"terminal {(_processor_time(terminal) - process) / passed:.1%},", end=" ")
        print(f"host {(time.process_time() - host) / passed:.1%}")
        assert time.process_time() - host < 0.05 * passed
        assert _processor_time(terminal) - process < 0.05 * passed

    bench(story, _KEYS, drivers=True)


def _processor_time(terminal):
    with open(f"/proc/{terminal.pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


def test_a_swipe_arrives_and_one_that_is_not_fetched_overflows_the_ring(bench):
    async def story(terminal):
        await terminal.power_on()
        await printed(terminal, "ready")
        terminal.reader.swipe(b";6200000000000005=3106?\r\n")
        await printed(terminal, "got b';6200000000000005=3106?\\r\\n'")
        terminal.reader.baud = 9600
        terminal.reader.swipe(bytes(range(33, 93)) * 2)
        assert await printed(terminal, "late") == f"late {bytes(range(33, 97 - 4))[:40]!r}"
        assert terminal.board.port.lost == 80

    bench(
        story,
        "import machine, time\n"
        "uart = machine.UART(2, baudrate=9600, rx=machine.Pin(16), tx=machine.Pin(17), rxbuf=40)\n"
        "print('ready', uart.readinto(bytearray(4)))\n"
        "got = b''\n"
        "while not got.endswith(b'\\n'):\n"
        "    got += uart.read() or b''\n"
        "    time.sleep_ms(5)\n"
        "print('got', got)\n"
        "time.sleep(1)\n"
        "while not uart.any():\n    time.sleep_ms(5)\n"
        "time.sleep(1)\n"
        "print('late', uart.read())\n",
    )


_WIFI = (
    "import asyncio\nfrom drivers.wifi import Wifi\n"
    "async def main():\n"
    "    wifi = Wifi('shop', 'secret words')\n"
    "    while True:\n"
    "        print('wifi', await wifi.connect(4000), wifi.connected, wifi.encrypted)\n"
    "        while wifi.connected:\n            await asyncio.sleep_ms(50)\n"
    "        print('lost')\n"
    "asyncio.run(main())\n"
)


def test_wifi_joins_is_dropped_and_finds_back(bench):
    async def story(terminal):
        await terminal.power_on()
        await printed(terminal, "wifi 0 True True")
        assert terminal.wifi.ssid == "shop" and terminal.link.up
        terminal.console.lines.clear()
        terminal.wifi.remove("shop")
        await printed(terminal, "lost")
        assert not terminal.link.up
        await printed(terminal, "wifi 1 False None")
        terminal.wifi.add(air.Network("shop", "", air.OPEN))
        await printed(terminal, "wifi 5 False False")
        terminal.console.lines.clear()
        terminal.wifi.add(air.Network("shop", "secret words", hidden=True))
        await printed(terminal, "wifi 0 True True")

    bench(story, _WIFI, drivers=True)


def test_wifi_with_a_wrong_password_is_refused(bench):
    async def story(terminal):
        terminal.wifi.add(air.Network("shop", "another secret"))
        await terminal.power_on()
        await printed(terminal, "wifi 2 False")

    bench(story, _WIFI, drivers=True)


def test_flash_only_clears_bits_until_it_is_erased(bench):
    async def story(terminal):
        await terminal.power_on()
        assert await printed(terminal, "nor") == "nor b'\\x0c\\x00' b'\\xff\\xff' 64 4096"
        assert terminal.flash.erases[2] == 1

    bench(
        story,
        "import esp32\n"
        "flash = esp32.Partition.find(esp32.Partition.TYPE_DATA, label='journal')[0]\n"
        "buf = bytearray(2)\n"
        "flash.writeblocks(2, b'\\x3c\\x00', 10)\n"
        "flash.writeblocks(2, b'\\x0f\\xff', 10)\n"
        "flash.readblocks(2, buf, 10)\n"
        "first = bytes(buf)\n"
        "flash.ioctl(6, 2)\n"
        "flash.readblocks(2, buf, 10)\n"
        "print('nor', first, bytes(buf), flash.ioctl(4, 0), flash.ioctl(5, 0))\n",
    )


def test_nvs_keeps_the_chips_limits(bench):
    async def story(terminal):
        await terminal.power_on()
        assert await printed(terminal, "nvs") == "nvs -4361 -4366 -4354 -4364 -2"

    bench(
        story,
        "import esp32\n"
        "nvs = esp32.NVS('rebind')\n"
        "def errno(f, *args):\n"
        "    try:\n        f(*args)\n"
        "    except OSError as error:\n        return error.errno\n"
        "nvs.set_blob('four', b'1234')\n"
        "nvs.set_i32('two', -2)\n"
        "print('nvs', errno(nvs.set_blob, 'a' * 16, b''), errno(nvs.set_blob, 'a', bytes(4001)),\n"
        "      errno(nvs.erase_key, 'none'), errno(nvs.get_blob, 'four', bytearray(3)),\n"
        "      nvs.get_i32('two'))\n",
    )
