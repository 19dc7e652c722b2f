-- Configure a transaction that migrates: no limit on the duration of a statement, but no long wait for a lock that others need.
-- PostgreSQL before 17 does not know transaction_timeout.
SELECT set_config(s.name, s.value, true)
FROM (VALUES ('search_path', 'provost'),
             ('statement_timeout', '0'),
             ('transaction_timeout', '0'),
             ('idle_in_transaction_session_timeout', '1min'),
             ('lock_timeout', '10s'),
             ('default_tablespace', ''),
             ('standard_conforming_strings', 'on'),
             ('datestyle', 'ISO, MDY'),
             ('intervalstyle', 'postgres'),
             ('timezone', 'UTC')) AS s (name, value)
WHERE s.name <> 'transaction_timeout' OR current_setting('server_version_num')::integer >= 170000
