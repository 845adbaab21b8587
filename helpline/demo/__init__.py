"""Stories through the running parts: real HTTP, real workers, a local carrier.

Each step is printed with its time since the story began; each promise is checked where
it can be seen: on the telephones, in the carrier's log and in the database.
"""

import tempfile
from pathlib import Path

from helpline import processes
from helpline.demo.stage import Phones, Stage, Story, practice_settings
from helpline.demo.stories import ANA, BEN, STORIES


def play() -> int:
    """Start everything in a folder of its own, play, stop; 0 when every promise was kept."""
    with tempfile.TemporaryDirectory(prefix="helpline-demo-") as folder:
        settings = practice_settings(Path(folder))
        print("starting web, workers, guard, simulator, Redis and SQLite", flush=True)
        with processes.running(settings) as supervisor:
            stage = Stage(settings, supervisor, Phones(settings.simulator_url))
            stage.hire("Ana", ANA, "specialist", 1)
            stage.hire("Ben", BEN, "supervisor", 1)
            broken = _tell(stage)
    print(f"demo: {len(STORIES)} stories, {broken} broken", flush=True)
    return 1 if broken else 0


def _tell(stage: Stage) -> int:
    """All stories, and what the carrier would have refused; how many promises broke."""
    broken = 0
    for number, (title, tell) in enumerate(STORIES, start=1):
        story = Story(number, title)
        tell(story, stage)
        broken += story.broken
    for violation in stage.phones.violations():
        print(f"BROKEN the carrier would have refused: {violation}", flush=True)
        broken += 1
    return broken
