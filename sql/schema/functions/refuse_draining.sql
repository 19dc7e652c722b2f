CREATE OR REPLACE FUNCTION refuse_draining(queue text) RETURNS void LANGUAGE plpgsql SET search_path = provost, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM queues q WHERE q.name = refuse_draining.queue AND q.state = 'draining') THEN
        RAISE EXCEPTION 'the queue % is draining and takes no new jobs', queue USING ERRCODE = 'PV001';
    END IF;
END $$;
