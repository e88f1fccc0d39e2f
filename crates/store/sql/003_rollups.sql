-- Coarser levels of what is kept: rows of a minute and of an hour. An interval belongs to the bucket that holds its end, and
-- a bucket may have several rows of one key: they are added up by whoever reads them.

-- All intervals that end up to rolled_to_ns are in the level; those that end up to kept_from_ns are no longer.
CREATE TABLE level (
    name         VARCHAR NOT NULL,
    rolled_to_ns BIGINT NOT NULL,
    kept_from_ns BIGINT NOT NULL
);
INSERT INTO level VALUES ('10s', 0, 0), ('1m', 0, 0), ('1h', 0, 0);

CREATE TABLE summary_1m AS SELECT * FROM summary LIMIT 0;
CREATE TABLE summary_1h AS SELECT * FROM summary LIMIT 0;
CREATE TABLE edge_1m AS SELECT * FROM edge LIMIT 0;
CREATE TABLE edge_1h AS SELECT * FROM edge LIMIT 0;

CREATE TABLE host_metric_1m (
    from_ns BIGINT NOT NULL,
    to_ns   BIGINT NOT NULL,
    agent   VARCHAR NOT NULL,
    name    VARCHAR NOT NULL,
    label   VARCHAR NOT NULL,
    -- The newest value, and the end of its interval.
    last    DOUBLE NOT NULL,
    last_ns BIGINT NOT NULL,
    least   DOUBLE NOT NULL,
    most    DOUBLE NOT NULL,
    total   DOUBLE NOT NULL,
    samples UBIGINT NOT NULL
);
CREATE TABLE host_metric_1h AS SELECT * FROM host_metric_1m LIMIT 0;

CREATE TABLE process_1m (
    from_ns   BIGINT NOT NULL,
    to_ns     BIGINT NOT NULL,
    instance  UINTEGER NOT NULL,
    -- Processor time.
    cpu_ns    DOUBLE NOT NULL,
    -- When the newest values were seen: the end of their interval.
    last_ns   BIGINT NOT NULL,
    rss_bytes UBIGINT NOT NULL,
    fds       UINTEGER,
    threads   UINTEGER NOT NULL
);
CREATE TABLE process_1h AS SELECT * FROM process_1m LIMIT 0;
