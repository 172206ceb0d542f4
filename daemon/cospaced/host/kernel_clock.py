"""Whether the kernel's clock is held to a time server, as the kernel itself knows it.

adjtimex(2) with no modes only reads; it is what timedatectl shows as "synchronized".
"""

import ctypes
import ctypes.util
import sys


_TIME_ERROR = 5
"""The clock is not synchronised."""
_SIZE = 512
"""More bytes than any struct timex has."""


def synchronised() -> bool | None:
    """Return whether it is; None where the kernel does not tell."""
    if sys.platform != "linux":
        return None
    name = ctypes.util.find_library("c")
    if name is None:
        return None
    library = ctypes.CDLL(name, use_errno=True)
    # All zeros: `modes` is the first member, and nothing is to be set.
    state = library.adjtimex(ctypes.create_string_buffer(_SIZE))
    return None if state < 0 else bool(state != _TIME_ERROR)
