"""The promises hold while things break: a small set of the faults of `make faults`, on the official emulator."""

import uuid
from pathlib import Path

from reliability.faults.kinds import SMALL_SET, all_kinds
from reliability.faults.trials import Trials
from reliability.faults.world import World


def test_every_promise_holds_through_a_small_set_of_faults(firestore_emulator: str, tmp_path: Path) -> None:
    kinds = {kind.name: kind for kind in all_kinds()}
    project = f"demo-{uuid.uuid4().hex[:12]}"
    with World(firestore_emulator, project, tmp_path, seed=1) as world:
        trials = Trials(world, seed=1)
        verdicts = [trials.learn_steps(), *(trials.run(kinds[name]) for name in SMALL_SET)]

    assert {trial.kind: (trial.wrong, trial.missed) for trial in verdicts if not trial.ok} == {}
    assert len(trials.steps) > 20
    assert verdicts[1].faults >= len(verdicts[1].hit) > 5


def test_there_are_more_than_thirty_kinds_and_none_twice() -> None:
    names = [kind.name for kind in all_kinds()]

    assert len(names) == len(set(names)) > 30
    assert set(SMALL_SET) <= set(names)
