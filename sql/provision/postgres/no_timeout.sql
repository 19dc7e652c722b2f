-- Let a statement of this session take as long as it needs.
SET statement_timeout = 0
