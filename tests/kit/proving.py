"""What tests prove senders by: everything real, but password hashes of almost no cost."""

import pathlib
import random

import argon2

from offhook.control.auth.proofs import Proofs
from offhook.control.configuration.config_auth import AuthSettings
from offhook.media.clock import Clock

TOKEN = "a-token-of-tests"
"The operator's."
CHEAP = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
OPEN = AuthSettings(registration="open")


def cheap_proofs(folder: pathlib.Path, clock: Clock, token: str = TOKEN) -> Proofs:
    """Registration is open; keys are made in the folder when they are needed."""
    return Proofs(folder, clock, random.Random(3), OPEN, api_token=token, hasher=CHEAP)
