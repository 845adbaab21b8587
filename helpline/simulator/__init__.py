"""A local carrier that speaks Twilio's side of the wire, with telephones to play with.

Practice mode, training room, demonstration and test bed. It shares no code with the rest of
the project on purpose: each side checks the other. Nothing but the command line and tests
may import it.

    with create_simulator(SimulatorSettings(...)) as sim:
        sim.phone("+12025550123").texts("hi")
        sim.phone("+12025550123").wait_for_text("life at risk")
        assert sim.violations == []

HTTP for other processes: `control.py`. Bad luck on request: `faults.py`.
"""

from helpline.simulator.behaviour import Reaction, Text
from helpline.simulator.phone import Phone
from helpline.simulator.server import Simulator, create_simulator, serve
from helpline.simulator.settings import SimulatorSettings

__all__ = [
    "Phone",
    "Reaction",
    "Simulator",
    "SimulatorSettings",
    "Text",
    "create_simulator",
    "serve",
]
