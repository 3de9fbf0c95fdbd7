"""A box for secrets whose key everybody knows."""

import functools
import random

from offhook.control.auth.secrets_box import SecretsBox


@functools.cache
def a_box() -> SecretsBox:
    """The same one each time."""
    return SecretsBox([bytes(range(32))], random.Random(2))
