"""The database: connecting, the embedded server, migrations, named queries, bulk writes."""
