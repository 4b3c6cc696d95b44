"""How Alembic runs our migrations: on a given connection, one process at a time.

`registry.db.migrate` hands over the connection and the list that collects what
was applied. There is no alembic.ini and no other way in.
"""

from alembic import context
from sqlalchemy import text

from registry.db.schema_version import VERSION_TABLE

# Any fixed number; it only has to be the same in every version of this program.
LOCK = 0x6F70746F7574

connection = context.config.attributes["connection"]
applied = context.config.attributes["applied"]

# A second `registry init` waits here, and then finds nothing left to do. The
# lock belongs to the session, because every migration is its own transaction.
connection.execute(text("SET lock_timeout = '120s'"))
connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": LOCK})
# A table in use must not hold up a migration that in turn holds up everybody else.
connection.execute(text("SET lock_timeout = '10s'"))
connection.commit()

context.configure(
    connection=connection,
    version_table=VERSION_TABLE,
    transaction_per_migration=True,
    on_version_apply=lambda step, **_: applied.append(step.up_revision_id),
)
try:
    context.run_migrations()
finally:
    connection.rollback()
    connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": LOCK})
    connection.commit()
