-- Exact: what hosts and processes use, ten seconds each. Times are unix nanoseconds.

-- One measurement of a host in one interval; names are the vocabulary of the glossary.
CREATE TABLE host_metric (
    from_ns BIGINT NOT NULL,
    to_ns   BIGINT NOT NULL,
    agent   VARCHAR NOT NULL,
    name    VARCHAR NOT NULL,
    -- Of what: a disk, a mount point, an interface; empty for the host as a whole.
    label   VARCHAR NOT NULL,
    value   DOUBLE NOT NULL
);

CREATE TABLE process (
    from_ns   BIGINT NOT NULL,
    to_ns     BIGINT NOT NULL,
    instance  UINTEGER NOT NULL,
    -- Processor time per time.
    cpu_cores DOUBLE NOT NULL,
    -- At the end of the interval.
    rss_bytes UBIGINT NOT NULL,
    fds       UINTEGER,
    threads   UINTEGER NOT NULL
);
