"""What processes and cores have used, as Linux tells it in /proc. The parsers are pure."""

import os
from pathlib import Path

import msgspec

PROC = Path("/proc")
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
PAGE_KB = os.sysconf("SC_PAGE_SIZE") // 1024
# Fields of /proc/<pid>/stat after the name in brackets (proc_pid_stat(5), from field 3 on).
SESSION, UTIME, STIME, CUTIME, CSTIME, RSS = 3, 11, 12, 13, 14, 21


class ProcessUsage(msgspec.Struct, frozen=True):
    """Of one process, or of several together."""

    cpu_s: float = 0.0
    rss_kb: int = 0
    processes: int = 0

    def __add__(self, other: "ProcessUsage") -> "ProcessUsage":
        return ProcessUsage(
            self.cpu_s + other.cpu_s,
            self.rss_kb + other.rss_kb,
            self.processes + other.processes,
        )


def parse_stat(text: str) -> tuple[int, ProcessUsage]:
    """A process's session and usage, children that have ended included, of its stat file."""
    fields = text[text.rindex(")") + 2 :].split()
    ticks = sum(int(fields[field]) for field in (UTIME, STIME, CUTIME, CSTIME))
    usage = ProcessUsage(ticks / TICKS_A_SECOND, int(fields[RSS]) * PAGE_KB, 1)
    return int(fields[SESSION]), usage


def process_usage(pid: int) -> ProcessUsage:
    """Of one process; nothing when it has ended."""
    try:
        return parse_stat((PROC / str(pid) / "stat").read_text())[1]
    except OSError:
        return ProcessUsage()


def session_usage(session: int) -> ProcessUsage:
    """Of all processes of a session: a server and its workers."""
    total = ProcessUsage()
    for folder in PROC.iterdir():
        if not folder.name.isdecimal():
            continue
        try:
            found, usage = parse_stat((folder / "stat").read_text())
        except OSError:  # it has ended meanwhile
            continue
        if found == session:
            total += usage
    return total


class CoreTime(msgspec.Struct, frozen=True):
    """Of one core, in clock ticks since the start of the machine."""

    busy: int
    total: int
    interrupts: int
    "Of it: network packets on their way, mostly."

    def busy_since(self, before: "CoreTime") -> float:
        """Share of the time between in which it did something, for whomever."""
        return (self.busy - before.busy) / max(1, self.total - before.total)

    def others_since(self, before: "CoreTime", own_share: float) -> float:
        """Share that processes other than those that had `own_share` took, to a hundredth."""
        interrupts = (self.interrupts - before.interrupts) / max(1, self.total - before.total)
        return max(0.0, self.busy_since(before) - interrupts - own_share)


def parse_core(text: str, core: int) -> CoreTime:
    """Of /proc/stat: idle and waiting for a disk is not busy."""
    for line in text.splitlines():
        name, *numbers = line.split()
        if name == f"cpu{core}":
            # user nice system idle iowait irq softirq steal; guest is in user already.
            ticks = [int(number) for number in numbers[:8]]
            return CoreTime(sum(ticks) - ticks[3] - ticks[4], sum(ticks), ticks[5] + ticks[6])
    raise ValueError(f"there is no cpu{core}")


def core_time(core: int) -> CoreTime:
    """Of a core, until now."""
    return parse_core((PROC / "stat").read_text(), core)
