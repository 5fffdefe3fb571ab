"""Run benchmarks, one after the other: `python -m benchmarks [canvas folders ...] [--json]`."""

import subprocess
import sys
from pathlib import Path

NAMES = ("pipeline", "window", "canvas", "folders", "large", "evaluation", "training")


def main() -> int:
    """Run those named, or all, with the other arguments; return 1 when one of them fails."""
    here = Path(__file__).resolve().parent
    named = [name for name in NAMES if name in sys.argv[1:]]
    given = [argument for argument in sys.argv[1:] if argument not in NAMES]
    codes = []
    for name in named or NAMES:
        print(f"\n{name}", file=sys.stderr)
        command = [sys.executable, here / f"{name}.py", *given]
        codes.append(subprocess.run(command, check=False))
    return int(any(code.returncode for code in codes))


if __name__ == "__main__":
    sys.exit(main())
