"""What Alembic runs a migration in: migrating.py's connection and its transaction."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=context.config.attributes["metadata"],
    include_name=context.config.attributes["include_name"],
    transactional_ddl=True,  # SQLite's is, once the driver lets transactions alone
    render_as_batch=True,  # SQLite cannot alter a column: the table is copied
)
context.run_migrations()
