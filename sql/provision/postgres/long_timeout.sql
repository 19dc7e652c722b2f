-- Let a statement of this session take long. If nothing else ends it, this does.
SET statement_timeout = '1h'
