-- Configure a session of the store, whatever the defaults of the server, the database and the role are. JIT compilation takes longer
-- than any statement of this program runs; on a database without statistics it takes seconds. PostgreSQL before 17 does not know
-- transaction_timeout.
-- $1 for this transaction only?
SELECT set_config(s.name, s.value, $1::boolean)
FROM (VALUES ('search_path', 'provost'),
             ('statement_timeout', '5s'),
             ('lock_timeout', '2s'),
             ('idle_in_transaction_session_timeout', '10s'),
             ('idle_session_timeout', '0'),
             ('transaction_timeout', '0'),
             ('default_transaction_isolation', 'read committed'),
             ('default_transaction_deferrable', 'off'),
             ('default_tablespace', ''),
             ('temp_tablespaces', ''),
             ('synchronous_commit', 'on'),
             ('array_nulls', 'on'),
             ('transform_null_equals', 'off'),
             ('standard_conforming_strings', 'on'),
             ('datestyle', 'ISO, MDY'),
             ('intervalstyle', 'postgres'),
             ('timezone', 'UTC'),
             ('jit', 'off')) AS s (name, value)
WHERE s.name <> 'transaction_timeout' OR current_setting('server_version_num')::integer >= 170000
