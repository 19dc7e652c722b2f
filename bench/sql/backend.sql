-- The process id of this backend, if the server runs on this machine.
SELECT pg_backend_pid() AS pid, coalesce(host(inet_server_addr()) IN ('127.0.0.1', '::1'), true) AS is_here
