"""Alembic's entry: run the revisions on the connection that `migrate` hands over."""

from alembic import context

from helpline.store.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, compare_type=False)
with context.begin_transaction():
    context.run_migrations()
