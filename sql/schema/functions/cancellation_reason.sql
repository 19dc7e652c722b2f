-- The error of a job that was canceled because of this dependency.
CREATE OR REPLACE FUNCTION cancellation_reason(dependency uuid) RETURNS text STABLE LANGUAGE sql SET search_path = provost, pg_temp AS $$
SELECT format('canceled: it depends on %s, which %s', coalesce(p.step, 'job ' || dependency),
              CASE p.state WHEN 'failed' THEN 'failed' WHEN 'canceled' THEN 'was canceled' ELSE 'was deleted' END)
FROM (SELECT) AS one LEFT JOIN jobs p ON p.id = dependency
$$;
