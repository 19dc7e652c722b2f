-- Prepare a session of a provisioner: nothing that a tenant has created may be found by name, and nothing waits without a limit.
SET search_path = pg_catalog, pg_temp; SET lock_timeout = '10s'; SET statement_timeout = '120s'; SET idle_session_timeout = 0;
SET default_transaction_read_only = off; SET default_transaction_isolation = 'read committed'; SET client_min_messages = 'warning'
