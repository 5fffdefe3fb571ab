"""Run every benchmark, one after the other: `python -m benchmarks [--json]`."""

import subprocess
import sys
from pathlib import Path

FILES = ("pipeline.py", "window.py", "canvas.py", "large.py", "evaluation.py", "training.py")


def main() -> int:
    """Run all with the given arguments; return 1 when one of them fails."""
    here = Path(__file__).resolve().parent
    codes = []
    for name in FILES:
        print(f"\n{name}", file=sys.stderr)
        codes.append(subprocess.run([sys.executable, here / name, *sys.argv[1:]], check=False))
    return int(any(code.returncode for code in codes))


if __name__ == "__main__":
    sys.exit(main())
