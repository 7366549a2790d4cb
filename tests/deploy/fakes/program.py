"""`program.py gcloud …` runs gcloud, firebase, curl or make on the fake Google Cloud whose state is in $FAKE_GOOGLE."""

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

from tests.deploy.fake_google.cloud import FakeGoogle


def main() -> None:
    """Run this program's command, and keep the state."""
    file = Path(os.environ["FAKE_GOOGLE"])
    state = json.loads(file.read_text())
    google = FakeGoogle(state["project"], Path.cwd())
    google.state = state
    reads_stdin = "--data-file=-" in sys.argv or "-" in sys.argv
    done = google(tuple(sys.argv[1:]), sys.stdin.read() if reads_stdin else "")
    file.write_text(json.dumps(google.state))
    sys.stdout.write(done.stdout)
    sys.stderr.write(done.stderr)
    sys.exit(done.returncode)


main()
