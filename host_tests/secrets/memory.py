"""The memory of a process, seen from outside."""


class NotSearched(Exception):
    """This machine does not let a process's memory be read; the text says so."""


def areas(pid):
    """Yield (first address, bytes, name) of all that the process may write to. Raises NotSearched.

    An area that goes meanwhile, or can't be read by anybody (a device's), is left out.
    """
    try:
        with (
            open(f"/proc/{pid}/maps", encoding="utf-8") as maps,
            open(f"/proc/{pid}/mem", "rb", buffering=0) as memory,
        ):
            for line in maps:
                start, end, rights, name = _area(line)
                if "w" in rights and not name.startswith("[vv"):
                    try:
                        memory.seek(start)
                        yield start, memory.read(end - start), name
                    except OSError:
                        if name in ("[heap]", "[stack]"):
                            raise
    except OSError as error:
        raise NotSearched(f"memory was not searched: /proc/{pid}/mem: {error.strerror}") from None


def image(pid):
    """Return all of it, one area behind the other. Raises NotSearched."""
    return b"\0".join(data for _, data, _ in areas(pid))


def plant(pid, data):
    """Write `data` where nothing is: the upper end of the process's heap. Raises NotSearched."""
    for start, area, name in areas(pid):
        if name == "[heap]":
            try:
                with open(f"/proc/{pid}/mem", "r+b", buffering=0) as memory:
                    memory.seek(start + len(area) - len(data))
                    memory.write(data)
            except OSError as error:
                raise NotSearched(f"memory takes no plant: {error.strerror}") from None
            return
    raise NotSearched("the process has no heap of its own")


def _area(line):
    place, rights, _, _, _, *name = line.split(maxsplit=5)
    start, end = (int(address, 16) for address in place.split("-"))
    return start, end, rights, "".join(name).strip()
