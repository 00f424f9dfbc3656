"""How fast the hot path is, next to what one would write or take instead: `make bench`.

Rounds of all measurements follow one another, so that a busy machine disturbs both sides of a
ratio alike; the table gives the median and the spread of the ratios. Writes bench.json and
bench.png to build/reports. What always holds: the firmware runs unmodified in the 32-bit
MicroPython of `.toolchain`. What runs there is inside/speed.py. Imports rich for what people see.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tools.bench import instructions, plots, reference
from tools.bench.interpreter import REPORTS, options, run

ROOT = Path(__file__).resolve().parents[2]
BYTE_NS = 1e9 * 10 / 115200  # start bit, eight bits, stop bit
_ROUNDS = 7
_WIDTH = 99

# Ratio: (numerator, denominator, target, whether it has to be at least or at most that)
RATIOS = {
    "decode_vs_pyiso8583": ("pyiso8583_decode", "decode", 5, ">="),
    "encode_vs_pyiso8583": ("pyiso8583_encode", "encode", 3, ">="),
    "decode_vs_idiom": ("decode_idiom", "decode", None, ">="),
    "encode_vs_idiom": ("encode_idiom", "encode", None, ">="),
    "track_vs_idiom": ("track_idiom", "track", 15, ">="),
    "luhn_vs_idiom": ("luhn_idiom", "luhn", None, ">="),
    "luhn_vs_c": ("luhn", "luhn_c", 12, "<="),
    "framing_line_share": ("line_byte", "line", 0.05, "<="),
    "key_bytes_vs_full_frame": ("key", "full_frame", 0.2, "<="),
}


def compiler():
    """Return the flag for the interpreter's ABI and its name, or None without a C compiler."""
    if shutil.which("cc") is None:
        return None
    bits = json.loads((ROOT / ".toolchain" / "micropython.json").read_text())["bits"]
    return f"-m{bits}", f"{bits}-bit x86"


def compile_luhn(folder):
    """Return the path of luhn.c as a shared library for the interpreter, or None."""
    found = compiler()
    if found is None:
        return None
    library = Path(folder) / "luhn.so"
    source = ROOT / "tools" / "bench" / "luhn.c"
    command = ["cc", found[0], "-O2", "-shared", "-fPIC", "-nostdlib", "-o", library, source]
    done = subprocess.run(command, capture_output=True)
    return library if done.returncode == 0 else None


def one_round(library):
    """Measure everything once; return what on_device.py found, with pyiso8583's times."""
    (found,) = run("speed", "time", library)
    if found["message"] != reference.MESSAGE.hex():
        raise SystemExit("the two sides work on different messages")
    ns = found["ns"]
    ns |= reference.measure()
    ns |= {"line_byte": max(ns["framing_byte"], ns["pn532_byte"]), "line": BYTE_NS}
    ns |= {"key": statistics.mean(found["key_bytes"]), "full_frame": found["full_frame"]}
    return found


def ratios(rounds):
    """Return {name: (median, lowest, highest)} of the ratios over all rounds."""
    found = {}
    for name, (above, below, _, _) in RATIOS.items():
        values = [
            one["ns"][above] / one["ns"][below] for one in rounds if one["ns"][below] is not None
        ]
        if values:
            found[name] = (statistics.median(values), min(values), max(values))
    return found


def met(name, value):
    """Tell whether the value of a ratio is where it has to be."""
    _, _, target, sense = RATIOS[name]
    return target is None or (value >= target if sense == ">=" else value <= target)


def report(rounds, counted):
    """Return what goes to bench.json."""
    found = ratios(rounds)
    best = {
        name: min(one["ns"][name] for one in rounds)
        for name in rounds[0]["ns"]
        if rounds[0]["ns"][name] is not None
    }
    interpreted = ROOT / ".toolchain" / "micropython.json"
    return {
        **{name: median for name, (median, _, _) in found.items()},
        "spread": {name: [low, high] for name, (_, low, high) in found.items()},
        "met": {name: met(name, median) for name, (median, _, _) in found.items()},
        "ns": {
            name: best[name] for name in best if name not in ("key", "full_frame", "line_byte")
        },
        "bytes_per_ms": {name: 1e6 / best[f"{name}_byte"] for name in ("framing", "pn532")},
        "key_bytes": rounds[0]["key_bytes"],
        "full_frame_bytes": rounds[0]["full_frame"],
        "message_bytes": len(reference.MESSAGE),
        "change": rounds[0]["change"] | {"ns": best["change"]},
        "look": min((one["look"] for one in rounds), key=lambda look: look["ns"]),
        "instructions": counted,
        "luhn_c_abi": compiler()[1] if "luhn_c" in best else None,
        "micropython": json.loads(interpreted.read_text())["version"],
        "rounds": len(rounds),
    }


def table(result):
    """Return the table that people read."""
    shown = Table(title="The hot path", title_justify="left")
    for head in ("", "here", "there", "ratio", "spread", "target"):
        shown.add_column(head, justify="left" if head == "" else "right", no_wrap=True)
    ns = result["ns"] | {
        "key": statistics.mean(result["key_bytes"]),
        "full_frame": result["full_frame_bytes"],
        "line_byte": max(result["ns"]["framing_byte"], result["ns"]["pn532_byte"]),
    }
    for name, (above, below, target, sense) in RATIOS.items():
        if name not in result:
            continue
        here, there = (below, above) if sense == ">=" else (above, below)
        unit = "B" if here == "key" else "µs"
        scale = 1 if here == "key" else 1000
        low, high = result["spread"][name]
        mark = "" if target is None else f"{sense} {target} {'✓' if result['met'][name] else '✗'}"
        shown.add_row(
            name,
            f"{ns[here] / scale:.3f} {unit}",
            f"{ns[there] / scale:.3f} {unit}",
            f"{result[name]:.3g}",
            f"{low:.3g} … {high:.3g}",
            mark,
        )
    return shown


def details(result):
    """Return the table of what is not a ratio."""
    shown = Table(title="By itself", title_justify="left", show_header=False)
    shown.add_column()
    shown.add_column(justify="right")
    for name, rate in result["bytes_per_ms"].items():
        shown.add_row(f"{name}, byte by byte", f"{rate:.0f} bytes per ms")
    change = result["change"]
    shown.add_row(
        f"CMAC of {result['message_bytes']} bytes", f"{result['ns']['cmac'] / 1000:.1f} µs"
    )
    shown.add_row(f"a whole sealed 0300, {change['bytes']} bytes", f"{change['ns'] / 1000:.0f} µs")
    shown.add_row("its AES blocks", f"{change['aes_blocks']:.1f}, at least {change['aes_least']}")
    look = result["look"]
    shown.add_row(
        "a look for a card that is not there",
        f"{look['ns'] / 1000:.0f} µs in {look['turns']} turns, {look['ms']} ms, "
        f"{look['bytes']} bytes",
    )
    for name, count in result["instructions"].items():
        shown.add_row(f"instructions: {name}", f"{count:,}")
    return shown


def draw(result, target):
    """Draw the ratios, each with its spread and the bar it must not pass, to a PNG."""
    names = [name for name in RATIOS if name in result]
    drawing, axes = plots.figure(1, 1, 8, 4)
    for place, name in enumerate(reversed(names)):
        low, high = result["spread"][name]
        value = result[name]
        axes.barh(place, value, color=plots.OURS)
        spread = [[value - low], [high - value]]
        axes.errorbar(value, place, xerr=spread, color=plots.INK, capsize=3)
        bar = RATIOS[name][2]
        if bar is not None:
            axes.plot([bar, bar], [place - 0.45, place + 0.45], color=plots.BAR)
        axes.text(high * 1.1, place, f"{value:.3g}", va="center")
    axes.set_yticks(range(len(names)), list(reversed(names)))
    axes.set_xscale("log")
    axes.margins(x=0.1)
    axes.set_title("The hot path on 32-bit MicroPython; red: where it has to be")
    plots.save(drawing, target)


def counted():
    """Return {name: instructions per call}, empty where valgrind is missing or cannot."""
    device = instructions.micropython()
    quick = dict.fromkeys(("luhn", "track", "decode", "encode", "cmac"), 1000)
    slow = dict.fromkeys(("luhn_idiom", "track_idiom", "decode_idiom", "encode_idiom"), 100)
    found = instructions.each(
        lambda name, times: [*device, *options("speed", "run", name, times)], quick | slow
    )
    host = [sys.executable, "-m", "tools.bench.reference"]
    other = instructions.each(
        lambda name, times: [*host, name, str(times)], {"decode": 100, "encode": 100}
    )
    return found | {f"pyiso8583_{name}": count for name, count in other.items()}


def main():
    parser = argparse.ArgumentParser(prog="python -m tools.bench.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round, no instructions counted")
    quick = parser.parse_args().quick
    console = Console(width=_WIDTH)
    with tempfile.TemporaryDirectory(prefix="rebind-bench-") as folder:
        library = compile_luhn(folder)
        rounds = []
        with console.status("measuring"):
            for _ in range(1 if quick else _ROUNDS):
                rounds.append(one_round(library))
            counts = {} if quick else counted()
    result = report(rounds, counts)
    REPORTS.mkdir(parents=True, exist_ok=True)
    (REPORTS / "bench.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    draw(result, REPORTS / "bench.png")
    console.print(table(result))
    console.print(details(result))
    if not counts and not quick:
        console.print("no instruction counts: valgrind is missing or cannot run the interpreter")


if __name__ == "__main__":
    main()
