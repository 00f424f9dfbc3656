"""The device's file system as one image: a littlefs such as MicroPython makes on this chip.

Imports littlefs-python.
"""

from littlefs import LittleFS
from littlefs.errors import LittleFSError

from tools.build.tree import BuildError

BLOCK = 4096

# What MicroPython gives littlefs on this chip; files up to the cache's size lie in their folder.
_READ = _PROG = _LOOKAHEAD = 32
_CACHE = 128


def file_system(files: dict[str, bytes], size: int) -> bytes:
    """Return a littlefs of `size` bytes that holds {path: content}. Raises `BuildError`."""
    made = LittleFS(
        block_size=BLOCK,
        block_count=size // BLOCK,
        read_size=_READ,
        prog_size=_PROG,
        lookahead_size=_LOOKAHEAD,
        cache_size=_CACHE,
    )
    try:
        for path, content in sorted(files.items()):
            folder = path.rpartition("/")[0]
            if folder:
                made.makedirs(folder, exist_ok=True)
            with made.open(path, "wb") as file:
                file.write(content)
    except LittleFSError as error:
        raise BuildError(
            f"the files do not fit into the vfs of {size >> 10} KiB: {error}"
        ) from None
    return bytes(made.context.buffer)
