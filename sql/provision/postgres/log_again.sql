-- Log the statements of this session again, as the server is configured: the reverse of `stop_logging`.
SELECT set_config(s.name, s.reset_val, false)
FROM pg_roles me CROSS JOIN pg_settings s
WHERE me.rolname = current_user AND me.rolsuper
  AND s.name IN ('log_statement', 'log_min_duration_statement', 'log_min_duration_sample', 'log_transaction_sample_rate', 'log_min_error_statement', 'log_parameter_max_length')
