-- Allow the statements of this transaction more time: their work grows with the request.
SELECT set_config('statement_timeout', '60s', true)
