"""How does alembic reach the database? On the connection and in the transaction that `store.migrations` opened."""

from alembic import context

from store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
