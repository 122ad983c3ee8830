"""One command, `safetynet`: a table of what can be started."""

import importlib
import sys
from typing import Final

COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "demo": ("safetynet.sim.demo:main", "the whole product on a made city"),
    "smoke": ("safetynet.sim.smoke:main", "the whole story in a real browser, with figures"),
    "pictures": ("safetynet.sim.pictures:main", "every page of the running demo, as pictures for docs/"),
    "storm": ("safetynet.sim.storm:main", "seeded histories of the whole country, promises checked"),
    "control": ("safetynet.app.control:main", "a control centre"),
    "centre-relay": ("safetynet.app.relay:centre_main", "the control centre's video relay"),
    "city": ("safetynet.app.city:main", "a smart city centre"),
    "city-relay": ("safetynet.app.relay:city_main", "a smart city centre's video relay"),
    "import": (
        "safetynet.app.intake:main",
        "read lists of others: import cameras|areas|offices|codes|orders|zones|holidays|roads FILE",
    ),
    "where": ("safetynet.app.offices:where_main", "who is competent for a place, and why"),
    "backup": ("safetynet.app.backup:backup_main", "a centre's folder as one file, while it runs"),
    "restore": ("safetynet.app.backup:restore_main", "a centre's folder from its backup, into an empty place"),
    "report": (
        "safetynet.app.reports:report_main",
        "a closed incident as a PDF: report --dir D INCIDENT --out FILE.pdf",
    ),
    "alarms": ("safetynet.app.loads:alarms_main", "alarm load, and what was held back and why: alarms --suppressed"),
    "why": ("safetynet.app.hindsight:why_main", "why an alarm rang: why ALARM --dir D"),
    "replay": (
        "safetynet.app.hindsight:replay_main",
        "other rules over the past: replay --dir D --since DAY --rules FILE",
    ),
    "publish": ("safetynet.app.audit:publish_main", "write a ledger for outsiders"),
    "verify": ("safetynet.app.audit:verify_main", "prove a published ledger, compare giving with receiving"),
    "world": ("safetynet.sim.run:main", "the made city by itself"),
    "outages": ("safetynet.sim.outages:main", "what fails in the demo: roads that are cut, programs that are killed"),
    "desk112": ("safetynet.sim.desk112:main", "a simulated police room on the real link"),
}


def main() -> int:
    if len(sys.argv) < 2 or sys.argv[1] not in COMMANDS:
        print("usage: safetynet COMMAND [OPTION ...]\n")
        for name, (_, what) in COMMANDS.items():
            print(f"  {name:<14} {what}")
        return 0 if len(sys.argv) > 1 and sys.argv[1] in ("help", "--help", "-h") else 2
    module, _, function = COMMANDS[sys.argv[1]][0].partition(":")
    del sys.argv[1]
    result: int = getattr(importlib.import_module(module), function)()
    return result


if __name__ == "__main__":
    raise SystemExit(main())
