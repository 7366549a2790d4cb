"""smoke_test.sh against the whole running product, with a purchase."""

import os
import subprocess
from collections.abc import Callable

from local.stack import Stack
from tests.e2e.buyer import Buyer
from topology.functions import ROOT


def test_the_product_passes_its_smoke_test_and_sells_a_package(stack: Stack, sign_up: Callable[[], Buyer]) -> None:
    buyer = sign_up()
    command = ("./smoke_test.sh", stack.endpoints.web, "--purchase", "--simulator", stack.endpoints.stripe)
    environment = {**os.environ, "ID_TOKEN": buyer.authorization["Authorization"].removeprefix("Bearer ")}
    run = subprocess.run(command, cwd=ROOT, env=environment, check=False, text=True, capture_output=True)
    assert run.returncode == 0, run.stdout + run.stderr
    for what in ("the tokens are credited", "the transaction is recorded, once", "a user cannot write a balance"):
        assert f"ok      {what} " in run.stdout
    assert buyer.balance() == 50
