"""`offhook doctor`: try everything that a call needs, and say what to do about what is missing."""

import argparse
import os

from ..configuration import config
from ..configuration.checks import Finding, check_all


def main(argv: list[str]) -> int:
    """Print a line for each check; returns 1 if one failed. Raises ConfigError."""
    parser = argparse.ArgumentParser(prog="offhook doctor", description="Check this machine.")
    parser.add_argument("--config", metavar="FILE", help="instead of ./offhook.toml")
    options = parser.parse_args(argv)
    findings = check_all(config.load(os.environ, options.config))
    for finding in findings:
        print(line(finding))
    failed = sum(not finding.well for finding in findings)
    print("everything is there" if not failed else f"{failed} of {len(findings)} checks failed")
    return 1 if failed else 0


def line(finding: Finding) -> str:
    """A finding for people: ✓ or ✗, what, detail, and the cure below it."""
    mark = "✓" if finding.well else "✗"
    cure = f"\n    → {finding.cure}" if finding.cure else ""
    return f"{mark} {finding.what}: {finding.detail}{cure}"
