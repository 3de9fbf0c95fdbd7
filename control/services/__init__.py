"""The domain's verbs: the only place with business rules."""
