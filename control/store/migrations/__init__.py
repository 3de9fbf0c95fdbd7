"""The database's versions (Alembic); run at every start, by store/migrating.py."""
