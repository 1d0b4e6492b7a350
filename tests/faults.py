"""What may stop a run while it writes a file."""

import errno

FAULTS = {
    "Ctrl-C": KeyboardInterrupt(),
    "full disk": OSError(errno.ENOSPC, "No space left on device"),
    "read-only": OSError(errno.EROFS, "Read-only file system"),
}
