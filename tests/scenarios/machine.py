"""What a line stands on: processes below a process, and an environment of its own."""

import os
import shutil
import signal
from contextlib import suppress
from pathlib import Path

import yaml

from config.settings import REPOSITORY
from helpline.processes import free_port

LADDER = (0, 3, 6, 9)
REPEAT = 5


def descendants(pid: int) -> list[int]:
    """Everything below a process, the deepest last."""
    parents: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = path.read_text().rpartition(")")[2].split()
            parents.setdefault(int(fields[1]), []).append(int(path.parent.name))
    found: list[int] = []
    level = [pid]
    while level:
        level = [child for each in level for child in parents.get(each, [])]
        found += level
    return found


def signal_tree(pid: int, number: signal.Signals) -> None:
    """A process first, then everything that was below it."""
    for each in (pid, *descendants(pid)):
        with suppress(ProcessLookupError):
            os.kill(each, number)


def noted_pid(folder: Path, name: str) -> int:
    """What the pid file says; 0 while there is none: the supervisor may be at it."""
    with suppress(FileNotFoundError):
        return int((folder / "run" / f"{name}.pid").read_text() or 0)
    return 0


def argument_of(pid: int, name: str) -> str:
    """The value of a flag of a running process."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
        if name in words:
            return words[words.index(name) + 1]
        # A Redis renames itself: "redis-server 127.0.0.1:6379".
        title = " ".join(words)
        if ":" in title:
            return title.rpartition(":")[2].split()[0].strip("\0")
    except OSError:
        pass
    raise AssertionError(f"process {pid} shows no {name}")


def own_environment(folder: Path, database_url: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return kept | {
        "PYTHONPATH": str(REPOSITORY),
        "DATABASE_URL": database_url,
        "HELPLINE_VAR_DIR": str(folder),
        "HELPLINE_CONFIG_DIR": str(_quick_config(folder / "config")),
        "HELPLINE_CLOCK_OFFSET_FILE": str(folder / "clock-offset"),
        "PORT": str(free_port()),
        "CONSOLE_PORT": str(free_port()),
        "HELPLINE_SIMULATOR_PORT": str(free_port()),
    }


def _quick_config(folder: Path) -> Path:
    """The real protocol with short ladders, no calling hours, and short pauses."""
    shutil.copytree(REPOSITORY / "config", folder, ignore=shutil.ignore_patterns("*.py", "__*"))
    ladder = yaml.safe_load((folder / "escalation.yaml").read_text())
    for step, after in zip(ladder["steps"], LADDER, strict=True):
        step["after"] = after
    ladder["repeat"] = REPEAT
    (folder / "escalation.yaml").write_text(yaml.safe_dump(ladder))
    rules = yaml.safe_load((folder / "callbacks.yaml").read_text())
    for policy in rules["dispositions"].values():
        policy["retries"] = [1, 2]
    rules["pass_pause"] = 1
    all_day = {"from": "00:00", "to": "23:59"}
    rules |= {"calling_hours": all_day, "staffed_hours": all_day}
    (folder / "callbacks.yaml").write_text(yaml.safe_dump(rules))
    return folder
