-- Check the connection, and read the versions of the server and of the schema.
SELECT current_setting('server_version') AS server_version,
       (SELECT max(version) FROM schema_migrations) AS schema_version
