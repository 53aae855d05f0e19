"""Makes src/vls/client.py from src/vls/aio.py: the same client without asyncio.

`python3 make_sync.py` writes the file; with `--check` it fails when the file is outdated.
"""

import re
import sys
from pathlib import Path

FOLDER = Path(__file__).parent / "src" / "vls"
#: Patterns and what replaces them, in this order.
CHANGES = [
    (r'^""".*?"""', '"""The client. Made from `aio.py` by `make_sync.py`; change that file."""'),
    (r"Calls may run concurrently\.", "It may be shared by threads."),
    (r"\.tasks import Tasks", ".threads import Threads"),
    (r"\btasks: Tasks\[Result\] = Tasks", "tasks: Threads[Result] = Threads"),
    (r"\basynccontextmanager\b", "contextmanager"),
    (r"\bAsyncBaseTransport\b", "BaseTransport"),
    (r"\bAsync(Client|Batch|Iterator)\b", r"\1"),
    (r"\b__aenter__\b", "__enter__"),
    (r"\b__aexit__\b", "__exit__"),
    (r"\.aclose\(", ".close("),
    (r"\.aread\(", ".read("),
    (r"\.aiter_(lines|bytes)\(", r".iter_\1("),
    (r"\basync (def|with|for)\b", r"\1"),
    (r"\bawait ", ""),
    (r"\bAny, Iterator, Iterable,", "Any, Iterable, Iterator,"),
]


def made() -> str:
    text = (FOLDER / "aio.py").read_text()
    for pattern, replacement in CHANGES:
        text = re.sub(pattern, replacement, text)
    return text


if __name__ == "__main__":
    target = FOLDER / "client.py"
    if "--check" not in sys.argv:
        target.write_text(made())
    elif target.read_text() != made():
        sys.exit("src/vls/client.py differs from what make_sync.py makes of src/vls/aio.py; run python3 make_sync.py")
