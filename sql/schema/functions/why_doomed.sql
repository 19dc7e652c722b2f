-- Why a job is canceled that depended on this one.
CREATE OR REPLACE FUNCTION why_doomed(doom uuid) RETURNS text STABLE LANGUAGE sql SET search_path = provost, pg_temp AS $$
SELECT format('canceled: it depends on %s, which %s', coalesce(p.step, 'job ' || doom),
              CASE p.state WHEN 'failed' THEN 'failed' WHEN 'canceled' THEN 'was canceled' ELSE 'was deleted' END)
FROM (SELECT) AS one LEFT JOIN jobs p ON p.id = doom
$$;
