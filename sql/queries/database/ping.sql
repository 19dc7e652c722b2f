-- Are you there, who are you, and how far is your schema?
SELECT current_setting('server_version') AS server_version,
       (SELECT max(version) FROM refinery_schema_history) AS schema_version
