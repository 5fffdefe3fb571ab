"""Start MaskGUI from a checkout: `python main.py ...` is the installed `maskgui ...`."""

import sys

from maskgui.cli import main

if __name__ == "__main__":
    sys.exit(main())
