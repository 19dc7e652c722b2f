-- Let a statement of this session end when its client is gone. PostgreSQL refuses this on systems that cannot tell.
SET client_connection_check_interval = '500ms'
