"""A secret that somebody is about to commit stops `make check`."""

import re
import subprocess
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
SCAN = ".ci/scan_secrets"

# In parts: this file is scanned, too.
LONG = "4eC39HqLyjWDarjtT1zdp7dcA7Bq2XkP"  # pragma: allowlist secret
SECRETS = {
    "Stripe's live key": "sk_" + "live_" + LONG,
    "Stripe's test key": "sk_" + "test_" + LONG,
    "a restricted key": "rk_" + "test_" + LONG,
    "a signing secret": "whsec_" + LONG,
    "a private key": "-----BEGIN " + "PRIVATE KEY-----",
    "an access token": "ya29." + LONG,
    "an OAuth client's secret": "GOCSPX-" + LONG,
    "a GitHub token": "ghp_" + LONG + "AbCd",
    "an unknown one": '"' + LONG[::-1] + "Zx90QwErTyUiOp" + '"',
}
HARMLESS = [
    "STRIPE_SECRET_KEY=sk_test_local",
    "STRIPE_WEBHOOK_SECRET=whsec_local",
    "projects/p/secrets/stripe-secret-key/versions/latest",
    'password: "Your password",',
]


def scan(file: Path) -> tuple[int, set[int]]:
    """Return the exit status and the lines with a secret."""
    done = subprocess.run((SCAN, str(file)), cwd=ROOT, capture_output=True, text=True, check=False)
    return done.returncode, {int(line) for line in re.findall(r"^Location: .*:(\d+)$", done.stdout, re.MULTILINE)}


def test_every_kind_of_secret_is_found(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("\n".join(SECRETS.values()) + "\n")

    status, lines = scan(file)

    assert status != 0
    assert [kind for number, kind in enumerate(SECRETS, 1) if number not in lines] == []


def test_what_only_sounds_like_a_secret_passes(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("\n".join(HARMLESS) + "\n")

    assert scan(file) == (0, set())


def test_a_line_may_say_that_it_is_no_secret(tmp_path: Path) -> None:
    file = tmp_path / "test.py"
    file.write_text(f"KEY = {SECRETS['an unknown one']}  # pragma: allowlist secret\n")

    assert scan(file) == (0, set())


def test_make_check_and_each_commit_run_the_scan() -> None:
    check = (ROOT / "Makefile").read_text(encoding="utf-8").split("\ncheck: ")[1].split("\n\n")[0]
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"][0]["hooks"]

    assert f"git ls-files -z --cached --others --exclude-standard | xargs -0 {SCAN}" in check
    assert SCAN in [hook["entry"] for hook in hooks]
