-- Configure the transaction that checks the invariants: long statements. PostgreSQL before 17 does not know transaction_timeout.
SELECT set_config(s.name, s.value, true)
FROM (VALUES ('search_path', 'provost'),
             ('statement_timeout', '10min'),
             ('transaction_timeout', '0'),
             ('lock_timeout', '5s'),
             ('idle_in_transaction_session_timeout', '1min'),
             ('datestyle', 'ISO, MDY'),
             ('intervalstyle', 'postgres'),
             ('timezone', 'UTC')) AS s (name, value)
WHERE s.name <> 'transaction_timeout' OR current_setting('server_version_num')::integer >= 170000
