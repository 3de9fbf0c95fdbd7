"""Entry point: `python -m offhook`, or the `offhook` command."""

from .control.app import main

if __name__ == "__main__":
    raise SystemExit(main())
