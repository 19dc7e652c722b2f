-- Raises PV001 if a queue is draining.
CREATE OR REPLACE FUNCTION reject_if_draining(queue text) RETURNS void LANGUAGE plpgsql SET search_path = provost, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM queues q WHERE q.name = reject_if_draining.queue AND q.state = 'draining') THEN
        RAISE EXCEPTION 'the queue % is draining and accepts no new jobs', queue USING ERRCODE = 'PV001';
    END IF;
END $$;
