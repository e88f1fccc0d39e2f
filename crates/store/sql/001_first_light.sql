-- First light: what agents ship, who asked, and how far each agent has got. Times are unix nanoseconds; the codes of
-- side, protocol, method, status class, event kind and service class are those of the model.

CREATE TABLE schema_version (
    version    INTEGER NOT NULL,
    name       VARCHAR NOT NULL,
    applied_ns BIGINT NOT NULL
);

-- How far the batches of an agent's run are stored; written in the transaction of the rows.
CREATE TABLE ship_state (
    agent    VARCHAR NOT NULL,
    epoch    UBIGINT NOT NULL,
    seq      UBIGINT NOT NULL,
    -- The clock of its first and of its newest batch.
    first_ns BIGINT NOT NULL,
    last_ns  BIGINT NOT NULL,
    -- Items that this colony did not know.
    unknown  UBIGINT NOT NULL,
    PRIMARY KEY (agent, epoch)
);

CREATE TABLE instance (
    id            UINTEGER PRIMARY KEY,
    agent         VARCHAR NOT NULL,
    boot          VARCHAR NOT NULL,
    pid           UINTEGER NOT NULL,
    start_ticks   UBIGINT NOT NULL,
    namespace     VARCHAR NOT NULL,
    service       VARCHAR NOT NULL,
    class         UTINYINT NOT NULL,
    host          VARCHAR NOT NULL,
    started_ns    BIGINT,
    -- Ascending, with commas between.
    ports         VARCHAR NOT NULL,
    first_seen_ns BIGINT NOT NULL,
    last_seen_ns  BIGINT NOT NULL
);

-- route_kind: 1 all requests, exact; 2 the template in `route`; 3 not attributed to a route.
CREATE TABLE summary (
    from_ns       BIGINT NOT NULL,
    to_ns         BIGINT NOT NULL,
    instance      UINTEGER NOT NULL,
    side          UTINYINT NOT NULL,
    protocol      UTINYINT NOT NULL,
    route_kind    UTINYINT NOT NULL,
    route         VARCHAR,
    method        UTINYINT NOT NULL,
    status_class  UTINYINT NOT NULL,
    requests      UBIGINT NOT NULL,
    errors        UBIGINT NOT NULL,
    client_errors UBIGINT NOT NULL,
    -- The model's histogram blob, nanoseconds.
    durations     BLOB NOT NULL
);

-- An end is an instance, or an address and port (0 for a client's).
CREATE TABLE edge (
    from_ns         BIGINT NOT NULL,
    to_ns           BIGINT NOT NULL,
    agent           VARCHAR NOT NULL,
    side            UTINYINT NOT NULL,
    protocol        UTINYINT NOT NULL,
    caller_instance UINTEGER,
    caller_ip       VARCHAR,
    caller_port     USMALLINT,
    callee_instance UINTEGER,
    callee_ip       VARCHAR,
    callee_port     USMALLINT,
    requests        UBIGINT NOT NULL,
    errors          UBIGINT NOT NULL,
    client_errors   UBIGINT NOT NULL,
    durations       BLOB NOT NULL,
    connections     UBIGINT NOT NULL,
    sent_bytes      UBIGINT NOT NULL,
    received_bytes  UBIGINT NOT NULL,
    retransmits     UBIGINT,
    rtt_ns          UBIGINT
);

CREATE TABLE event (
    at_ns       BIGINT NOT NULL,
    until_ns    BIGINT,
    kind        UTINYINT NOT NULL,
    agent       VARCHAR NOT NULL,
    namespace   VARCHAR,
    service     VARCHAR,
    boot        VARCHAR,
    pid         UINTEGER,
    start_ticks UBIGINT,
    text        VARCHAR NOT NULL
);

-- An agent's state, about every ten seconds. Losses count from the agent's start.
CREATE TABLE agent_health (
    at_ns                 BIGINT NOT NULL,
    agent                 VARCHAR NOT NULL,
    host                  VARCHAR NOT NULL,
    version               VARCHAR NOT NULL,
    mode                  VARCHAR NOT NULL,
    -- JSON: a list of {feature, why, fix}.
    missing               VARCHAR NOT NULL,
    rss_bytes             UBIGINT NOT NULL,
    cpu_percent           DOUBLE NOT NULL,
    listening             UINTEGER NOT NULL,
    started_ns            BIGINT NOT NULL,
    records_dropped       UBIGINT NOT NULL,
    summaries_dropped     UBIGINT NOT NULL,
    unparsed              UBIGINT NOT NULL,
    unseen                UBIGINT NOT NULL,
    connections_untracked UBIGINT NOT NULL,
    unknown               UBIGINT NOT NULL
);

CREATE TABLE audit (
    at_ns   BIGINT NOT NULL,
    caller  VARCHAR NOT NULL,
    role    VARCHAR NOT NULL,
    via     VARCHAR NOT NULL,
    action  VARCHAR NOT NULL,
    target  VARCHAR NOT NULL,
    -- Why it was refused; NULL when it was allowed.
    refused VARCHAR
);
